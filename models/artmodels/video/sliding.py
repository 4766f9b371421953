"""Convolutions over time, a channel at a time, as sums of shifted frames.

Two cheap operators a step of the kernel, in any layout, in place of transposing everything for a
one-dimensional convolution.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def slide(padded: Tensor, kernel: Tensor) -> Tensor:
    """``padded [B, T + k - 1, ...]``, ``kernel [k, ...]`` -> ``[B, T, ...]``: tap i of the kernel
    meets frame ``t + i`` of what is padded.
    """
    frames = padded.shape[1] - kernel.shape[0] + 1
    return sum(kernel[i] * padded[:, i : i + frames] for i in range(kernel.shape[0]))


def repeated(x: Tensor, before: int, after: int) -> Tensor:
    """``[B, T, ...]`` with its first frame ``before`` times in front and its last ``after`` times
    behind.
    """
    return torch.cat([x[:, :1]] * before + [x] + [x[:, -1:]] * after, dim=1)


def silent(x: Tensor, before: int, after: int) -> Tensor:
    """``[B, T, ...]`` with zeros as frames before and after it."""
    return F.pad(x, [0, 0] * (x.ndim - 2) + [before, after])


def kernel_of(frames: int, channels: int) -> nn.Parameter:
    """A kernel ``[k, C]`` of the size that ``nn.Conv1d`` would draw."""
    bound = frames**-0.5
    return nn.Parameter(torch.empty(frames, channels).uniform_(-bound, bound))
