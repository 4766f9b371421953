"""Efficient temporal attention: a weight for every frame and channel."""

import math

import torch
from torch import Tensor, nn


def kernel_size(frames: int) -> int:
    """``log2(frames)``, the next odd number where that is even: 3 for 8 frames, 5 for 16."""
    return int(math.log2(frames)) | 1


class TemporalAttention(nn.Module):
    """``[B*T, C, H, W]`` weighted by ``sigmoid(conv_t(mean over H, W))``: one kernel over time,
    without bias, shared by all channels.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        kernel = kernel_size(frames)
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean((2, 3)).unflatten(0, (-1, self.frames)).transpose(1, 2)
        channels = pooled.shape[1]
        mixed = self.conv(pooled.flatten(0, 1).unsqueeze(1)).squeeze(1)
        weights = torch.sigmoid(mixed.unflatten(0, (-1, channels)).transpose(1, 2).flatten(0, 1))
        return x * weights[:, :, None, None]
