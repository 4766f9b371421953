"""Spatio-temporal specialisation: the neurons of one layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .norm import RoutedBatchNorm


@dataclass
class Surroundings:
    """What the two operators see of ``[B, C, T, H, W]`` at each of its P = T*H*W positions."""

    spatial: Tensor  # [B, 9 C, P], kernel position by kernel position
    temporal: Tensor  # [B, 3 C, P]

    @classmethod
    def of(cls, x: Tensor) -> "Surroundings":
        """Shifted copies of ``x``, zero beyond its borders."""
        frames, height, width = (int(size) for size in x.shape[2:])
        wide, long = F.pad(x, (1, 1, 1, 1)), F.pad(x, (0, 0, 0, 0, 1, 1))
        around = [
            wide[..., dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)
        ]
        before = [long[:, :, dt : dt + frames] for dt in range(3)]
        return cls(torch.cat(around, dim=1).flatten(2), torch.cat(before, dim=1).flatten(2))

    def rows(self, rows: Tensor) -> "Surroundings":
        """Those of some clips."""
        return Surroundings(self.spatial[rows], self.temporal[rows])


class Neurons(nn.Module):
    """N neurons, each ``fuse(ReLU(BN(S((1-b) x))) + ReLU(BN(T(b x))))`` at every position.

    S is a 1x3x3 convolution, T a 3x1x1 one, fuse a 1x1x1 one that every neuron owns, as the paper's
    figure draws it ``[choice]``. Convolutions are products of matrices with the
    :class:`Surroundings`, which all neurons share, and gates multiply the operators' input columns,
    which is the same as multiplying the channels.
    """

    def __init__(self, neurons: int, channels: int) -> None:
        super().__init__()
        self.spatial = nn.Parameter(torch.empty(neurons, channels, channels, 3, 3))
        self.temporal = nn.Parameter(torch.empty(neurons, channels, channels, 3))
        self.fuse = nn.Parameter(torch.empty(neurons, channels, channels))
        for bank in (self.spatial, self.temporal, self.fuse):
            for weight in bank:
                nn.init.kaiming_normal_(weight, mode="fan_in", nonlinearity="relu")
        self.spatial_norm = RoutedBatchNorm(neurons, channels)
        self.temporal_norm = RoutedBatchNorm(neurons, channels)

    def kernels(self, gates: Tensor) -> tuple[Tensor, Tensor]:
        """Both operators as matrices behind their ``gates [N, C]``, ``[N, O, 9 C]`` and ``[N, O,
        3 C]``.
        """
        columns = gates[:, None, :, None]
        spatial = self.spatial.flatten(3) * (1 - columns)
        temporal = self.temporal * columns
        return spatial.transpose(2, 3).flatten(2), temporal.transpose(2, 3).flatten(2)

    def one(
        self, neuron: int, x: Surroundings, kernels: tuple[Tensor, Tensor], chosen: Tensor
    ) -> Tensor:
        """Training form: one neuron on all rows, ``[B, O, P]``; ``chosen [B]`` marks the rows that
        it was chosen for.
        """
        spatial, temporal = (kernel[neuron] for kernel in kernels)
        z = self.spatial_norm(spatial @ x.spatial, neuron, chosen).relu()
        z = z + self.temporal_norm(temporal @ x.temporal, neuron, chosen).relu()
        return self.fuse[neuron] @ z

    def each(self, choice: Tensor, x: Surroundings, kernels: tuple[Tensor, Tensor]) -> Tensor:
        """Test form: row b by neuron ``choice[b]`` alone, ``[B, O, P]``; the cost does not grow
        with N, and the graph serves any batch.
        """
        spatial, temporal = (kernel[choice] for kernel in kernels)
        z = self.spatial_norm.stored(spatial @ x.spatial, choice).relu()
        z = z + self.temporal_norm.stored(temporal @ x.temporal, choice).relu()
        return self.fuse[choice] @ z
