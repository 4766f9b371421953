"""Clips: what each holds is settled by split, label and index; then it is staged and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import palette
from .body import Body, make_body, place
from .classes import BACKGROUND, DIVES
from .kinematics import BOARD_ACTIONS, Motion, Plan, move, move_on_board, plan_dive
from .render import Shot, draw
from .scene import (
    Camera,
    Scene,
    aim,
    board_prims,
    make_camera,
    make_scene,
    splash_prims,
    walker_prims,
)
from .skeleton import A

SHUTTER = 0.009  # s between the two instants of a blurred picture
BACKGROUND_ACTIONS = (
    *BOARD_ACTIONS, "stand", "walk", "bounce", "empty", "empty_splash", "passers_by", "water",
)  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """A drawn clip with everything that is true of it; F frames, P parts."""

    frames: np.ndarray  # uint8 [F, size, size, 3] RGB
    fps: float
    label: int  # 0..47, 48 = background
    boxes: np.ndarray  # float32 [F, P, 4] xyxy, 0..1 of the picture; NaN where not visible
    body_box: np.ndarray  # float32 [F, 4], NaN when not visible
    phase: np.ndarray  # int8 [F]: 0 on the board, 1 in flight, 2 in the water, -1 no diver
    somersault: np.ndarray  # float32 [F] rev since take-off, + towards the body's own front
    twist: np.ndarray  # float32 [F] rev since take-off
    pose: np.ndarray  # float32 [F, 8]: torso axis, chest normal (camera), hip / pi, knee / pi
    takeoff: float  # s from the first frame, NaN for background
    entry: float  # s from the first frame, NaN for background


@dataclass(frozen=True)
class Look:
    """How the camera and its recorder change a picture."""

    gain: np.ndarray  # [3]
    gamma: float
    noise: float
    blur: float  # px, 0 for none
    quality: int  # of JPEG, 0 for none
    shutter: bool


def make_look(rng: np.random.Generator) -> Look:
    """Draw a look."""
    return Look(
        gain=np.clip(rng.normal(1.04, 0.11), 0.8, 1.35) * rng.normal(1.0, 0.035, 3),
        gamma=float(rng.uniform(0.8, 1.25)),
        noise=float(rng.uniform(0.0, 0.02)),
        blur=float(rng.uniform(0.35, 0.8)) if rng.random() < 0.4 else 0.0,
        quality=int(rng.integers(35, 85)) if rng.random() < 0.5 else 0,
        shutter=bool(rng.random() < 0.4),
    )


GRAIN_SHIFT = 1 << 14


def make_grain(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Unit noise for pictures of a size; ``develop`` takes another stretch of it each time."""
    return rng.standard_normal(width * height * 3 + GRAIN_SHIFT, np.float32)


