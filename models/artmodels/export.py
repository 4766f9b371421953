"""Export of a model to the folder that the `artclassify` element reads, in both forms, each checked
against PyTorch.
"""

import copy
import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .art.bank import winners
from .art.head import TextSemantics
from .graph import session, to_onnx
from .labels import BACKGROUND_NAME
from .model import ArtModel

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
    """``frames [N, T, H, W, 3]`` uint8 -> the same outputs."""

    def __init__(self, model: ArtModel) -> None:
        super().__init__()
        self.encoder = model.encoder
        self.head = HeadGraph(model)

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        tokens = self.encoder(frames.flatten(0, 1))
        return self.head(tokens.unflatten(0, (-1, frames.shape[1])))


def manifest(
    model: ArtModel, graph: str, layout: str, digests: dict[str, str], background: list[str]
) -> str:
    """Text of a model.toml; ``graph`` is the inside of its ``[graph]`` table."""
    config = model.config
    hashes = "\n".join(f'"{name}" = "{digest}"' for name, digest in digests.items())
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
scores = {{ name = "logits", activation = "softmax" }}
boxes = {{ name = "boxes", format = "cxcywh" }}
relevance = {{ name = "relevance" }}
attention = {{ name = "attention" }}
queries = {{ name = "queries" }}

[labels]
file = "labels.txt"
background = [{names}]
"""


def difference(model: ArtModel, folder: Path, frames: np.ndarray) -> dict[str, float]:
    """Largest differences on ``frames [N, T, H, W, 3]``: of logits, split and clip against PyTorch,
    and of boxes.
    """
    encoder, head = session(folder / "encoder.onnx"), session(folder / "head.onnx")
    clip = session(folder / "clip.onnx")
    with torch.no_grad():
        truth = model.eval()(torch.from_numpy(frames))
    tokens = np.stack([encoder.run(None, {"frames": window})[0] for window in frames])
    split = dict(zip(OUTPUTS, head.run(OUTPUTS, {TOKENS: tokens}), strict=True))
    whole = dict(zip(OUTPUTS, clip.run(OUTPUTS, {"frames": frames}), strict=True))

    def gap(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a - b).max())

    return {
        "split against PyTorch": gap(split["logits"], truth.logits.numpy()),
        "clip against PyTorch": gap(whole["logits"], truth.logits.numpy()),
        "split against clip": gap(split["logits"], whole["logits"]),
        "boxes, split against PyTorch": gap(split["boxes"], truth.boxes.numpy()),
        "boxes, clip against PyTorch": gap(whole["boxes"], truth.boxes.numpy()),
    }


def export(model: ArtModel, labels: list[str], folder: Path) -> dict[str, float]:
    """Write encoder, head and clip graphs, both manifests and the labels.

    Returns the differences found on random pictures; raises when a form differs from PyTorch, or
    from the other, by more than 1e-3.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = model.config.data
    model.eval()
    frames = torch.randint(0, 256, (2, data.frames, data.size, data.size, 3), dtype=torch.uint8)
    with torch.no_grad():
        tokens = model.encoder(frames.flatten(0, 1)).unflatten(0, (2, -1))
    graphs = {
        "encoder.onnx": to_onnx(model.encoder, frames[0], ["frames"], [TOKENS], dynamic=True),
        "head.onnx": to_onnx(HeadGraph(model), tokens, [TOKENS], list(OUTPUTS), dynamic=True),
        "clip.onnx": to_onnx(ClipGraph(model), frames, ["frames"], list(OUTPUTS), dynamic=True),
    }
    digests = {}
    for name, graph in graphs.items():
        (folder / name).write_bytes(graph)
        digests[name] = hashlib.sha256(graph).hexdigest()
    background = [name for name in labels if name == BACKGROUND_NAME]
    split = 'kind = "split"\nencoder = "encoder.onnx"\nhead = "head.onnx"'
    clip = 'kind = "clip"\nfile = "clip.onnx"'
    of_split = {name: digests[name] for name in ("encoder.onnx", "head.onnx")}
    of_clip = {"clip.onnx": digests["clip.onnx"]}
    (folder / "model.toml").write_text(manifest(model, split, "NHWC", of_split, background))
    (folder / "clip.toml").write_text(manifest(model, clip, "NTHWC", of_clip, background))
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels), encoding="utf-8")
    found = difference(model, folder, frames.numpy())
    for what, gap in found.items():
        if gap > TOLERANCE:
            raise RuntimeError(f"{folder}: {what} differ by {gap:.2e}, allowed are {TOLERANCE:.0e}")
    return found
