"""What a backbone hands to neck and head."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


def in_clips(x: Tensor, frames: int) -> Tensor:
    """``[B*T, ...]`` -> ``[B, T, ...]``.

    No ``unflatten``: a flatten behind it would fix the batch of an exported graph.
    """
    return x.reshape(-1, frames, *x.shape[1:])


@dataclass
class Features:
    """The maps of a window, and its vector where the backbone has class tokens."""

    maps: Tensor  # [B, T, C, h, w]
    video: Tensor | None = None  # [B, C]; None: the mean of the maps stands for it

    def vector(self) -> Tensor:
        """The video's vector ``[B, C]``, ART's ``x_cls``."""
        return self.maps.mean((1, 3, 4)) if self.video is None else self.video

    def through(self, neck: nn.Module) -> "Features":
        """Behind a neck ``[B, C, T, h, w]`` -> the same; to a vector of class tokens goes the mean
        of what the neck adds to the maps.
        """
        maps = neck(self.maps.transpose(1, 2)).transpose(1, 2)
        if self.video is None:
            return Features(maps)
        return Features(maps, self.video + (maps - self.maps).mean((1, 3, 4)))


class Pixels(nn.Module):
    """``frames [N, H, W, 3]`` uint8 RGB -> ``[N, 3, H, W]``, normalised as timm's ``statistics``
    (``mean`` and ``std`` of 0..1 values) say.
    """

    def __init__(self, statistics: dict[str, Any]) -> None:
        super().__init__()
        for name in ("mean", "std"):
            values = torch.tensor(statistics[name]).mul(255).view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        return (frames.permute(0, 3, 1, 2).float() - self.mean) / self.std
