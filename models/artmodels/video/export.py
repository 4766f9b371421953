"""Export of a video network: the clip form always, the split form where a part of it sees single
frames, the streaming form where a part needs only the frames before.
"""

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from ..export import OUTPUTS, Forms, Stream, write_forms
from ..folding import FoldedSemantics
from .card import Facts, card
from .model import VideoModel, VideoOutput
from .streaming import StreamGraph, of_last_window

FEATURES = "features"


def outputs_of(model: VideoModel) -> tuple[str, ...]:
    """The outputs of a model's graphs, in order."""
    if model.config.head.kind != "art":
        return ("logits",)
    learned = model.head.semantics.query == "learned"
    return tuple(name for name in OUTPUTS if name != "queries" or not learned)


def named(output: VideoOutput, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors of an output under the names of the graphs'."""
    found = output if output.regions is None else output.regions
    return {name: getattr(found, name) for name in names}


class WindowGraph(nn.Module):
    """``features [N, T, ...]`` in front of step ``first`` of a convolutional backbone, or of its
    frame-wise part's end -> the outputs of a manifest, in order.
    """

    def __init__(self, model: VideoModel, first: int | None = None) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self.first = first
        semantics = getattr(model.head, "semantics", None)
        if semantics is not None and semantics.query != "learned":
            self.model.head.semantics = FoldedSemantics(semantics)
        self.names = outputs_of(model)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        backbone = self.model.backbone
        if self.first is None:
            found = backbone.over_frames(features)
        else:
            found = backbone.after(features, self.first)
        return tuple(named(self.model.after_backbone(found), self.names).values())


class FrameGraph(nn.Module):
    """``frames [N, H, W, 3]`` uint8 -> features of each."""

    def __init__(self, model: VideoModel) -> None:
        super().__init__()
        self.backbone = model.backbone

    def forward(self, frames: Tensor) -> Tensor:
        return self.backbone.each_frame(frames)


def stream_of(model: VideoModel) -> Stream | None:
    """The streaming form of a network with a one-directional shift."""
    backbone = model.backbone
    if model.config.backbone.shift != "online":
        return None
    graph, names = StreamGraph(backbone), outputs_of(model)

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return named(model.after_backbone(of_last_window(backbone, frames)), names)

    states = graph.states(model.config.data.size)
    return Stream(graph, WindowGraph(model, backbone.streamed), states, reference)


def export_video(
    model: VideoModel, labels: list[str], folder: Path, facts: Facts | None = None
) -> dict[str, float]:
    """Write what :func:`artmodels.export.write_forms` describes and a model card, ``README.md``,
    with the ``facts`` of the training; labels are in the bank's order.
    """
    model.eval()
    names = outputs_of(model)
    stream = stream_of(model)
    split = bool(model.backbone.split)
    frame, window = FrameGraph(model), WindowGraph(model)
    forms = Forms(frame, window, (FEATURES,), names, split=split, stream=stream)

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return named(model(frames), names)

    gaps = write_forms(model.config, forms, reference, labels, folder)
    text = card(model, labels, gaps, facts or Facts())
    (folder / "README.md").write_text(text, encoding="utf-8")
    return gaps
