"""Transformer layers shared by the enhancement, the region queries and the temporal branch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention of ``query [B, M, C]`` to ``context [B, N, C]``.

    Tokens stay ``width`` wide and are projected to ``inner`` inside only: with the paper's d = 256
    this is the reading that meets its parameter count ``[choice]``.
    """

    def __init__(self, width: int, inner: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if inner % heads:
            raise ValueError(f"inner width {inner} is no multiple of {heads} heads")
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(width, inner)
        self.value = nn.Linear(width, inner)
        self.out = nn.Linear(inner, width)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        """Attended context, ``[B, M, C]``."""
        q, k, v = (
            self._split(self.query(query)),
            self._split(self.key(context)),
            self._split(self.value(context)),
        )
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def with_weights(self, query: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Attended context ``[B, M, C]`` and the weights averaged over heads, ``[B, M, N]``."""
        q, k, v = (
            self._split(self.query(query)),
            self._split(self.key(context)),
            self._split(self.value(context)),
        )
        weights = torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1)
        return self.out((weights @ v).transpose(1, 2).flatten(2)), weights.mean(1)


def feed_forward(width: int, hidden: int, dropout: float = 0.0) -> nn.Sequential:
    """The two-layer network of a transformer layer, with its normalisation in front."""
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, width),
    )


class SelfLayer(nn.Module):
    """Pre-norm self-attention layer on ``[B, N, C]``."""

    def __init__(
        self, width: int, inner: int, heads: int, hidden: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, inner, heads, dropout)
        self.feed = feed_forward(width, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        x = x + self.dropout(self.attention(normed, normed))
        return x + self.dropout(self.feed(x))


class CrossLayer(nn.Module):
    """Pre-norm cross-attention layer: ``query [B, M, C]`` reads ``context [B, N, C]``; also returns
    the weights.
    """

    def __init__(
        self, width: int, inner: int, heads: int, hidden: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.context_norm = nn.LayerNorm(width)
        self.attention = Attention(width, inner, heads)
        self.feed = feed_forward(width, hidden, dropout)

    def forward(self, query: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        mixed, weights = self.attention.with_weights(self.norm(query), self.context_norm(context))
        query = query + mixed
        return query + self.feed(query), weights
