"""How the learning rate changes over a run."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from ..optim import cosine_factor
from .config import FitConfig


def schedule(steps: Optimizer, config: FitConfig, an_epoch: int) -> LambdaLR:
    """The schedule of ``config``, stepped after each optimiser step; ``an_epoch`` is the number of
    steps in an epoch.
    """
    warmup, total = round(config.warmup * an_epoch), config.epochs * an_epoch

    def stepped(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return config.gamma ** sum(step >= round(at * an_epoch) for at in config.milestones)

    def cosine(step: int) -> float:
        return cosine_factor(step, warmup, total, config.floor)

    return LambdaLR(steps, stepped if config.schedule == "step" else cosine)
