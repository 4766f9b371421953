"""Parameters in groups that learn at their own rates, and the optimiser over them."""

import torch
from torch import nn

from ..dsts.gates import ChannelGates
from ..dsts.norm import RoutedBatchNorm
from ..dsts.synapse import Synapse
from .config import FitConfig

NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, RoutedBatchNorm)
DECISIONS = (Synapse, ChannelGates)  # scores and gates, which the paper gives a gradient step alone


def kind(module: nn.Module, name: str, parameter: nn.Parameter) -> str:
    """``plain`` if the parameter ``name`` of ``module`` decays; ``bias`` or ``norm`` if not."""
    if isinstance(module, NORMS + DECISIONS):
        return "norm"
    if name == "bias":
        return "bias"
    return "plain" if parameter.ndim > 1 else "norm"


def groups(model: nn.Module, config: FitConfig) -> list[dict[str, object]]:
    """Groups of what ``model`` learns, for an optimiser.

    Biases and the parameters of norms do not decay, nor do vectors, scores and gates. Parameters
    whose dotted name has a part in ``config.fresh`` learn at ``fresh_lr * lr``, biases at
    ``bias_lr * lr``, and biases of fresh parts at the product.
    """
    found: dict[str, dict[str, object]] = {}
    seen = set()
    for prefix, module in model.named_modules():
        fresh = bool(set(prefix.split(".")) & set(config.fresh))
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad or id(parameter) in seen:
                continue
            seen.add(id(parameter))
            what = kind(module, name, parameter)
            rate = config.lr * (config.fresh_lr if fresh else 1)
            group = found.setdefault(
                f"{'fresh' if fresh else 'body'}/{what}",
                {
                    "params": [],
                    "lr": rate * (config.bias_lr if what == "bias" else 1),
                    "weight_decay": config.weight_decay if what == "plain" else 0.0,
                },
            )
            group["params"].append(parameter)
    if not found:
        raise ValueError("the network has nothing to learn: every parameter is frozen")
    return [{"name": name, **group} for name, group in found.items()]


def optimiser(model: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW, over :func:`groups`."""
    parameters = groups(model, config)
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0
        )
    return torch.optim.AdamW(parameters, lr=config.lr, betas=tuple(config.betas))
