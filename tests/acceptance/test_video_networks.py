"""Every video network that the Python package builds, exported and run by the element.

The pictures are raw, at the model's size and rate, so that each window's samples are known: the
element's logits are those of PyTorch.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from artmodels.video import VideoModel
from artmodels.video.export import export_video
from artmodels.video.streaming import of_last_window
from artmodels.video.tiny import SYSTEMS, pictures, tiny

from .launch import assert_same
from .logits import as_they_come, classified

LABELS = ["one", "two", "three", "background"]
FRAMES = 12
ONLINE = [name for name in SYSTEMS if name.startswith("online")]


def exported(name: str, folder: Path) -> VideoModel:
    """Writes a network's folder; its scores are to come out as they are."""
    model = tiny(name, len(LABELS))
    export_video(model, LABELS, folder)
    as_they_come(folder)
    return model


def clip_of(model: VideoModel) -> np.ndarray:
    """Pictures that change with every frame, ``[FRAMES, H, W, 3]``."""
    return pictures(model, FRAMES // model.config.data.frames).flatten(0, 1).numpy()


def starts(model: VideoModel) -> range:
    """The first sample of every whole window."""
    return range(0, FRAMES - model.config.data.frames + 1, model.config.hop)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_element_says_what_pytorch_says(name: str, tmp_path: Path) -> None:
    """In the clip form, and in the split form where there is one."""
    model = exported(name, tmp_path)
    frames = clip_of(model)
    span = model.config.data.frames
    with torch.no_grad():
        windows = torch.from_numpy(np.stack([frames[at : at + span] for at in starts(model)]))
        wanted = list(model(windows).logits.numpy())
    forms = sorted(path for path in tmp_path.glob("*.toml"))
    if name in ONLINE:
        forms = [tmp_path / "clip.toml"]
    for manifest in forms:
        assert_same(classified(manifest, frames), wanted)


@pytest.mark.parametrize("name", ONLINE)
def test_a_stream_remembers_all_that_was(name: str, tmp_path: Path) -> None:
    """In the streaming form a window's first sample knows the samples before it."""
    model = exported(name, tmp_path)
    frames = clip_of(model)
    span = model.config.data.frames
    with torch.no_grad():
        wanted = []
        for at in starts(model):
            seen = torch.from_numpy(frames[: at + span]).unsqueeze(0)
            features = of_last_window(model.backbone, seen)
            wanted.append(model.after_backbone(features).logits[0].numpy())
        forgetful = model(torch.from_numpy(frames[-span:]).unsqueeze(0)).logits[0].numpy()
    assert_same(classified(tmp_path / "model.toml", frames), wanted)
    assert np.abs(wanted[-1] - forgetful).max() > 0.01
