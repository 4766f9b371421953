"""Spatial semantic enhancement (eq. 1) and the region queries (eq. 2)."""

import torch
from torch import Tensor, nn

from ..layers import SelfLayer


class SemanticEnhancement(nn.Module):
    """Eq. 1: ``[X^_t ; S^_t] = MSA(Concat(X_t, S_topk))`` per frame.

    Both halves are used: ``X^`` are tokens with the background suppressed, ``S^`` are the semantics
    adapted to this frame. Weights are shared over frames ``[choice]``. With zero layers the stage
    is the identity (the paper's ablation).
    """

    def __init__(
        self, width: int, inner: int, heads: int, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            SelfLayer(width, inner, heads, hidden, dropout) for _ in range(layers)
        )

    def forward(self, tokens: Tensor, semantics: Tensor) -> tuple[Tensor, Tensor]:
        """``tokens [B, HW, C]``, ``semantics [B, K, C]`` -> the same shapes, enhanced."""
        places = tokens.shape[1]
        z = torch.cat([tokens, semantics], dim=1)
        for layer in self.layers:
            z = layer(z)
        return z[:, :places], z[:, places:]


class RegionQueries(nn.Module):
    """Eq. 2: ``Q_t = S^_t + P_t`` with learned prompts.

    The paper says that prompts are "integrated" and gives one shape for all three, so they are
    added ``[choice]``; one prompt per index k for all frames ``[choice]``, which keeps the meaning
    of k over time, or with ``frames`` one for each of T frames too, by which the head may tell
    early from late.
    """

    def __init__(self, queries: int, width: int, frames: int | None = None) -> None:
        super().__init__()
        shape = (queries, width) if frames is None else (frames, queries, width)
        self.prompts = nn.Parameter(torch.randn(shape) * 0.1)

    def forward(self, semantics: Tensor) -> Tensor:
        """``[B*T, K, C]``, clip after clip -> the same."""
        if self.prompts.ndim == 2:
            return semantics + self.prompts
        each = semantics.reshape(-1, *self.prompts.shape)
        return (each + self.prompts).reshape(-1, *self.prompts.shape[1:])
