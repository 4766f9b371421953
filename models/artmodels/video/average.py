"""The averaging head of TSN: every frame votes."""

from torch import Tensor, nn

from .features import Features


class AverageHead(nn.Module):
    """:class:`Features` -> logits ``[B, N]``: a linear classifier on the mean over time and place
    of the maps, which is the mean over frames of its votes; on the video's own vector where the
    backbone has one.
    """

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)

    def forward(self, features: Features) -> Tensor:
        return self.linear(self.dropout(features.vector()))
