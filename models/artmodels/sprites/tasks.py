"""Clips of sprites over a still background, T frames of 32x32 pixels; positions wrap round.

No single frame tells the class of any task: where a sprite stands, its texture and the background
are drawn anew for every clip.
"""

from collections.abc import Callable

import numpy as np

SIZE = 32
SPEEDS = (1, 2, 3, 4)  # pixels a frame
COMPASS = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])  # x, y
PART = 3  # pixels of a side of a moving part
CLASSES = {
    "tempo": tuple(f"{speed} pixels a frame" for speed in SPEEDS),
    "order": ("right", "left", "down", "up"),
    "small-part": ("waves across", "waves up and down", "circles"),
}

Path = np.ndarray  # [T, 2] of x, y in pixels


def _background(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(40, 160, (SIZE // 4, SIZE // 4, 3)).repeat(4, 0).repeat(4, 1)
    return (coarse + rng.integers(-20, 20, coarse.shape)).astype(np.uint8)


def _texture(rng: np.random.Generator, size: int) -> np.ndarray:
    coarse = rng.integers(0, 256, (size // 2, size // 2, 3))
    return coarse.repeat(2, 0).repeat(2, 1).astype(np.uint8)


def _paste(frames: np.ndarray, texture: np.ndarray, path: Path) -> None:
    """Draw ``texture`` with its upper left corner along ``path`` into ``frames [T, S, S, 3]``."""
    height, width = texture.shape[:2]
    for frame, (x, y) in zip(frames, np.rint(path).astype(int), strict=True):
        rows, columns = (y + np.arange(height)) % SIZE, (x + np.arange(width)) % SIZE
        frame[rows[:, None], columns] = texture


def _straight(rng: np.random.Generator, velocity: np.ndarray, count: int) -> Path:
    return rng.integers(0, SIZE, 2) + np.arange(count)[:, None] * velocity


def _tempo(frames: np.ndarray, label: int, rng: np.random.Generator) -> None:
    """A textured square moves in one of four directions; its speed is the class."""
    velocity = SPEEDS[label] * COMPASS[rng.integers(4)]
    _paste(frames, _texture(rng, 8), _straight(rng, velocity, len(frames)))


def _order(frames: np.ndarray, label: int, rng: np.random.Generator) -> None:
    """A textured square moves at one of four speeds; its direction is the class. The same frames in
    reverse order are another class.
    """
    velocity = rng.choice(SPEEDS) * COMPASS[label]
    _paste(frames, _texture(rng, 8), _straight(rng, velocity, len(frames)))


def _gesture(kind: int, count: int, rng: np.random.Generator) -> Path:
    """Where a part is, relative to where it rests: across, up and down, or round."""
    angle = rng.uniform(0, 2 * np.pi) + np.arange(count) * (2 * np.pi / 4)
    across, up = 2.5 * np.cos(angle), 2.5 * np.sin(angle)
    return np.stack([across * (kind != 1), up * (kind != 0)], axis=1)


def _small_part(frames: np.ndarray, label: int, rng: np.random.Generator) -> None:
    """A large textured body drifts, a part of nine pixels moves above it: how, is the class. Two
    loose parts of the same look move as they like.
    """
    count = len(frames)
    body = _straight(rng, 0.5 * COMPASS[rng.integers(4)], count)
    look = np.broadcast_to(rng.integers(180, 256, 3).astype(np.uint8), (PART, PART, 3))
    _paste(frames, _texture(rng, 10), body)
    _paste(frames, look, body + (3, -6) + _gesture(label, count, rng))
    for _ in range(2):
        away = rng.integers(10, 18, 2)
        _paste(frames, look, body + away + _gesture(rng.integers(3), count, rng))


DRAW: dict[str, Callable[[np.ndarray, int, np.random.Generator], None]] = {
    "tempo": _tempo,
    "order": _order,
    "small-part": _small_part,
}


def clips(
    task: str, count: int, seed: int | list[int], frames: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """``count`` clips of a task, classes in turn: ``[count, frames, 32, 32, 3]`` uint8 RGB, and
    labels. The same seed gives the same bytes.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES[task])
    pictures = np.stack([_background(rng) for _ in range(count)])
    pictures = np.repeat(pictures[:, None], frames, axis=1)
    for clip, label in zip(pictures, labels, strict=True):
        DRAW[task](clip, int(label), rng)
    return pictures, labels
