"""Export of a model to the folder that the `artclassify` element reads, in both forms, each checked
against PyTorch.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .config import Config
from .encoder import TOKENS
from .folding import FoldedFrame, FoldedHead
from .graph import session, to_onnx
from .labels import BACKGROUND_NAME
from .model import ArtModel
from .video.config import VideoConfig

OUTPUTS = ("logits", "boxes", "relevance", "attention", "queries")
FEATURES = ("places", "embedding")  # of a sample, what the streaming ART head reads
TOLERANCE = 1e-3
CHECKED = 3  # clips: another number than in the example, or a batch fixed in a graph would pass


def several(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a module gives, as a tuple."""
    return (found,) if isinstance(found, Tensor) else tuple(found)


class SampleGraph(nn.Module):
    """``frames [N, H, W, 3]`` uint8 -> what the head reads of each, and the encoder's ``tokens
    [N, C, h, w]``, which it does not read: training goes on from them.
    """

    def __init__(self, model: ArtModel) -> None:
        super().__init__()
        self.encoder = model.encoder
        self.frame = FoldedFrame(model.head)

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        tokens = self.encoder(frames)
        return *self.frame(tokens), tokens


class ClipGraph(nn.Module):
    """``frames [N, T, H, W, 3]`` uint8 -> the head's outputs; it reads the first ``read`` features
    of the encoder.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, read: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.read = read

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        features = several(self.encoder(frames.flatten(0, 1)))[: self.read]
        span = frames.shape[1]
        return self.head(*(one.reshape(-1, span, *one.shape[1:]) for one in features))


@dataclass
class Stream:
    """A network in two parts of which the first carries states from sample to sample."""

    encoder: nn.Module  # frames [N, H, W, 3] uint8, states -> features [N, ...], next states
    head: nn.Module  # features [N, T, ...] -> outputs
    states: list[Tensor]  # zeros [1, ...], what each state starts as
    reference: Callable[[Tensor], dict[str, Tensor]]  # frames [N, S, H, W, 3] from the start of a
    # stream -> PyTorch's outputs of the window that ends with the last of them

    def names(self) -> dict[str, str]:
        """The encoder's state inputs and the outputs that follow them."""
        return {f"shift{i}": f"shift{i}_next" for i in range(len(self.states))}


@dataclass
class Forms:
    """A network in two parts and what a manifest says of them."""

    encoder: nn.Module  # frames [N, H, W, 3] uint8 -> features [N, ...], one or several
    head: nn.Module  # features [N, T, ...] -> outputs
    between: tuple[str, ...]  # names of the features that the head reads, the encoder's first
    outputs: tuple[str, ...]  # names, out of OUTPUTS
    beside: tuple[str, ...] = ()  # names of the encoder's further features
    split: bool = True  # the encoder does some of the work: the split form is worth a file
    stream: Stream | None = None


DESCRIBED = {
    "logits": 'scores = { name = "logits", activation = "softmax" }',
    "boxes": 'boxes = { name = "boxes", format = "cxcywh" }',
    "relevance": 'relevance = { name = "relevance" }',
    "attention": 'attention = { name = "attention" }',
    "queries": 'queries = { name = "queries" }',
}


def manifest(
    config: Config | VideoConfig,
    graph: str,
    layout: str,
    digests: dict[str, str],
    outputs: tuple[str, ...],
    background: list[str],
    states: dict[str, str] | None = None,
) -> str:
    """Text of a model.toml; ``graph`` is the inside of its ``[graph]`` table, ``states`` that of
    ``[graph.state]``.
    """
    carried = "".join(f'"{name}" = "{after}"\n' for name, after in (states or {}).items())
    carried = f"[graph.state]\n{carried}\n" if carried else ""
    hashes = "\n".join(f'"{name}" = "{digest}"' for name, digest in digests.items())
    found = "\n".join(DESCRIBED[name] for name in outputs)
    names = ", ".join(f'"{name}"' for name in background)
    return f"""[model]
name = "{config.name}"
version = "{config.version}"

[input]
frames = {config.data.frames}
fps = {config.data.fps}
hop = {config.hop}
width = {config.data.size}
height = {config.data.size}
color = "rgb"
resize = "crop"
layout = "{layout}"
dtype = "uint8"

[graph]
{graph}
input = "frames"

{carried}[graph.sha256]
{hashes}

[outputs]
{found}

[labels]
file = "labels.txt"
background = [{names}]
"""


