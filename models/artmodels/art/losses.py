"""The multilevel tracklet contrastive loss (eqs. 5 to 8)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def _mean_off_diagonal(similarity: Tensor, clamp: bool) -> Tensor:
    """Mean of ``[..., K, K]`` without its diagonal."""
    count = similarity.shape[-1]
    if count < 2:
        return similarity.sum() * 0
    if clamp:
        similarity = similarity.clamp(min=0)
    off = ~torch.eye(count, dtype=torch.bool, device=similarity.device)
    return similarity[..., off].mean()


def spatial_loss(responses: Tensor, clamp: bool = True) -> Tensor:
    """Eq. 5: repel the K responses of one frame, ``[B, T, K, C]`` -> mean cosine of unlike indices.

    With ``clamp`` negative cosines cost nothing, or two tracklets end as mirror images of each
    other ``[choice]``.
    """
    unit = F.normalize(responses, dim=-1)
    return _mean_off_diagonal(unit @ unit.transpose(-2, -1), clamp)


def _neighbours(responses: Tensor) -> Tensor:
    """Cosines of like-indexed responses of adjacent frames, ``[B, T-1, K]``."""
    unit = F.normalize(responses, dim=-1)
    return (unit[:, 1:] * unit[:, :-1]).sum(-1)


def temporal_loss(responses: Tensor, degree: float = 0.6, form: str = "hinge") -> Tensor:
    """Eq. 6: attract like-indexed responses of adjacent frames, hinge ``max(0, degree - cosine)``
    ``[choice]``; ``form="absolute"`` is the other reading, ``|degree - cosine|``, which pushes
    regions that hardly move apart.
    """
    lacking = degree - _neighbours(responses)
    if form == "hinge":
        return lacking.clamp(min=0).mean()
    if form == "absolute":
        return lacking.abs().mean()
    raise ValueError(f"temporal loss '{form}': known are hinge, absolute")


@torch.no_grad()
def active_hinges(responses: Tensor, degree: float = 0.6) -> Tensor:
    """Share of the pairs of eq. 6 that are less alike than ``degree``: at the start often none,
    and the temporal term is zero.
    """
    return (_neighbours(responses) < degree).float().mean()


def tracklet_loss(responses: Tensor, clamp: bool = True, form: str = "mean") -> Tensor:
    """Eq. 7: repel whole tracklets, each the mean of its responses over time ``[choice]``;
    ``form="flat"`` takes all T responses as one long vector.
    """
    if form not in ("mean", "flat"):
        raise ValueError(f"tracklet loss '{form}': known are mean, flat")
    whole = responses.mean(1) if form == "mean" else responses.transpose(1, 2).flatten(2)
    unit = F.normalize(whole, dim=-1)
    return _mean_off_diagonal(unit @ unit.transpose(-2, -1), clamp)


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy with a target distribution, both ``[B, C]``."""
    return -(target * F.log_softmax(logits, dim=-1)).sum(-1).mean()
