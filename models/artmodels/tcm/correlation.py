"""Correlation of two feature maps over a square patch of displacements."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

NORM_EPSILON = 1e-6  # added to the squared norm, before the root


def displacements(radius: int) -> tuple[Tensor, Tensor]:
    """``dx`` and ``dy`` in cells of all ``(2 radius + 1)^2`` displacements, row by row."""
    steps = torch.arange(-radius, radius + 1)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    return dx.flatten(), dy.flatten()


@lru_cache(maxsize=8)
def _targets(height: int, width: int, radius: int) -> tuple[Tensor, Tensor]:
    """For every place and displacement: the flat number of the pair (place, target) in a matrix of
    all pairs, ``[HW, P]`` flattened, and whether the target lies in the picture, ``[HW, P]``.
    """
    dx, dy = (d.numpy() for d in displacements(radius))
    y, x = np.divmod(np.arange(height * width)[:, None], width)
    to_y, to_x = y + dy, x + dx
    inside = (to_y >= 0) & (to_y < height) & (to_x >= 0) & (to_x < width)
    target = np.clip(to_y, 0, height - 1) * width + np.clip(to_x, 0, width - 1)
    pair = np.arange(height * width)[:, None] * (height * width) + target
    return torch.from_numpy(pair.reshape(-1)), torch.from_numpy(inside)


def _unit(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().sum(1, keepdim=True) + NORM_EPSILON)


def local_correlation(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """``c(x, d) = ReLU(cosine(first(x), second(x + d)))`` for every ``d`` in ``[-r, r]^2``.

    ``[N, C, H, W]`` twice -> ``[N, (2r+1)^2, H, W]``, displacements as :func:`displacements` lists
    them; zero where ``x + d`` lies outside the picture. All pairs of places are multiplied at once
    and the near ones gathered ``[choice]``: two operators in place of 225 shifts, at the price of
    ``(HW)^2`` numbers a pair of maps (2.4 MB at 28x28).
    """
    height, width = int(first.shape[2]), int(first.shape[3])
    pairs, inside = (t.to(first.device) for t in _targets(height, width, radius))
    a, b = _unit(first).flatten(2), _unit(second).flatten(2)
    everything = (a.transpose(1, 2) @ b).flatten(1)
    near = everything.index_select(1, pairs).unflatten(1, inside.shape)
    near = (near * inside.to(near.dtype)).relu()
    return near.transpose(1, 2).unflatten(2, (height, width))