def stacked(names: tuple[str, ...], samples: list[list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Inputs of a head: each feature ``[N, ...]`` of T samples as ``[N, T, ...]``."""
    columns = zip(*samples, strict=True)
    return {name: np.stack(one, axis=1) for name, one in zip(names, columns, strict=True)}


def _windows_of_a_stream(
    forms: Forms, folder: Path, frames: np.ndarray, compared: list[str]
) -> list[list[np.ndarray]]:
    """What the streaming form says of every T samples in a row of ``frames [N, S, H, W, 3]``."""
    encoder, head = session(folder / "encoder.onnx"), session(folder / "head.onnx")
    names = forms.stream.names()
    shapes = [(len(frames), *state.shape[1:]) for state in forms.stream.states]
    states = {name: np.zeros(shape, np.float32) for name, shape in zip(names, shapes, strict=True)}
    features, count = [], len(forms.between)
    for t in range(frames.shape[1]):
        found = encoder.run([*forms.between, *names.values()], {"frames": frames[:, t], **states})
        features.append(found[:count])
        states = dict(zip(names, found[count:], strict=True))
    span = head.get_inputs()[0].shape[1]
    return [
        head.run(compared, stacked(forms.between, features[at : at + span]))
        for at in range(0, frames.shape[1] - span + 1, span)
    ]


def difference(
    forms: Forms, truth: dict[str, Tensor], folder: Path, frames: np.ndarray
) -> dict[str, float]:
    """Largest differences of logits and boxes on ``frames [N, 2 T, H, W, 3]``: of the forms in
    ``folder`` against PyTorch, which said ``truth`` of the first T, and against one another. A
    stream is also followed to the end of the frames.
    """
    compared = [name for name in ("logits", "boxes") if name in forms.outputs]
    window = np.ascontiguousarray(frames[:, : frames.shape[1] // 2])
    clip = session(folder / "clip.onnx").run(compared, {"frames": window})
    found = {"clip": clip}
    if forms.split:
        encoder, head = session(folder / "encoder.onnx"), session(folder / "head.onnx")
        moments = range(window.shape[1])
        samples = [encoder.run(list(forms.between), {"frames": window[:, t]}) for t in moments]
        found["split"] = head.run(compared, stacked(forms.between, samples))
    wanted = {name: [truth[key].numpy() for key in compared] for name in found}
    if forms.stream:
        later = forms.stream.reference(torch.from_numpy(frames))
        found["stream"], found["stream's second window"] = _windows_of_a_stream(
            forms, folder, frames, compared
        )
        wanted["stream"] = wanted["clip"]
        wanted["stream's second window"] = [later[key].numpy() for key in compared]

    def gap(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a - b).max())

    gaps = {
        f"{key}, {form} against PyTorch": gap(said[i], wanted[form][i])
        for form, said in found.items()
        for i, key in enumerate(compared)
    }
    if forms.split:
        gaps["logits, split against clip"] = gap(found["split"][0], found["clip"][0])
    return gaps


SPLIT = 'kind = "split"\nencoder = "encoder.onnx"\nhead = "head.onnx"'
KINDS = {  # the inside of [graph], the layout of the frames, the files
    "clip": ('kind = "clip"\nfile = "clip.onnx"', "NTHWC", ("clip.onnx",)),
    "split": (SPLIT, "NHWC", ("encoder.onnx", "head.onnx")),
    "stream": (SPLIT.replace("split", "stream"), "NHWC", ("encoder.onnx", "head.onnx")),
}


def graphs_of(forms: Forms, frames: Tensor) -> dict[str, bytes]:
    """The files of all forms, from example ``frames [2, T, H, W, 3]``."""
    outputs, between = list(forms.outputs), list(forms.between)
    whole = ClipGraph(forms.encoder, forms.head, len(between))
    made = {"clip.onnx": to_onnx(whole, frames, ["frames"], outputs, dynamic=True)}
    if forms.stream is None and not forms.split:
        return made
    encoder, head, names = forms.encoder, forms.head, {}
    example = (frames[0],)
    if forms.stream:
        encoder, head, names = forms.stream.encoder, forms.stream.head, forms.stream.names()
        states = [state.expand(2, *state.shape[1:]) for state in forms.stream.states]
        example = (frames[:, 0], *states)
    with torch.no_grad():
        features = several(encoder(*example))[: len(between)]
    windows = tuple(one[:1].expand(2, frames.shape[1], *one.shape[1:]) for one in features)
    inputs, found = ["frames", *names], [*between, *forms.beside, *names.values()]
    made["encoder.onnx"] = to_onnx(encoder, example, inputs, found, dynamic=True)
    made["head.onnx"] = to_onnx(head, windows, between, outputs, dynamic=True)
    return made


def write_forms(
    config: Config | VideoConfig,
    forms: Forms,
    reference: Callable[[Tensor], dict[str, Tensor]],
    labels: list[str],
    folder: Path,
) -> dict[str, float]:
    """Write every form there is, their manifests and the labels.

    ``model.toml`` is the form that costs a stream least: streaming, else split, with ``clip.toml``
    beside it, or else the clip form. Returns the differences from ``reference`` found on random
    pictures; raises when a form differs from it, or from the other form, by more than 1e-3.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = config.data
    shape = (CHECKED, 2 * data.frames, data.size, data.size, 3)
    frames = torch.randint(0, 256, shape, dtype=torch.uint8)
    window = frames[:, : data.frames].contiguous()
    digests = {}
    for name, graph in graphs_of(forms, window[:2]).items():
        (folder / name).write_bytes(graph)
        digests[name] = hashlib.sha256(graph).hexdigest()
    background = [name for name in labels if name == BACKGROUND_NAME]
    states = forms.stream.names() if forms.stream else {}
    first = "stream" if forms.stream else "split" if forms.split else "clip"
    for kind in dict.fromkeys((first, "clip")):
        graph, layout, files = KINDS[kind]
        hashes = {name: digests[name] for name in files}
        carried = states if kind == "stream" else {}
        text = manifest(config, graph, layout, hashes, forms.outputs, background, carried)
        file = "model.toml" if kind == first else "clip.toml"
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels), encoding="utf-8")
    found = difference(forms, reference(window), folder, frames.numpy())
    for what, gap in found.items():
        if not gap <= TOLERANCE:
            raise RuntimeError(f"{folder}: {what} differ by {gap:.2e}, allowed are {TOLERANCE:.0e}")
    return found


def export(model: ArtModel, labels: list[str], folder: Path) -> dict[str, float]:
    """:func:`write_forms` of a streaming ART model."""
    model.eval()
    forms = Forms(SampleGraph(model), FoldedHead(model.head), FEATURES, OUTPUTS, (TOKENS,))

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            out = model(frames)
        return {"logits": out.logits, "boxes": out.boxes}

    return write_forms(model.config, forms, reference, labels, folder)
