"""Tiny made data in the formats of the real one: a few classes, 64-pixel pictures, six samples a
window.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from artmodels.config import Config, from_dict
from artmodels.features import write_shard

LABELS = [
    "Back+15som+NoTwis+PIKE",
    "Forward+1som+NoTwis+PIKE",
    "Reverse+15som+05Twis+FREE",
    "background",
]
CLIP_FRAMES = 12


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def config() -> Config:
    """A recipe small enough to train in a second."""
    values = {
        "data": {"size": 64, "frames": 6, "seconds": 1.2},
        "encoder": {"pretrained": False, "planes": 4, "width": 16},
        "head": {
            "width": 16,
            "inner": 16,
            "heads": 2,
            "hidden": 16,
            "temporal_layers": 1,
            "temporal_hidden": 16,
        },
        "frame_stage": {"steps": 3, "batch": 4, "warmup": 1},
        "train": {
            "global_epochs": 2,
            "joint_epochs": 2,
            "batch": 4,
            "joint_batch": 4,
            "warmup": 1,
            "overhang": 2,
        },
    }
    return from_dict(Config, values)


def made_truth(clips: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Truth of random clips: a dive from 0.2 s to 0.9 s, the last label being background."""
    label = np.arange(clips) % len(LABELS)
    background = label == len(LABELS) - 1
    low = rng.uniform(0.1, 0.4, (clips, CLIP_FRAMES, 2))
    box = np.concatenate([low, low + 0.4], -1).astype(np.float32)
    phase = np.tile(np.repeat([0, 1, 2], [2, 7, 3]), (clips, 1)).astype(np.int8)
    phase[background] = -1
    box[background] = np.nan
    return {
        "label": label,
        "takeoff": np.where(background, np.nan, 0.2),
        "entry": np.where(background, np.nan, 0.9),
        "boxes": np.stack([box, box], 2),
        "body_box": box,
        "phase": phase,
        "somersault": np.cumsum(rng.uniform(0, 0.2, (clips, CLIP_FRAMES)), 1).astype(np.float32),
        "twist": np.cumsum(rng.uniform(-0.2, 0.2, (clips, CLIP_FRAMES)), 1).astype(np.float32),
        "pose": rng.uniform(-1, 1, (clips, CLIP_FRAMES, 8)).astype(np.float32),
    }


def made_features(root: Path, channels: int, cells: int, clips: int = 8) -> Path:
    """Shards of random features under ``root`` for the splits train and val."""
    rng = np.random.default_rng(0)
    root.mkdir(parents=True, exist_ok=True)
    (root / "scale.json").write_text(str([0.02] * channels))
    for split in ("train", "val"):
        for shard in range(2):
            values = rng.integers(
                -127, 128, (clips // 2, CLIP_FRAMES, cells, cells, channels)
            ).astype(np.int8)
            write_shard(root / split / f"{shard:04d}", values, made_truth(clips // 2, rng))
    return root
