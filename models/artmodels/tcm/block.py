"""The temporal correlation module as a residual block."""

from torch import Tensor, nn

from .attention import TemporalAttention
from .dynamics import MAPS, TEMPOS, TemporalDynamics
from .transformation import Transformation


class TemporalCorrelation(nn.Module):
    """``x + attention(transformation(dynamics(x)))`` on ``[B*T, C, H, W]``, clip after clip.

    With C = 512, T = 8 and the paper's sizes it has 71,163 parameters. ``attention=False`` leaves
    out the temporal attention, ``tempos`` picks one of the two: the paper's ablations.
    """

    def __init__(
        self,
        channels: int,
        frames: int,
        reduced: int = 64,
        patch: int = 15,
        tempos: tuple[str, ...] = TEMPOS,
        attention: bool = True,
        interleaved: bool = False,
    ) -> None:
        super().__init__()
        self.dynamics = TemporalDynamics(channels, frames, reduced, patch, tempos, interleaved)
        self.transform = Transformation(MAPS * len(tempos), channels)
        self.attention = TemporalAttention(frames) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(self.transform(self.dynamics(x)))
