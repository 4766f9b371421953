"""The small networks that are compared, each over the same backbone."""

from typing import Any

import torch

from ..text import random_bank
from ..video import VideoModel
from ..video.systems import system as config_of
from .tasks import CLASSES, SIZE

FRAMES = 8
PROMPTS, WIDTH = 8, 32  # of the text bank
BASE: dict[str, Any] = {
    "data": {"size": SIZE, "frames": FRAMES},
    "backbone": {
        "name": "resnet10t",
        "options": {"channels": [16, 24, 32, 48], "stem_width": 16},
        "last": "res3",
    },
    "tcm": {"after": "res2", "reduced": 16, "patch": 9},
    "neck": {"layers": 1, "neurons": 3, "width": 24, "gradient": "sparse"},
    "head": {
        "dropout": 0.0,
        "width": 32,
        "inner": 32,
        "heads": 2,
        "hidden": 64,
        "enhance_layers": 1,
        "region_layers": 2,
        "saliency_temperature": 0.1,
    },
    "objective": {"tracklets": 0.5, "semantics": 0.5},
}


def system(name: str, task: str) -> VideoModel:
    """A network such as ``TSN``, ``TSM+TCM``, ``TSN+DSTS`` or ``TSM+ART`` with fresh weights.

    Texts of an ART head are vectors without meaning: classes of sprites have no names to speak of.
    """
    bank = random_bank(len(CLASSES[task]), WIDTH, prompts=PROMPTS)
    return VideoModel(config_of(name, BASE), bank)


def parameters(model: torch.nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in model.parameters())
