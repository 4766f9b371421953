"""Clips of sprites over a still background, T frames of 32x32 pixels; positions wrap round.

No single frame tells the class of any task: where sprites stand, their textures and the background
are drawn anew for every clip.
"""

from collections.abc import Callable

import numpy as np

SIZE = 32
SPEEDS = (1, 2, 3, 4)  # pixels a frame
WAYS = ("right", "left", "down", "up")
COMPASS = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])  # x, y
PART = 3  # pixels of a side of the small part
BODIES = 3  # that distract from it
CLASSES = {
    "tempo": tuple(f"{speed} pixels a frame" for speed in SPEEDS),
    "order": WAYS,
    "small-part": WAYS,
}

Route = np.ndarray  # [T, 2] of x, y in pixels


def _background(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(40, 160, (SIZE // 4, SIZE // 4, 3)).repeat(4, 0).repeat(4, 1)
    return (coarse + rng.integers(-20, 20, coarse.shape)).astype(np.uint8)


def _texture(rng: np.random.Generator, size: int) -> np.ndarray:
    coarse = rng.integers(0, 256, (size // 2, size // 2, 3))
    return coarse.repeat(2, 0).repeat(2, 1).astype(np.uint8)


def _paste(frames: np.ndarray, texture: np.ndarray, path: Route) -> None:
    """Draw ``texture`` with its upper left corner along ``path`` into ``frames [T, S, S, 3]``."""
    height, width = texture.shape[:2]
    for frame, (x, y) in zip(frames, np.rint(path).astype(int), strict=True):
        rows, columns = (y + np.arange(height)) % SIZE, (x + np.arange(width)) % SIZE
        frame[rows[:, None], columns] = texture


def _straight(rng: np.random.Generator, velocity: np.ndarray, count: int) -> Route:
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


def _small_part(frames: np.ndarray, label: int, rng: np.random.Generator) -> None:
    """A part of nine bright pixels moves over a plain ground; its direction is the class. Bodies of
    sixteen times its area move below it, each at a speed and in a direction of its own.
    """
    ground = rng.integers(30, 110, 3) + rng.integers(-12, 12, (SIZE, SIZE, 3))
    frames[:] = ground.astype(np.uint8)
    for _ in range(BODIES):
        body = (_texture(rng, 4 * PART) * 0.6 + 30).astype(np.uint8)
        velocity = rng.choice(SPEEDS[:3]) * COMPASS[rng.integers(4)]
        _paste(frames, body, _straight(rng, velocity, len(frames)))
    part = np.broadcast_to(rng.integers(220, 256, 3).astype(np.uint8), (PART, PART, 3))
    _paste(frames, part, _straight(rng, 2 * COMPASS[label], len(frames)))


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
