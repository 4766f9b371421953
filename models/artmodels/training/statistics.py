"""Running statistics of all processes that share a batch, as one."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..dsts.norm import RoutedBatchNorm
from .processes import Processes


@torch.no_grad()
def share_statistics(learner: nn.Module, processes: Processes) -> None:
    """Give every batch norm that trains the mean of its statistics over all processes.

    Each process has tracked its part of the batch. Those of a routed norm count by the clips that
    each neuron was chosen for; a neuron that no process chose keeps its own.
    """
    if processes.count == 1:
        return
    norms = [
        norm
        for norm in learner.modules()
        if isinstance(norm, RoutedBatchNorm | _BatchNorm)
        if norm.training and norm.running_mean is not None
    ]
    weighed: list[Tensor] = []
    for norm in norms:
        weight = _weight(norm)
        weighed += [weight, norm.running_mean * weight, norm.running_var * weight]
    found = iter(processes.average(weighed))
    for norm in norms:
        weight = next(found)
        for statistic in (norm.running_mean, norm.running_var):
            statistic.copy_(torch.where(weight > 0, next(found) / weight, statistic))


def _weight(norm: nn.Module) -> Tensor:
    """How much this process's statistics count; what they stand for is counted anew."""
    if not isinstance(norm, RoutedBatchNorm):
        return torch.ones_like(norm.running_mean)
    weight = norm.seen.unsqueeze(1).expand_as(norm.running_mean).clone()
    norm.seen.zero_()
    return weight
