"""What a network costs."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..video import VideoModel


def parameters(model: VideoModel) -> int:
    """All numbers of the network, learned or not, apart from running statistics."""
    return sum(p.numel() for p in model.parameters())


@torch.no_grad()
def gmacs(model: VideoModel, size: int) -> float:
    """Thousands of millions of multiplications of one view, its frames being squares of ``size``:
    convolutions and products of matrices.
    """
    device = next(model.parameters()).device
    shape = (1, model.config.data.frames, size, size, 3)
    with FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(shape, dtype=torch.uint8, device=device))
    return counter.get_total_flops() / 2e9
