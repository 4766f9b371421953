"""Temporal shift (TSM): part of the channels comes from the neighbouring frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .features import in_clips

FIRST_CONVOLUTION = {  # of a residual branch, by the class of timm's block
    "BasicBlock": "conv1",
    "Bottleneck": "conv1",
    "DepthwiseSeparableConv": "conv_dw",
    "EdgeResidual": "conv_exp",
    "InvertedResidual": "conv_pw",
}


class TemporalShift(nn.Module):
    """``[B*T, C, H, W]`` with ``share`` of the channels from the frame after and as many from the
    frame before, zeros beyond the window's ends.

    ``online``: from the frame before alone, so that no frame waits for a later one.
    """

    def __init__(self, frames: int, share: float, online: bool) -> None:
        super().__init__()
        self.frames = frames
        self.share = share
        self.online = online

    def forward(self, x: Tensor) -> Tensor:
        x = in_clips(x, self.frames)
        fold = int(x.shape[2] * self.share)
        past = F.pad(x[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
        if self.online:
            moved = [past[:, :, :fold], x[:, :, fold:]]
        else:
            future = F.pad(x[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
            moved = [future[:, :, :fold], past[:, :, fold : 2 * fold], x[:, :, 2 * fold :]]
        return torch.cat(moved, dim=2).flatten(0, 1)


def with_shift(network: nn.Module, frames: int, share: float, online: bool) -> int:
    """Put a shift in front of every residual branch of ``network``, inside the branch; returns how
    many. Blocks without a skip get none.
    """
    count = 0
    for block in list(network.modules()):
        attribute = FIRST_CONVOLUTION.get(type(block).__name__)
        if attribute and getattr(block, "has_skip", True):
            shift = TemporalShift(frames, share, online)
            setattr(block, attribute, nn.Sequential(shift, getattr(block, attribute)))
            count += 1
    return count
