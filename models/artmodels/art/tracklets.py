"""Tracklets (eq. 4), their aggregation over time (eq. 9) and their boxes."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..precision import in_full


@in_full
def saliency(responses: Tensor, semantics: Tensor, temperature: float) -> Tensor:
    """Eq. 9, weights: ``w_{t,k} = (1/K) sum_j softmax_t(<r_{t,k}, s_j> / temperature)``.

    ``responses [B, T, K, C]`` (tracklet k is the k-th response of every frame, eq. 4: identity
    comes from the index), ``semantics [B, K, C]`` -> ``[B, T, K]``; sums to 1 over T. The softmax
    is taken per semantic and then averaged, as in video concept spotting ``[choice]``. Always in
    full precision.
    """
    similarity = torch.einsum(
        "btkc,bjc->btkj", F.normalize(responses, dim=-1), F.normalize(semantics, dim=-1)
    )
    return torch.softmax(similarity / temperature, dim=1).mean(-1)


def uniform(responses: Tensor) -> Tensor:
    """Weights ``[B, T, K]`` of a mean over time, what aggregation is compared with."""
    return torch.full_like(responses[..., 0], 1 / responses.shape[1])


def aggregate(responses: Tensor, weights: Tensor) -> Tensor:
    """Eq. 9, sum: ``Tr_k = sum_t w_{t,k} r_{t,k}``, ``[B, T, K, C]`` and ``[B, T, K]`` -> ``[B, K,
    C]``.
    """
    return (weights.unsqueeze(-1) * responses).sum(1)


def attention_boxes(attention: Tensor, threshold: float = 0.25, extent: float = 3.5) -> Tensor:
    """Boxes of attention maps ``[..., h, w]`` as ``[..., 4]`` cxcywh in 0..1.

    Not in the paper, which draws heat maps. A map is cut at ``threshold`` times its maximum, and
    the box is the centre of mass of what remains with ``extent`` standard deviations as its size (a
    uniform patch has sqrt(12) = 3.46), a cell itself counting as a uniform patch. Boxes are clipped
    to the picture.
    """
    height, width = (int(cells) for cells in attention.shape[-2:])  # constants of a graph
    peak = attention.amax(dim=(-2, -1), keepdim=True)
    mass = (attention - threshold * peak).clamp(min=0)
    mass = mass / mass.sum(dim=(-2, -1), keepdim=True).clamp(min=1e-9)

    def along(weights: Tensor, cells: int) -> tuple[Tensor, Tensor]:
        at = (torch.arange(cells, dtype=weights.dtype, device=weights.device) + 0.5) / cells
        centre = (weights * at).sum(-1)
        variance = (weights * (at - centre.unsqueeze(-1)) ** 2).sum(-1) + 1 / (12 * cells**2)
        size = extent * variance.sqrt()
        low, high = (centre - size / 2).clamp(0, 1), (centre + size / 2).clamp(0, 1)
        return (low + high) / 2, high - low

    cx, w = along(mass.sum(-2), width)
    cy, h = along(mass.sum(-1), height)
    return torch.stack([cx, cy, w, h], dim=-1)
