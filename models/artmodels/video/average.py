"""The averaging head of TSN: every frame votes."""

from torch import Tensor, nn

from .features import Features


class AverageHead(nn.Module):
    """:class:`Features` -> logits ``[B, N]``: the mean over frames of a linear classifier on pooled
    maps; on the video's own vector where the backbone has one.
    """

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)

    def forward(self, features: Features) -> Tensor:
        if features.video is not None:
            return self.linear(self.dropout(features.video))
        return self.linear(self.dropout(features.maps.mean((3, 4)))).mean(1)
