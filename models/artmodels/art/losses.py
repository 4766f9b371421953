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


def temporal_loss(responses: Tensor, degree: float = 0.6) -> Tensor:
    """Eq. 6: attract like-indexed responses of adjacent frames, hinge ``max(0, degree - cosine)``
    ``[choice]``.
    """
    unit = F.normalize(responses, dim=-1)
    return (degree - (unit[:, 1:] * unit[:, :-1]).sum(-1)).clamp(min=0).mean()


def tracklet_loss(responses: Tensor, clamp: bool = True) -> Tensor:
    """Eq. 7: repel whole tracklets, each the mean of its responses over time ``[choice]``."""
    unit = F.normalize(responses.mean(1), dim=-1)
    return _mean_off_diagonal(unit @ unit.transpose(-2, -1), clamp)


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy with a target distribution, both ``[B, C]``."""
    return -(target * F.log_softmax(logits, dim=-1)).sum(-1).mean()
