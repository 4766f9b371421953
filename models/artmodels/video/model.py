"""The builder: one config, one network."""

from dataclasses import dataclass

from torch import Tensor, nn

from ..dsts import SpecialisationNeck
from .average import AverageHead
from .backbone import Backbone
from .config import VideoConfig
from .region_head import RegionHead, RegionOutput


@dataclass
class VideoOutput:
    """Class scores, and the tracklets where the head follows any."""

    logits: Tensor  # [B, N]
    regions: RegionOutput | None


def made_neck(config: VideoConfig, channels: int) -> nn.Module:
    """``[B, C, T, h, w]`` -> the same."""
    neck = config.neck
    if neck.kind == "none":
        return nn.Identity()
    if neck.kind == "dsts":
        return SpecialisationNeck(
            channels,
            neck.layers,
            neck.neurons,
            neck.width,
            neck.temperature,
            neck.gradient,
            neck.pool,
        )
    raise ValueError(f"neck '{neck.kind}': known are none, dsts")


def made_head(config: VideoConfig, channels: int, grid: int, bank: Tensor) -> nn.Module:
    """``maps [B, T, C, h, w]`` -> logits, or a :class:`RegionOutput`."""
    head = config.head
    if head.kind == "average":
        return AverageHead(channels, bank.shape[1], head.dropout)
    if head.kind == "art":
        return RegionHead(channels, grid, bank, head, config.bank)
    raise ValueError(f"head '{head.kind}': known are average, art")


class VideoModel(nn.Module):
    """``frames [B, T, H, W, 3]`` uint8 RGB -> :class:`VideoOutput`.

    ``bank [P, N, D]`` gives the number N of classes, and to an ART head their text embeddings.
    """

    def __init__(self, config: VideoConfig, bank: Tensor) -> None:
        super().__init__()
        self.config = config
        data = config.data
        self.backbone = Backbone(config.backbone, config.tcm, data.size, data.frames)
        self.neck = made_neck(config, self.backbone.channels)
        self.head = made_head(config, self.backbone.channels, self.backbone.grid, bank)

    def forward(self, frames: Tensor) -> VideoOutput:
        span = frames.shape[1]
        features = self.backbone.each_frame(frames.flatten(0, 1))
        return self.over_frames(features.unflatten(0, (-1, span)))

    def over_frames(self, features: Tensor) -> VideoOutput:
        """From ``features [B, T, ...]``, what the backbone's frame-wise part gives."""
        span = features.shape[1]
        maps = self.backbone.over_frames(features.flatten(0, 1)).unflatten(0, (-1, span))
        maps = self.neck(maps.transpose(1, 2)).transpose(1, 2)
        found = self.head(maps)
        if isinstance(found, RegionOutput):
            return VideoOutput(found.logits, found)
        return VideoOutput(found, None)
