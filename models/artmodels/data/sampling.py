"""Which frames of a video make a clip: numbers ``[T]`` from 0 to ``count - 1``.

With a generator the choice is random, for training; without one it is clip ``clip`` of ``clips``,
for tests.
"""

import numpy as np

from .config import SamplingConfig


def segments(
    count: int, frames: int, rng: np.random.Generator | None, clip: int = 0, clips: int = 1
) -> np.ndarray:
    """TSN: one frame from each of T equal segments, at random in it or, of several test clips, in
    the middle of an equal part of it each ``[choice]``. A short video repeats frames.
    """
    place = rng.random(frames) if rng else (clip + 0.5) / clips
    return np.minimum((np.arange(frames) + place) * count // frames, count - 1).astype(int)


def dense(
    count: int,
    frames: int,
    window: int,
    rng: np.random.Generator | None,
    clip: int = 0,
    clips: int = 1,
) -> np.ndarray:
    """T frames at a stride of ``window // T`` from a window at random or, for tests, from windows
    spread evenly from the start to the end; one alone is in the middle. A short video begins anew.
    """
    room = max(0, count - window)
    if rng:
        start = int(rng.integers(room + 1))
    else:
        start = round(room * (clip / (clips - 1) if clips > 1 else 0.5))
    return (start + np.arange(frames) * max(1, window // frames)) % count


def uniform(
    count: int, frames: int, rng: np.random.Generator | None, clip: int = 0, clips: int = 1
) -> np.ndarray:
    """T frames at equal distances that span the video, shifted by less than a distance: at random,
    or by equal parts of it for each of several test clips.
    """
    distance = count / frames
    shift = rng.random() if rng else (clip + 0.5) / clips
    return np.minimum((np.arange(frames) + shift) * distance, count - 1).astype(int)


def sample(
    config: SamplingConfig,
    count: int,
    frames: int,
    rng: np.random.Generator | None,
    clip: int = 0,
    clips: int = 1,
) -> np.ndarray:
    """As ``config`` says."""
    if config.kind == "dense":
        return dense(count, frames, config.window, rng, clip, clips)
    kind = segments if config.kind == "segments" else uniform
    return kind(count, frames, rng, clip, clips)
