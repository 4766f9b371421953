"""The element's logits on raw pictures, whose windows are known: sizes and rates of a manifest."""

import tomllib
from pathlib import Path

import numpy as np

from .launch import launch_well, lines, scores


def as_they_come(folder: Path) -> list[Path]:
    """Has the scores of all manifests of a folder as the graph gives them, without a softmax."""
    manifests = sorted(folder.glob("*.toml"))
    for manifest in manifests:
        text = manifest.read_text()
        assert 'activation = "softmax"' in text
        manifest.write_text(text.replace('activation = "softmax"', 'activation = "none"'))
    return manifests


def windows_of(manifest: Path, frames: np.ndarray) -> np.ndarray:
    """The whole windows of ``frames [S, H, W, 3]`` at the model's rate, ``[n, T, H, W, 3]``."""
    said = tomllib.loads(manifest.read_text())["input"]
    starts = range(0, len(frames) - said["frames"] + 1, said["hop"])
    return np.stack([frames[at : at + said["frames"]] for at in starts])


def classified(manifest: Path, frames: np.ndarray) -> np.ndarray:
    """What the element says of every whole window of ``frames [S, H, W, 3]``."""
    said = tomllib.loads(manifest.read_text())["input"]
    raw, events = manifest.parent / "frames.rgb", manifest.parent / "events.jsonl"
    raw.write_bytes(frames.tobytes())
    launch_well(
        f"filesrc location={raw} ! rawvideoparse format=rgb width={said['width']} "
        f"height={said['height']} framerate={said['fps']:g}/1 ! artclassify model={manifest} "
        f"eos=drop top-k=100 ! artmetaenc ! filesink location={events}"
    )
    return np.array([scores(window) for window in lines(events.read_bytes())])
