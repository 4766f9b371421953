"""Resizing, cropping and mirroring of whole clips ``[T, H, W, 3]`` uint8."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from .config import AugmentConfig

Box = tuple[int, int, int, int]  # y, x, height, width


def resized(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """All frames at a size, by area where they shrink and linearly where they grow."""
    if frames.shape[1:3] == (height, width):
        return frames
    shrinks = height * width < frames.shape[1] * frames.shape[2]
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.stack([cv2.resize(frame, (width, height), interpolation=kind) for frame in frames])


def scaled(frames: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Frames whose shorter side is ``size[0]``, or of ``size`` height and width."""
    if len(size) == 2:
        return resized(frames, *size)
    height, width = frames.shape[1:3]
    factor = size[0] / min(height, width)
    return resized(frames, round(height * factor), round(width * factor))


def cut(frames: np.ndarray, box: Box, size: int) -> np.ndarray:
    """The part in ``box`` as squares of ``size``."""
    y, x, height, width = box
    return resized(frames[:, y : y + height, x : x + width], size, size)


def multi_scale_box(
    height: int, width: int, scales: Sequence[float], rng: np.random.Generator
) -> Box:
    """TSN's crop: sides are scales of the shorter side, next to each other in the list at most, at
    one of 13 places: corners, edges, centre, and between these.
    """
    sides = [int(min(height, width) * scale) for scale in scales]
    pairs = [(h, w) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1]
    h, w = pairs[rng.integers(len(pairs))]
    quarters = [(a, b) for a in (0, 2, 4) for b in (0, 2, 4)]
    quarters += [(a, b) for a in (1, 3) for b in (1, 3)]
    down, right = quarters[rng.integers(len(quarters))]
    return (height - h) * down // 4, (width - w) * right // 4, h, w


def resized_box(
    height: int,
    width: int,
    area: tuple[float, float],
    aspect: tuple[float, float],
    rng: np.random.Generator,
) -> Box:
    """A crop of a random share of the picture and a random aspect, drawn until it fits; after ten
    failures the largest central one.
    """
    for _ in range(10):
        share = rng.uniform(*area) * height * width
        ratio = math.exp(rng.uniform(math.log(aspect[0]), math.log(aspect[1])))
        h, w = round(math.sqrt(share / ratio)), round(math.sqrt(share * ratio))
        if 0 < h <= height and 0 < w <= width:
            return int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w
    h, w = min(height, round(width / aspect[0])), min(width, round(height * aspect[1]))
    return (height - h) // 2, (width - w) // 2, h, w


def training_box(
    frames: np.ndarray, size: int, config: AugmentConfig, rng: np.random.Generator
) -> Box:
    """The crop that ``config`` asks for."""
    height, width = frames.shape[1:3]
    if config.crop == "multi-scale":
        return multi_scale_box(height, width, config.scales, rng)
    if config.crop == "resized":
        return resized_box(height, width, config.area, config.aspect, rng)
    side = min(size, height, width)
    if config.crop == "random":
        y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
        return int(y), int(x), side, side
    return (height - side) // 2, (width - side) // 2, side, side


def crops(frames: np.ndarray, count: int, size: int) -> list[np.ndarray]:
    """Test crops of ``size``: the centre, or three along the longer side."""
    height, width = frames.shape[1:3]
    side = min(size, height, width)
    places = (0.5,) if count == 1 else (0.0, 0.5, 1.0)
    found = []
    for place in places:
        down, right = (place, 0.5) if height > width else (0.5, place)
        box = (round((height - side) * down), round((width - side) * right), side, side)
        found.append(cut(frames, box, size))
    return found
