"""Files of video networks: weights with the config, the labels and what a model card says."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from ..config import from_dict, to_dict
from .card import Facts
from .config import VideoConfig
from .model import VideoModel

KIND = "video"
BANK = "head.semantics.bank.slow"


def save_video(
    model: VideoModel, labels: list[str], path: Path, facts: Facts | None = None
) -> None:
    """Write a model file; labels are in the bank's order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {
        "kind": KIND,
        "config": to_dict(model.config),
        "labels": labels,
        "facts": dataclasses.asdict(facts or Facts()),
        "state": model.state_dict(),
    }
    torch.save(stored, path)


def load_video(path: Path) -> tuple[VideoModel, list[str], Facts]:
    """Inverse of :func:`save_video`, in evaluation mode; needs no weights but the file's."""
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if stored.get("kind") != KIND:
        raise ValueError(f"{path}: no model file of a video network; the command export reads it")
    config: VideoConfig = from_dict(VideoConfig, stored["config"])
    blank = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, weights=""))
    state, labels = stored["state"], stored["labels"]
    bank = torch.zeros_like(state[BANK]) if BANK in state else torch.zeros(1, len(labels), 1)
    model = VideoModel(blank, bank)
    model.config = config
    model.load_state_dict(state)
    return model.eval(), labels, Facts(**stored["facts"])
