"""The builder: one config, one network."""

from dataclasses import dataclass

from torch import Tensor, nn

from ..dsts import SpecialisationNeck
from .average import AverageHead
from .backbone import made_backbone
from .config import VideoConfig
from .features import Features
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
    """:class:`Features` -> logits, or a :class:`RegionOutput`."""
    head = config.head
    if head.kind == "average":
        return AverageHead(channels, bank.shape[1], head.dropout)
    if head.kind == "art":
        return RegionHead(channels, grid, bank, head, config.bank, config.data.frames)
    raise ValueError(f"head '{head.kind}': known are average, art")


class VideoModel(nn.Module):
    """``frames [B, T, H, W, 3]`` uint8 RGB -> :class:`VideoOutput`.

    ``bank [P, N, D]`` gives the number N of classes, and to an ART head their text embeddings.
    """

    def __init__(self, config: VideoConfig, bank: Tensor) -> None:
        super().__init__()
        self.config = config
        self.backbone, self._still = made_backbone(config)
        self.neck = made_neck(config, self.backbone.channels)
        self.head = made_head(config, self.backbone.channels, self.backbone.grid, bank)

    def train(self, mode: bool = True) -> "VideoModel":
        """As in PyTorch; the statistics of a frozen network stay as they are."""
        super().train(mode)
        for norm in self._still:
            norm.eval()
        return self

    def forward(self, frames: Tensor) -> VideoOutput:
        return self.after_backbone(self.backbone(frames))

    def over_frames(self, features: Tensor) -> VideoOutput:
        """From ``features [B, T, ...]``, what the backbone's frame-wise part gives."""
        return self.after_backbone(self.backbone.over_frames(features))

    def after_backbone(self, features: Features) -> VideoOutput:
        """Neck and head."""
        plain = isinstance(self.neck, nn.Identity)
        found = self.head(features if plain else features.through(self.neck))
        if isinstance(found, RegionOutput):
            return VideoOutput(found.logits, found)
        return VideoOutput(found, None)


def tunable(model: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