def develop(
    picture: np.ndarray, look: Look, grain: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A drawn picture float [H, W, 3] as the recorder gives it: uint8 [H, W, 3]."""
    out = cv2.pow(np.clip(picture * look.gain.astype(np.float32), 0.0, 4.0), look.gamma)
    if look.blur:
        out = cv2.GaussianBlur(out, (0, 0), look.blur)
    if look.noise:
        at = int(rng.integers(GRAIN_SHIFT))
        out += look.noise * grain[at : at + out.size].reshape(out.shape)
    image = np.clip(out * 255.0 + 0.5, 0, 255).astype(np.uint8)
    if look.quality:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, look.quality])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return image


def stage_dive(
    plan: Plan, body: Body, scene: Scene, camera: Camera, times: np.ndarray, seed: int, blur: bool
) -> tuple[Shot, Motion]:
    """Put a dive on the scene; ``times`` [F] in s from take-off."""
    # One pass over all instants that are asked for: now, as the operator sees it, at the entry,
    # and a moment earlier.
    count = len(times)
    late = [times - camera.lag * k for k in (0.5, 1.0, 1.5)]
    moved = move(plan, np.concatenate([times, times - SHUTTER, *late, [plan.flight]]))
    motion, earlier = moved[:count], moved[count : 2 * count]
    bodies, centres = place(body, moved)
    prims, centre = bodies[:count], centres[:count]
    lagged = centres[2 * count : -1].reshape(3, count, 3).mean(0)
    spot = float(centres[-1, 0])
    level = 0.25 * camera.picture
    for path in (centre, lagged):
        path[:, 1] = np.maximum(path[:, 1], level)
    axes, focal = aim(camera, times, centre, lagged)
    size = 0.55 if plan.dive.head_first else 0.9

    def all_prims(when: np.ndarray, moved: Motion, diver: np.ndarray) -> np.ndarray:
        splash = splash_prims(np.random.default_rng(seed), when - plan.flight - 0.05, spot, size)
        others = walker_prims(scene, when)
        return np.concatenate([board_prims(scene, moved.dip), diver, splash, others], 1)

    before = None
    if blur:
        before = all_prims(times - SHUTTER, earlier, bodies[count : 2 * count])
    since = times - plan.flight
    foam = np.zeros((len(times), 4))
    foam[:, 0] = spot
    foam[:, 2] = 0.35 + 0.5 * np.clip(since, 0, 3)
    foam[:, 3] = np.where(since > 0, np.exp(-0.7 * np.maximum(since, 0)), 0.0) * (0.5 + 0.5 * size)
    shot = Shot(
        scene, times, all_prims(times, motion, prims), before, camera.eye, axes, focal, foam
    )
    return shot, motion


def stage_background(
    action: str,
    rng: np.random.Generator,
    split: str,
    times: np.ndarray,
    hall: Scene | None = None,
) -> tuple[Shot, Motion | None]:
    """A scene without a dive, in a given hall or a new one; ``action`` is a BACKGROUND_ACTION."""
    board_height = float(rng.choice([1.0, 3.0, 3.0, 5.0, 7.5, 10.0]))
    side = int(rng.choice([-1, 1])) if hall is None else int(-np.sign(hall.wall_z))
    low = action in ("water", "empty_splash", "passers_by")
    people = int(rng.integers(1, 4)) if action == "passers_by" else int(rng.random() < 0.2)
    scene = make_scene(rng, split, board_height, side, people, hall)
    body = make_body(rng, split)
    camera = make_camera(rng, board_height, side, body.height)
    motion, prims = None, None
    centre = np.zeros((len(times), 3))
    if action in BOARD_ACTIONS:
        motion = move_on_board(action, times, board_height, body.height, rng)
        prims, centre = place(body, motion)
    elif low:
        centre += np.array([rng.uniform(0.5, 2.5), rng.uniform(0.2, 0.6), 0.0])
        centre[:, 1] += (rng.random() < 0.3) * rng.uniform(0, 3) * np.clip(1 - times / 1.2, 0, 1)
    else:
        centre += np.array([rng.uniform(-0.8, 0.8), board_height + rng.uniform(-0.3, 1.2), 0.0])
    if action == "passers_by":
        centre[:, 1] += 0.6
    axes, focal = aim(camera, times, centre, centre)
    dip = motion.dip if motion is not None else np.zeros(len(times))
    parts = [board_prims(scene, dip), walker_prims(scene, times)]
    foam = np.zeros((len(times), 4))
    if action in ("empty_splash", "water") and (action == "empty_splash" or rng.random() < 0.5):
        when = times - rng.uniform(-1.0, 1.5)
        spot = float(centre[0, 0] + rng.uniform(-0.4, 0.4))
        parts.append(splash_prims(rng, when, spot, rng.uniform(0.4, 1.0)))
        foam[:, 0], foam[:, 2] = spot, 0.35 + 0.5 * np.clip(when, 0, 3)
        foam[:, 3] = np.where(when > 0, np.exp(-0.7 * np.maximum(when, 0)), 0.0)
    if prims is not None:
        parts.append(prims)
    shot = Shot(scene, times, np.concatenate(parts, 1), None, camera.eye, axes, focal, foam)
    return shot, motion


def describe_pose(motion: Motion, axes: np.ndarray) -> np.ndarray:
    """Torso axis, chest normal in camera coordinates, hip and knee flexion / pi; [F, 8]."""
    long_axis = np.einsum("fij,fj->fi", axes, motion.rotation[:, :, 1])
    chest = np.einsum("fij,fj->fi", axes, motion.rotation[:, :, 0])
    hip = motion.angles[:, [A["hip_l"], A["hip_r"]]].mean(1) / np.pi
    knee = motion.angles[:, [A["knee_l"], A["knee_r"]]].mean(1) / np.pi
    return np.concatenate([long_axis, chest, hip[:, None], knee[:, None]], 1).astype(np.float32)


def render_clip(
    split: str,
    label: int,
    index: int,
    *,
    size: int = 160,
    fps: float = 10.0,
    seconds: float = 3.2,
) -> Clip:
    """Draw clip number ``index`` of a class; the same arguments give the same bytes."""
    rng = palette.generator(split, label, index)
    count = round(seconds * fps)
    clock = np.arange(count) / fps
    look = make_look(rng)
    if label == BACKGROUND:
        action = BACKGROUND_ACTIONS[index % len(BACKGROUND_ACTIONS)]
        shot, motion = stage_background(action, rng, split, clock)
        takeoff = entry = float("nan")
    else:
        body = make_body(rng, split)
        plan = plan_dive(DIVES[label], rng, body.height)
        side = int(rng.choice([-1, 1]))
        walkers = int(rng.integers(1, 3)) if rng.random() < 0.25 else 0
        scene = make_scene(rng, split, plan.board_height, side, walkers)
        camera = make_camera(rng, plan.board_height, side, body.height)
        takeoff = float(rng.uniform(0.5, 1.0))
        entry = takeoff + plan.flight
        seed = int(rng.integers(1 << 30))
        shot, motion = stage_dive(plan, body, scene, camera, clock - takeoff, seed, look.shutter)
    frames = np.empty((count, size, size, 3), np.uint8)
    grain = make_grain(rng, size, size)
    boxes, body_boxes = [], []
    for i, (picture, parts, whole) in enumerate(draw(shot, size, size)):
        frames[i] = develop(picture, look, grain, rng)
        boxes.append(parts)
        body_boxes.append(whole)
    zeros = np.zeros(count, np.float32)
    return Clip(
        frames=frames,
        fps=fps,
        label=label,
        boxes=np.stack(boxes),
        body_box=np.stack(body_boxes),
        phase=np.full(count, -1, np.int8) if motion is None else motion.phase,
        somersault=zeros if motion is None else motion.somersault.astype(np.float32),
        twist=zeros if motion is None else motion.twist.astype(np.float32),
        pose=(
            np.full((count, 8), np.nan, np.float32)
            if motion is None
            else describe_pose(motion, shot.axes)
        ),
        takeoff=takeoff,
        entry=entry,
    )
