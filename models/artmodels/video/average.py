"""The averaging head of TSN: every frame votes."""

from torch import Tensor, nn


class AverageHead(nn.Module):
    """``maps [B, T, C, h, w]`` -> logits ``[B, N]``: the mean over frames of a linear classifier on
    pooled features.
    """

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)

    def forward(self, maps: Tensor) -> Tensor:
        return self.linear(self.dropout(maps.mean((3, 4)))).mean(1)
