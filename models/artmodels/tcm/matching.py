"""Kernel-soft-argmax: from correlations to one displacement and its confidence."""

import torch
from torch import Tensor

from .correlation import displacements


def soft_argmax(
    correlation: Tensor, radius: int, sigma: float = 5.0, temperature: float = 100.0
) -> Tensor:
    """``[N, (2r+1)^2, H, W]`` -> ``(u, v, confidence)``, ``[N, 3, H, W]``.

    A Gaussian of ``sigma`` cells around the best displacement silences far ones, a softmax of
    fixed ``temperature`` weighs the rest: ``w = softmax_d(temperature * G(d) * c)``. ``u, v`` are
    the mean displacement in x and y in units of the radius, -1..1: content that moves by (3, 2)
    cells gives ``(3, 2) / r``. The confidence is the largest correlation. The place of the maximum
    has no gradient.
    """
    dx, dy = (d.to(correlation) for d in displacements(radius))
    confidence, best = correlation.max(dim=1, keepdim=True)
    x, y = dx.view(1, -1, 1, 1), dy.view(1, -1, 1, 1)
    distance = (x - dx[best]).square() + (y - dy[best]).square()
    kernel = torch.exp(-distance / (2 * sigma**2))
    weights = torch.softmax(temperature * kernel * correlation, dim=1)
    u, v = ((weights * d).sum(1, keepdim=True) / radius for d in (x, y))
    return torch.cat([u, v, confidence], dim=1)
