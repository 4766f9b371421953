"""Export of a video network: the clip form always, the split form where a part of it sees single
frames.
"""

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from ..export import OUTPUTS, FoldedSemantics, Forms, write_forms
from .model import VideoModel

FEATURES = "features"


class WindowGraph(nn.Module):
    """``features [N, T, ...]`` of the frame-wise part -> the outputs of a manifest, in order."""

    def __init__(self, model: VideoModel) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        if hasattr(model.head, "semantics"):
            self.model.head.semantics = FoldedSemantics(model.head.semantics)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        out = self.model.over_frames(features)
        if out.regions is None:
            return (out.logits,)
        return tuple(getattr(out.regions, name) for name in OUTPUTS)


class FrameGraph(nn.Module):
    """``frames [N, H, W, 3]`` uint8 -> features of each."""

    def __init__(self, model: VideoModel) -> None:
        super().__init__()
        self.backbone = model.backbone

    def forward(self, frames: Tensor) -> Tensor:
        return self.backbone.each_frame(frames)


def export_video(model: VideoModel, labels: list[str], folder: Path) -> dict[str, float]:
    """Write what :func:`artmodels.export.write_forms` describes; labels are in the bank's order."""
    names = OUTPUTS if hasattr(model.head, "semantics") else ("logits",)
    forms = Forms(FrameGraph(model), WindowGraph(model), FEATURES, names, model.backbone.split > 0)

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            out = model(frames)
        found = out if out.regions is None else out.regions
        return {name: getattr(found, name) for name in names}

    model.eval()
    return write_forms(model.config, forms, reference, labels, folder)
