"""The diver: rounded cones with a face, hair, a swimsuit, a chest and a back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import palette
from .kinematics import Motion
from .raster import empty_prims
from .skeleton import J, centre_of_mass, joints

PART_NAMES: list[str] = [
    "head", "torso",
    "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm",
    "left_hand", "right_hand",
    "left_thigh", "right_thigh", "left_shin", "right_shin", "left_foot", "right_foot",
]  # fmt: skip
Triple = tuple[float, float, float]
Colours = tuple[np.ndarray, np.ndarray, np.ndarray]
PART = {name: i for i, name in enumerate(PART_NAMES)}


@dataclass(frozen=True)
class Body:
    """One diver's shape and colours."""

    height: float  # m
    prims: np.ndarray  # [N, PRIM], places and axes not yet filled in
    ends: np.ndarray  # [N, 2] joints that a primitive runs between
    offsets: np.ndarray  # [N, 3] m, origin's place in the primitive's own frame
    spans: np.ndarray  # [N] length as a share of the distance between the joints


def make_body(rng: np.random.Generator, split: str) -> Body:
    """Draw a diver: height, build, skin, hair, suit."""
    height = float(rng.uniform(1.52, 1.88))
    build = rng.uniform(0.92, 1.14)
    skin = palette.skin(rng)
    hair = palette.hair(rng, split)
    suit = palette.colour(rng, split, (0.35, 1.0), (0.12, 0.95))
    panel = palette.colour(rng, split, (0.1, 1.0), (0.5, 1.0))
    lips = np.clip(skin * np.array([0.95, 0.6, 0.6]), 0, 1)
    one_piece = rng.random() < 0.5
    trunk_leg = 0.0 if one_piece else float(rng.choice([0.0, 0.22, 0.75], p=[0.5, 0.3, 0.2]))
    fringe, hair_down = rng.uniform(-0.05, 0.1), rng.uniform(-0.15, 0.5)
    shoulders = 1.0 if one_piece else 1.08
    rows: list[tuple] = []

    def add(
        part: str,
        a: str,
        b: str,
        r0: float,
        r1: float,
        *,
        scale: Triple = (1.0, 1.0, 1.0),
        span: float = 1.0,
        offset: Triple = (0.0, 0.0, 0.0),
        pattern: int = 0,
        colours: Colours = (skin, skin, skin),
        params: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        rows.append((part, a, b, r0, r1, scale, span, offset, pattern, colours, params))

    head = {"pattern": 1, "colours": (hair, skin, lips), "params": (fringe, hair_down)}
    add("head", "head", "crown", 0.066, 0, scale=(1.08, 1.3, 0.92), span=0, **head)
    add("head", "head", "crown", 0.015, 0, scale=(1, 1.3, 0.8), span=0, offset=(0.073, -0.012, 0))
    style = rng.random()
    if style < 0.35:
        bun = {"span": 0, "colours": (hair, hair, hair)}
        add("head", "head", "crown", 0.032, 0, offset=(-0.072, 0.035, 0), **bun)
    elif style < 0.5:
        tail = {"span": 0, "colours": (hair, hair, hair), "scale": (0.8, 2.0, 0.8)}
        add("head", "head", "crown", 0.026, 0, offset=(-0.082, -0.03, 0), **tail)
    add("torso", "neck", "head", 0.03, 0.028)
    torso = (suit, skin, panel)
    upper, lower = (2, 2) if one_piece else (3, 3)
    chest = 0.066 * build
    add("torso", "mid", "neck", chest * 0.95, chest * 1.06, scale=(0.82, 1, 1.22 * shoulders),
        span=0.72, pattern=upper, colours=torso, params=(-1.0, 0.35))  # fmt: skip
    add("torso", "pelvis", "mid", 0.064 * build, 0.06 * build, scale=(0.8, 1, 1.14),
        pattern=lower, colours=torso, params=(0.3, 0.5))  # fmt: skip
    hips = {"pattern": 5, "colours": (suit, suit, panel)}
    add("torso", "pelvis", "mid", 0.067 * build, 0, scale=(0.8, 0.85, 1.2), span=0,
        offset=(0, -0.012, 0), **hips)  # fmt: skip
    add("torso", "pelvis", "mid", 0.052 * build, 0, scale=(1, 1, 1.5), span=0,
        offset=(-0.035, -0.025, 0), colours=(suit, suit, suit))  # fmt: skip
    for side, name in (("l", "left"), ("r", "right")):
        arm, leg = 0.0255 * build * shoulders, build
        add(f"{name}_upper_arm", f"shoulder_{side}", f"elbow_{side}", arm * 1.25, arm * 0.85)
        add(f"{name}_forearm", f"elbow_{side}", f"wrist_{side}", arm * 0.86, 0.015)
        add(f"{name}_hand", f"wrist_{side}", f"fingers_{side}", 0.017, 0.010, span=0.85)
        add(f"{name}_thigh", f"hip_{side}", f"knee_{side}", 0.051 * leg, 0.034 * leg,
            pattern=4, colours=(suit, skin, panel), params=(trunk_leg, 0.0))  # fmt: skip
        add(f"{name}_shin", f"knee_{side}", f"ankle_{side}", 0.034 * leg, 0.020)
        add(f"{name}_shin", f"knee_{side}", f"ankle_{side}", 0.031 * leg, 0, span=0,
            scale=(0.9, 2.2, 0.95), offset=(-0.016, 0.075, 0))  # fmt: skip
        add(f"{name}_foot", f"heel_{side}", f"toes_{side}", 0.018, 0.012)

    prims = empty_prims(len(rows))
    for prim, row in zip(prims, rows, strict=True):
        part, _, _, r0, r1, scale, _, _, pattern, colours, params = row
        prim[12:15] = scale
        prim[15:17] = r0 * height, r1 * height
        prim[19], prim[20] = PART[part], pattern
        prim[21:30] = np.concatenate(colours)
        prim[30:32] = params
    return Body(
        height=height,
        prims=prims,
        ends=np.array([[J[r[1]], J[r[2]]] for r in rows]),
        offsets=np.array([r[7] for r in rows]) * height,
        spans=np.array([r[6] for r in rows], float),
    )


def place(body: Body, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Primitives of the moving body [F, N, PRIM] and its centre of mass [F, 3] in the world."""
    local = joints(motion.angles) * body.height
    world = np.einsum("fij,fkj->fki", motion.rotation, local) + motion.root[:, None]
    centre = np.einsum("fij,fj->fi", motion.rotation, centre_of_mass(local)) + motion.root
    start, end = world[:, body.ends[:, 0]], world[:, body.ends[:, 1]]
    along = end - start
    length = np.linalg.norm(along, axis=-1)
    y = along / np.maximum(length, 1e-9)[..., None]
    # Sideways is the body's right; a limb that points there takes a little of the front.
    right = motion.rotation[:, None, :, 2] + 1e-3 * motion.rotation[:, None, :, 0]
    x = np.cross(y, np.broadcast_to(right, y.shape))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    z = np.cross(x, y)
    axes = np.stack([x, y, z], 2)
    prims = np.repeat(body.prims[None], len(world), 0)
    prims[..., 0:3] = start + np.einsum("fnij,ni->fnj", axes, body.offsets)
    prims[..., 3:12] = axes.reshape(*axes.shape[:2], 9)
    prims[..., 17] = length * body.spans
    return prims, centre
