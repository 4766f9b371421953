"""Stand-ins for whole systems, small enough to export and run within a second: for tests and for
trying out a chain of tools.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..text import random_bank
from .model import VideoModel
from .systems import system

DATA = {"size": 64, "frames": 4, "fps": 8.0}
TEXT_WIDTH, PROMPTS = 12, 3
RESIDUAL = {"name": "test_resnet"}
BOTTLENECK = {"name": "resnet14t", "options": {"channels": [16, 16, 16, 16], "stem_width": 8}}
TRANSFORMER = {"name": "test_vit"}
BASE: dict[str, Any] = {
    "hop": 2,
    "data": DATA,
    "tcm": {"reduced": 8, "patch": 5},
    "neck": {"layers": 2, "neurons": 3, "width": 8},
    "uniformer": {"layers": 2},
    "head": {
        "width": 16,
        "inner": 16,
        "heads": 2,
        "hidden": 16,
        "enhance_layers": 1,
        "region_layers": 1,
        "saliency_temperature": 0.1,
    },
}
SYSTEMS: dict[str, dict[str, Any]] = {  # and the backbone that each stands on
    "TSN": RESIDUAL,
    "TSM": RESIDUAL,
    "TSM+TCM": RESIDUAL,
    "TSM+DSTS": RESIDUAL,
    "TSM+ART": RESIDUAL,
    "TEA+ART": BOTTLENECK,
    "UniFormerV2+ART": TRANSFORMER,
    "TSM+TCM+DSTS+ART": RESIDUAL,
    "AIM": TRANSFORMER,
    "DiA": TRANSFORMER,
    "online TSM": RESIDUAL,
    "online TSM+TCM+ART": RESIDUAL,
}
START_DEVIATION = 0.1  # of what would start at zero
SPREAD = 2.0  # deviation of logits


def pictures(model: VideoModel, clips: int, seed: int = 0) -> Tensor:
    """Clips of coarse random pictures that change with every frame, ``[clips, T, H, W, 3]``."""
    data = model.config.data
    draw = torch.Generator().manual_seed(seed)
    cells = data.size // 8
    coarse = torch.randint(0, 256, (clips, data.frames, cells, cells, 3), generator=draw)
    return coarse.repeat_interleave(8, 2).repeat_interleave(8, 3).byte()


@torch.no_grad()
def unsettled(model: VideoModel) -> VideoModel:
    """Move a fresh model away from its start, so that no part hides behind a zero: weights that
    start at zero are drawn, statistics are those of pictures, and logits are spread out.
    """
    for parameter in model.parameters():
        if parameter.ndim and not parameter.any():
            nn.init.normal_(parameter, std=START_DEVIATION)
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    model.train()
    for seed in range(3):
        model(pictures(model, 4, seed))
    model.eval()
    logits = model(pictures(model, 4)).logits
    classifier = model.head.head_final.linear if model.config.head.kind == "art" else None
    classifier = classifier or model.head.linear
    factor = SPREAD / logits.std()
    classifier.weight.mul_(factor)
    classifier.bias.mul_(factor)
    return model


def tiny(name: str, classes: int, changes: dict[str, Any] | None = None) -> VideoModel:
    """The stand-in for one of :data:`SYSTEMS`, in evaluation mode; ``changes`` are laid over its
    tables.
    """
    base = {**BASE, "name": name, "backbone": SYSTEMS[name]}
    for key, table in (changes or {}).items():
        base[key] = {**base.get(key, {}), **table} if isinstance(table, dict) else table
    torch.manual_seed(0)
    bank = random_bank(classes, TEXT_WIDTH, prompts=PROMPTS)
    return unsettled(VideoModel(system(name, base), bank))
