"""Optimiser, schedule and averaged weights."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


def optimiser(model: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW; vectors and scalars (norms, biases) do not decay."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))


def cosine_factor(step: int, warmup: int, total: int, floor: float = 0.01) -> float:
    """Factor on the learning rate at ``step`` of ``total``: linear warm-up, then a cosine down to
    ``floor``.
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def warm_cosine(steps: torch.optim.Optimizer, warmup: int, total: int) -> LambdaLR:
    """Linear warm-up, then a cosine to 1 % of the learning rate."""
    return LambdaLR(steps, lambda step: cosine_factor(step, warmup, total))


class Average:
    """Exponential moving average of a module's parameters and buffers."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.state = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take one step towards the module's present weights; the first steps are longer, so that
        the start is forgotten.
        """
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)
