"""Draws shots: primitives and cameras in, pictures and part boxes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import raster
from .body import PART_NAMES
from .scene import PER_METRE, Scene

SAMPLES = 2  # a pixel is SAMPLES x SAMPLES rays
MIN_RAYS = 6  # a part with fewer visible rays counts as hidden


@dataclass(frozen=True)
class Shot:
    """F instants of a scene, ready to be drawn."""

    scene: Scene
    times: np.ndarray  # [F] s
    prims: np.ndarray  # [F, N, PRIM]
    before: np.ndarray | None  # the same a moment earlier, for motion blur
    eye: np.ndarray  # [3]
    axes: np.ndarray  # [F, 3, 3]
    focal: float  # picture heights
    foam: np.ndarray  # [F, 4], see raster.backdrop


def draw(
    shot: Shot, width: int, height: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each instant as (picture float [H, W, 3] 0..1, part boxes [P, 4], body box [4]).

    Boxes are xyxy in 0..1 of the picture, NaN where nothing is seen.
    """
    w, h = width * SAMPLES, height * SAMPLES
    rgb = np.zeros((h, w, 3), np.float32)
    depth = np.empty((h, w))
    ids = np.empty((h, w), np.int16)
    back = np.empty((height, width, 3), np.float32)
    pixels = np.empty((len(PART_NAMES), 4))
    counts = np.empty(len(PART_NAMES), np.int64)
    scene = shot.scene
    for i, time in enumerate(shot.times):
        raster.backdrop(
            shot.eye, shot.axes[i], shot.focal * height, scene.wall, float(PER_METRE), scene.wall_z,
            scene.water, shot.foam[i], time, back,
        )  # fmt: skip
        out = np.zeros((height, width, 3), np.float32)
        layers = [shot.prims] if shot.before is None else [shot.before, shot.prims]
        for layer in layers:
            depth.fill(1e9)
            ids.fill(-1)
            raster.draw(
                layer[i], shot.eye, shot.axes[i], shot.focal * h, scene.light, scene.ambient,
                w, h, rgb, depth, ids,
            )  # fmt: skip
            raster.resolve(rgb, depth, back, SAMPLES, 1.0 / len(layers), out)
        raster.extents(ids, len(PART_NAMES), pixels, counts)
        boxes = pixels / np.array([w, h, w, h])
        seen = counts >= MIN_RAYS
        boxes[~seen] = np.nan
        body = np.full(4, np.nan)
        if seen.any():
            body[:2], body[2:] = boxes[seen, :2].min(0), boxes[seen, 2:].max(0)
        yield out, boxes.astype(np.float32), body.astype(np.float32)
