"""Export of a model to the folder that the `artclassify` element reads, in both forms, each checked
against PyTorch.
"""

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .art.bank import winners
from .art.head import TextSemantics
from .config import Config
from .graph import session, to_onnx
from .labels import BACKGROUND_NAME
from .model import ArtModel
from .video.config import VideoConfig

OUTPUTS = ("logits", "boxes", "relevance", "attention", "queries")
TOKENS = "tokens"
TOLERANCE = 1e-3


class FoldedSemantics(nn.Module):
    """The selection of ``S_topk`` with the slow bank multiplied into the projections around it.

    The text width disappears: 0.6 MB less in each graph.
    Dropping the norm of the projected video changes no rank.
    """

    def __init__(self, semantics: TextSemantics) -> None:
        super().__init__()
        slow = semantics.bank.slow
        self.count = semantics.count
        self.register_buffer("rank", slow @ semantics.to_text.weight.detach())
        self.register_buffer("offset", slow @ semantics.to_text.bias.detach())
        self.register_buffer("entries", semantics.from_text(slow).detach().flatten(0, 1))

    def forward(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`TextSemantics.forward`."""
        flat, classes = winners(
            torch.einsum("be,pne->bpn", video, self.rank) + self.offset, self.count
        )
        return self.entries[flat], classes


class HeadGraph(nn.Module):
    """``tokens [N, T, C, h, w]`` -> the outputs of a manifest, in order."""

    def __init__(self, model: ArtModel) -> None:
        super().__init__()
        self.head = copy.deepcopy(model.head)
        self.head.semantics = FoldedSemantics(model.head.semantics)

    def forward(self, tokens: Tensor) -> tuple[Tensor, ...]:
        out = self.head(tokens)
        return out.logits, out.boxes, out.relevance, out.attention, out.queries


class ClipGraph(nn.Module):
    """``frames [N, T, H, W, 3]`` uint8 -> the head's outputs."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        features = self.encoder(frames.flatten(0, 1))
        return self.head(features.unflatten(0, (-1, frames.shape[1])))


@dataclass
class Forms:
    """A network in two parts and what a manifest says of them."""

    encoder: nn.Module  # frames [N, H, W, 3] uint8 -> features [N, ...]
    head: nn.Module  # features [N, T, ...] -> outputs
    between: str  # name of the features
    outputs: tuple[str, ...]  # names, out of OUTPUTS
    split: bool = True  # the encoder does some of the work: the split form is worth a file


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
) -> str:
    """Text of a model.toml; ``graph`` is the inside of its ``[graph]`` table."""
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

[graph.sha256]
{hashes}

[outputs]
{found}

[labels]
file = "labels.txt"
background = [{names}]
"""


def difference(
    forms: Forms, truth: dict[str, Tensor], folder: Path, frames: np.ndarray
) -> dict[str, float]:
    """Largest differences of logits and boxes on ``frames [N, T, H, W, 3]``: of the forms in
    ``folder`` against PyTorch, which said ``truth``, and against one another.
    """
    compared = [name for name in ("logits", "boxes") if name in forms.outputs]
    clip = session(folder / "clip.onnx").run(compared, {"frames": frames})
    found = {"clip": dict(zip(compared, clip, strict=True))}
    if forms.split:
        encoder, head = session(folder / "encoder.onnx"), session(folder / "head.onnx")
        features = np.stack([encoder.run(None, {"frames": window})[0] for window in frames])
        split = head.run(compared, {forms.between: features})
        found["split"] = dict(zip(compared, split, strict=True))

    def gap(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a - b).max())

    gaps = {
        f"{name}, {form} against PyTorch": gap(said[name], truth[name].numpy())
        for form, said in found.items()
        for name in compared
    }
    if forms.split:
        one, other = found["split"]["logits"], found["clip"]["logits"]
        gaps["logits, split against clip"] = gap(one, other)
    return gaps


def write_forms(
    config: Config | VideoConfig,
    forms: Forms,
    reference: Callable[[Tensor], dict[str, Tensor]],
    labels: list[str],
    folder: Path,
) -> dict[str, float]:
    """Write the clip form, the split form where there is one, their manifests and the labels.

    ``model.toml`` is the split form with ``clip.toml`` beside it, or else the clip form. Returns
    the differences from ``reference`` found on random pictures; raises when a form differs from it,
    or from the other form, by more than 1e-3.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, outputs = config.data, list(forms.outputs)
    frames = torch.randint(0, 256, (2, data.frames, data.size, data.size, 3), dtype=torch.uint8)
    whole = ClipGraph(forms.encoder, forms.head)
    graphs = {"clip.onnx": to_onnx(whole, frames, ["frames"], outputs, dynamic=True)}
    if forms.split:
        name = [forms.between]
        with torch.no_grad():
            features = forms.encoder(frames.flatten(0, 1)).unflatten(0, (2, -1))
        graphs["encoder.onnx"] = to_onnx(forms.encoder, frames[0], ["frames"], name, dynamic=True)
        graphs["head.onnx"] = to_onnx(forms.head, features, name, outputs, dynamic=True)
    digests = {}
    for name, graph in graphs.items():
        (folder / name).write_bytes(graph)
        digests[name] = hashlib.sha256(graph).hexdigest()
    background = [name for name in labels if name == BACKGROUND_NAME]
    texts = {
        "clip": ('kind = "clip"\nfile = "clip.onnx"', "NTHWC", ("clip.onnx",)),
        "split": (
            'kind = "split"\nencoder = "encoder.onnx"\nhead = "head.onnx"',
            "NHWC",
            ("encoder.onnx", "head.onnx"),
        ),
    }
    for file, form in (
        (("model.toml", "split"), ("clip.toml", "clip"))
        if forms.split
        else (("model.toml", "clip"),)
    ):
        graph, layout, files = texts[form]
        hashes = {name: digests[name] for name in files}
        text = manifest(config, graph, layout, hashes, forms.outputs, background)
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels), encoding="utf-8")
    found = difference(forms, reference(frames), folder, frames.numpy())
    for what, gap in found.items():
        if gap > TOLERANCE:
            raise RuntimeError(f"{folder}: {what} differ by {gap:.2e}, allowed are {TOLERANCE:.0e}")
    return found


def export(model: ArtModel, labels: list[str], folder: Path) -> dict[str, float]:
    """:func:`write_forms` of a streaming ART model."""
    model.eval()
    forms = Forms(model.encoder, HeadGraph(model), TOKENS, OUTPUTS)

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            out = model(frames)
        return {"logits": out.logits, "boxes": out.boxes}

    return write_forms(model.config, forms, reference, labels, folder)
