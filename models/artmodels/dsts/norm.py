"""Batch normalisation of neurons that each see a part of the batch."""

import torch
from torch import Tensor, nn

EPSILON, MOMENTUM = 1e-5, 0.1


class RoutedBatchNorm(nn.Module):
    """Batch normalisation with statistics, weight and bias of N neurons, each of C channels.

    A neuron's statistics come from the clips that it was chosen for and from no other ``[choice]``:
    what it normalises is the subset that it specialises in. They have the precision of the running
    ones, also in mixed precision. ``track_running_stats`` may be switched off for a pass that must
    leave no trace. ``seen [N]`` counts the clips behind the running ones: processes that
    share a batch weigh theirs by it.
    """

    def __init__(self, neurons: int, channels: int) -> None:
        super().__init__()
        self.track_running_stats = True
        self.weight = nn.Parameter(torch.ones(neurons, channels))
        self.bias = nn.Parameter(torch.zeros(neurons, channels))
        self.register_buffer("running_mean", torch.zeros(neurons, channels))
        self.register_buffer("running_var", torch.ones(neurons, channels))
        self.register_buffer("seen", torch.zeros(neurons), persistent=False)

    def forward(self, x: Tensor, neuron: int, chosen: Tensor) -> Tensor:
        """Training form: ``x [B, C, P]`` by the statistics of rows in ``chosen [B]``; where
        there is none, by the running ones.
        """
        rows = x[chosen].to(self.running_mean.dtype)
        if len(rows) == 0:
            mean, var = self.running_mean[neuron].clone(), self.running_var[neuron].clone()
        else:
            mean = rows.mean((0, 2))
            var = rows.var((0, 2), unbiased=False)
            if self.track_running_stats:
                self._track(neuron, mean.detach(), var.detach(), rows)
        scale = self.weight[neuron] * torch.rsqrt(var + EPSILON)
        shift = self.bias[neuron] - mean * scale
        return x * scale.unsqueeze(-1) + shift.unsqueeze(-1)

    def _track(self, neuron: int, mean: Tensor, var: Tensor, rows: Tensor) -> None:
        count = rows.numel() // rows.shape[1]
        unbiased = var * (count / max(count - 1, 1))
        self.running_mean[neuron].lerp_(mean, MOMENTUM)
        self.running_var[neuron].lerp_(unbiased, MOMENTUM)
        self.seen[neuron] += len(rows)

    def stored(self, x: Tensor, choice: Tensor) -> Tensor:
        """Test form: row b of ``x [B, C, P]`` by the running statistics of neuron ``choice[b]``."""
        scale = self.weight * torch.rsqrt(self.running_var + EPSILON)
        shift = self.bias - self.running_mean * scale
        return x * scale[choice].unsqueeze(-1) + shift[choice].unsqueeze(-1)
