"""Colours, and how they are shared out so that no split sees another split's hues."""

from __future__ import annotations

import colorsys
import zlib

import numpy as np

SPLITS = ("train", "val", "test", "stream")
_SLOTS = {"train": (0, 1, 2, 3, 4, 5, 6), "val": (7,), "test": (8,), "stream": (9,)}
_HUE_STEPS = 50

_SKINS = (
    (0.98, 0.82, 0.70), (0.93, 0.74, 0.60), (0.87, 0.66, 0.50), (0.78, 0.56, 0.40),
    (0.64, 0.44, 0.30), (0.48, 0.32, 0.22), (0.36, 0.24, 0.17),
)  # fmt: skip
_HAIRS = (
    (0.08, 0.06, 0.05), (0.20, 0.12, 0.07), (0.36, 0.22, 0.10), (0.55, 0.38, 0.16),
    (0.75, 0.62, 0.35), (0.42, 0.14, 0.07),
)  # fmt: skip


def generator(split: str, *key: int) -> np.random.Generator:
    """The random stream of one split and key; streams of different splits never meet."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    return np.random.default_rng([zlib.crc32(split.encode()), *key])


def hue(rng: np.random.Generator, split: str) -> float:
    """A hue 0..1 out of the split's own slots."""
    slot = int(rng.choice(_SLOTS[split])) + 10 * int(rng.integers(_HUE_STEPS // 10))
    return slot / _HUE_STEPS


def colour(
    rng: np.random.Generator,
    split: str,
    saturation: tuple[float, float],
    value: tuple[float, float],
) -> np.ndarray:
    """An RGB colour [3] in 0..1 of one of the split's hues."""
    rgb = colorsys.hsv_to_rgb(hue(rng, split), rng.uniform(*saturation), rng.uniform(*value))
    return np.array(rgb)


def skin(rng: np.random.Generator) -> np.ndarray:
    """A skin tone [3] between two neighbours of a scale from light to dark."""
    at = rng.uniform(0, len(_SKINS) - 1.001)
    low = int(at)
    return np.array(_SKINS[low]) * (1 - at + low) + np.array(_SKINS[low + 1]) * (at - low)


def hair(rng: np.random.Generator, split: str) -> np.ndarray:
    """A hair colour [3], now and then a coloured cap instead."""
    if rng.random() < 0.15:
        return colour(rng, split, (0.5, 1.0), (0.4, 1.0))
    return np.array(_HAIRS[rng.integers(len(_HAIRS))]) * rng.uniform(0.8, 1.15)
