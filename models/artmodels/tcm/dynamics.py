"""Multi-scale temporal dynamics: displacement maps at a fast and at a slow tempo."""

import torch
from torch import Tensor, nn

from ..precision import in_full
from .correlation import local_correlation
from .matching import soft_argmax

TEMPOS = ("fast", "slow")
MAPS = 3  # u, v, confidence


class TemporalDynamics(nn.Module):
    """``[B*T, C, H, W]`` -> ``[B*T, 3 * tempos, H, W]``: ``u, v, confidence`` of every tempo.

    Fast tempo: frame t to t+1. Slow tempo: the first frame to t+1. The T-1 maps become T by
    repeating the last. Channels come tempo by tempo, ``u_f v_f c_f u_s v_s c_s``, as the authors
    release it; with ``interleaved`` map by map, ``u_f u_s v_f v_s c_f c_s``, so that the grouped
    convolutions that follow see one quantity of both tempos ``[choice]``.
    """

    def __init__(
        self,
        channels: int,
        frames: int,
        reduced: int = 64,
        patch: int = 15,
        tempos: tuple[str, ...] = TEMPOS,
        interleaved: bool = False,
    ) -> None:
        super().__init__()
        if frames < 2:
            raise ValueError(f"temporal correlation needs two frames or more, not {frames}")
        if patch % 2 == 0:
            raise ValueError(f"patch {patch} has no centre: it must be odd")
        if not tempos or set(tempos) - set(TEMPOS):
            raise ValueError(f"tempos {list(tempos)}: known are {', '.join(TEMPOS)}")
        self.frames = frames
        self.radius = patch // 2
        self.tempos = tuple(tempos)
        self.interleaved = interleaved
        self.reduce = nn.Sequential(
            nn.Conv2d(channels, reduced, 1, bias=False), nn.BatchNorm2d(reduced), nn.ReLU()
        )

    def _maps(self, first: Tensor, second: Tensor) -> Tensor:
        """Displacements between maps ``[B, T-1, R, H, W]``, with the last repeated: ``[B, T, 3, H,
        W]``.
        """
        correlation = local_correlation(first.flatten(0, 1), second.flatten(0, 1), self.radius)
        maps = soft_argmax(correlation, self.radius).unflatten(0, (-1, self.frames - 1))
        return torch.cat([maps, maps[:, -1:]], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self._tempos(self.reduce(x).unflatten(0, (-1, self.frames)))

    @in_full
    def _tempos(self, x: Tensor) -> Tensor:
        """Maps of all tempos, of reduced features ``[B, T, R, H, W]``. Always in full precision:
        the softmax over displacements multiplies correlations by 100.
        """
        anchors = {"fast": x[:, :-1], "slow": x[:, :1].expand(-1, self.frames - 1, -1, -1, -1)}
        maps = torch.stack([self._maps(anchors[tempo], x[:, 1:]) for tempo in self.tempos], dim=2)
        if self.interleaved:
            maps = maps.transpose(2, 3)
        return maps.flatten(2, 3).flatten(0, 1)
