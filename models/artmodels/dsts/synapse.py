"""The synapse mechanism: which neuron of a layer a clip activates."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Synapse(nn.Module):
    """Impulses ``v_i`` of N neurons for ``x [B, C, T, H, W]``, and the choice among them.

    The paper's impulse is the sum of ``m_i * x`` over channels, time and place, with a 1x1x1 kernel
    ``m_i [C_out, C]``. That is linear, so the kernel's column sums, ``scores [N, C]`` here, give
    the same numbers from the pooled input at ``C_out`` times fewer weights. The mean over time and
    place keeps impulses of the size of Gumbel's noise, or routing would never be explored
    ``[choice]``; ``pool="sum"`` is the paper's letter.
    """

    def __init__(
        self, channels: int, neurons: int, temperature: float = 1.0, pool: str = "mean"
    ) -> None:
        super().__init__()
        if pool not in ("mean", "sum"):
            raise ValueError(f"pool '{pool}': known are mean, sum")
        self.temperature = temperature
        self.pool = pool
        self.offset: Tensor | None = None
        self.replayed: Tensor | None = None
        self.scores = nn.Parameter(torch.empty(neurons, channels))
        nn.init.kaiming_uniform_(self.scores, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Impulses ``[B, N]``."""
        pooled = x.mean((2, 3, 4)) if self.pool == "mean" else x.sum((2, 3, 4))
        return F.linear(pooled, self.scores)

    def choose(self, impulses: Tensor) -> Tensor:
        """Training: one-hot ``[B, N]`` drawn by Gumbel-softmax, with the gradient of the relaxed
        draw. At test the neuron is ``impulses.argmax(1)``.

        The draw is the relaxed one plus a constant ``offset`` that makes it hard. Where
        ``replayed`` is set to the offset of an earlier pass, that pass's decisions stand.
        """
        soft = F.gumbel_softmax(impulses, self.temperature)
        if self.replayed is not None:
            return soft + self.replayed
        hard = F.one_hot(soft.argmax(1), soft.shape[1]).to(soft.dtype)
        self.offset = hard - soft.detach()
        return soft + self.offset
