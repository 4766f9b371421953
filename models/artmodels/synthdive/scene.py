"""The pool hall: wall with structure, board, water, light, other people; and the camera."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import palette
from .body import make_body, place
from .kinematics import move_on_board
from .raster import empty_prims

PER_METRE = 40  # texels of the wall a metre
WALL_WIDTH, WALL_HEIGHT = 24, 16  # m
DECK = 0.3  # m over the water
_WORDS = ("AQUATIC CUP", "DIVING", "POOL 2", "FINAL", "OPEN", "SPRINGBOARD", "H2O", "CITY GAMES")


@dataclass(frozen=True)
class Scene:
    """What stays through a clip."""

    wall: np.ndarray  # [h, w, 3] float32 0..1
    wall_z: float  # m
    board: np.ndarray  # [B, PRIM] of the board and what carries it; row 0 is the board
    board_height: float
    springboard: bool
    water: np.ndarray  # [6], see raster.backdrop
    light: np.ndarray  # [6], see raster.draw
    ambient: np.ndarray  # [3]
    walkers: tuple[tuple[int, float, float], ...]  # seed, x at time 0 (m), speed (m/s)
    split: str


@dataclass(frozen=True)
class Camera:
    """A camera on a stand that pans after the diver."""

    eye: np.ndarray  # [3] m
    picture: float  # m that the picture is high at the board's end
    lag: float  # s
    offset: np.ndarray  # [2] of the diver from the middle, share of the picture, right and up
    jitter: np.ndarray  # [2, 3, 3]: two axes, three waves of (amplitude, rad/s, phase)
    roll: float  # rad


def _ink(colour: np.ndarray) -> list[float]:
    """An RGB colour in 0..1 as OpenCV wants it for an 8-bit picture."""
    return (255 * np.clip(colour, 0.0, 1.0)).tolist()


def _crowd(wall: np.ndarray, rng: np.random.Generator, split: str, top: int, rows: int) -> None:
    """Rows of spectators, seen from far."""
    gap = int(rng.integers(20, 30))
    shade = rng.uniform(0.35, 0.7)
    haze = (1 - shade) * rng.uniform(0.1, 0.6)
    seat = palette.colour(rng, split, (0.2, 0.9), (0.2, 0.7))
    for row in range(rows):
        y = top + row * gap
        cv2.rectangle(
            wall,
            (0, y + 8),
            (wall.shape[1], y + gap),
            _ink(shade * seat * (0.8 + 0.1 * row) + haze),
            -1,
        )
        for x in range(8, wall.shape[1], int(rng.integers(15, 22))):
            if rng.random() < 0.3:
                continue
            at = (x + int(rng.integers(-3, 4)), y + int(rng.integers(-2, 3)))
            shirt = shade * palette.colour(rng, split, (0.0, 0.8), (0.2, 1.0)) + haze
            cv2.ellipse(wall, (at[0], at[1] + 13), (7, 9), 0, 0, 360, _ink(shirt), -1, cv2.LINE_AA)
            cv2.circle(wall, at, 4, _ink(shade * palette.skin(rng) + haze), -1, cv2.LINE_AA)


def _paint_wall(rng: np.random.Generator, split: str) -> np.ndarray:
    """A hall's far wall from the water line up; [h, w, 3] float32."""
    height, width = WALL_HEIGHT * PER_METRE, WALL_WIDTH * PER_METRE
    wall = np.empty((height, width, 3), np.uint8)
    base = palette.colour(rng, split, (0.03, 0.6), (0.2, 0.9))
    upper = palette.colour(rng, split, (0.0, 0.4), (0.25, 0.95))
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    wall[:] = 255 * (upper * (1 - ramp) + base * ramp)
    if rng.random() < 0.6:  # panels or tiles
        step_x, step_y = int(rng.integers(20, 120)), int(rng.integers(20, 120))
        line = _ink(base * rng.uniform(0.6, 1.25))
        for x in range(0, width, step_x):
            cv2.line(wall, (x, 0), (x, height), line, int(rng.integers(1, 4)), cv2.LINE_AA)
        for y in range(0, height, step_y):
            cv2.line(wall, (0, y), (width, y), line, int(rng.integers(1, 4)), cv2.LINE_AA)
    if rng.random() < 0.6:  # windows
        y, tall = int(rng.integers(20, height // 2)), int(rng.integers(60, 160))
        wide, gap = int(rng.integers(50, 150)), int(rng.integers(8, 60))
        glass = palette.colour(rng, split, (0.0, 0.3), (0.75, 1.0))
        for x in range(0, width, wide + gap):
            cv2.rectangle(wall, (x, y), (x + wide, y + tall), _ink(glass), -1)
            cv2.line(wall, (x + wide // 2, y), (x + wide // 2, y + tall), _ink(glass * 0.5), 2)
    for _ in range(int(rng.integers(0, 4))):  # beams and pillars
        dark = _ink(palette.colour(rng, split, (0.0, 0.5), (0.1, 0.6)))
        if rng.random() < 0.5:
            x = int(rng.integers(width))
            cv2.rectangle(wall, (x, 0), (x + int(rng.integers(10, 36)), height), dark, -1)
        else:
            y = int(rng.integers(height))
            cv2.rectangle(wall, (0, y), (width, y + int(rng.integers(5, 26))), dark, -1)
    if rng.random() < 0.55:
        _crowd(
            wall, rng, split, int(rng.integers(height // 4, height - 220)), int(rng.integers(2, 7))
        )
    for _ in range(int(rng.integers(2, 9))):  # banners, boards, doors
        x, y = int(rng.integers(width)), int(rng.integers(height - 60))
        wide, tall = int(rng.integers(40, 260)), int(rng.integers(24, 80))
        cloth = palette.colour(rng, split, (0.3, 1.0), (0.25, 1.0))
        ink = _ink(1.0 - cloth) if rng.random() < 0.5 else (255, 255, 255)
        cv2.rectangle(wall, (x, y), (x + wide, y + tall), _ink(cloth), -1)
        word = _WORDS[rng.integers(len(_WORDS))]
        size = tall / 45
        cv2.putText(wall, word, (x + 4, y + int(tall * 0.7)), 0, size, ink, 2, cv2.LINE_AA)
    edge = palette.colour(rng, split, (0.0, 0.4), (0.6, 1.0))
    cv2.rectangle(wall, (0, height - 12), (width, height), _ink(edge), -1)
    blur = rng.uniform(0.6, 2.5)
    return cv2.GaussianBlur(wall, (0, 0), blur).astype(np.float32) / 255.0


def _box(centre: tuple, half: tuple, colours: tuple, pattern: tuple = (0, 0, 0, 0)) -> np.ndarray:
    prim = empty_prims(1)[0]
    prim[0:3], prim[12:15] = centre, half
    prim[18], prim[20] = 1, pattern[0]
    prim[21:30] = np.concatenate(colours)
    prim[30:33] = pattern[1:]
    return prim


def _board(
    rng: np.random.Generator, split: str, height: float, springboard: bool, wall_z: float
) -> np.ndarray:
    """Primitives of the board (row 0), its stand and the far deck; [B, PRIM]."""
    top = palette.colour(rng, split, (0.0, 0.7), (0.3, 1.0))
    stand = palette.colour(rng, split, (0.0, 0.6), (0.25, 0.9))
    thick, half_width = (0.03, 0.25) if springboard else (0.12, rng.uniform(0.6, 1.2))
    length = 2.45 if springboard else 3.0
    prims = [_box((-length, height - thick, 0), (length, thick, half_width), (top, top * 0.8, top))]
    if springboard:
        prims.append(_box((-2.2, height - 0.3, 0), (0.15, 0.24, 0.3), (stand, stand, stand)))
        prims.append(_box((-4.2, height - 0.3, 0), (0.15, 0.24, 0.3), (stand, stand, stand)))
        base = _box((-3.6, 0.5 * height - 0.3, 0), (1.6, 0.5 * height - 0.2, 0.5), (stand,) * 3)
        prims.append(base)
    else:
        column = (stand * 0.9,) * 3
        prims.append(_box((-4.4, height * 0.5 - 0.15, 0), (1.0, height * 0.5, 0.5), column))
    rail = (stand * 0.6 + 0.35,) * 3
    for z in (-half_width - 0.12, half_width + 0.12):
        for y in (0.55, 1.0):
            prims.append(_box((-4.2, height + y, z), (1.9, 0.022, 0.022), rail))
        for x in (-2.4, -3.4, -4.6):
            prims.append(_box((x, height + 0.48, z), (0.022, 0.52, 0.022), rail))
    tile = palette.colour(rng, split, (0.0, 0.3), (0.5, 0.95))
    inward = -np.sign(wall_z)
    tiles = (tile, tile * 0.85, tile)
    middle = (0, DECK / 2, wall_z + inward * 1.2)
    deck = _box(middle, (60, DECK / 2, 1.2), tiles, (6, 30.0, 0.0, 1.0))
    return np.stack([*prims, deck])


def make_scene(
    rng: np.random.Generator,
    split: str,
    board_height: float,
    side: int,
    walkers: int,
    hall: Scene | None = None,
) -> Scene:
    """Draw a hall; ``side`` +1 where the camera has the board on its left, -1 on its right.

    With ``hall`` given, its wall, water and light stay and only the board is new.
    """
    wall_z = -side * rng.uniform(6.0, 14.0) if hall is None else hall.wall_z
    water = np.array(colorsys.hsv_to_rgb(rng.uniform(0.46, 0.63), *rng.uniform(0.4, 0.9, 2)))
    direction = np.array([rng.normal(0, 0.5), rng.uniform(0.5, 1.2), side * rng.uniform(0.1, 1.0)])
    direction /= np.linalg.norm(direction)
    power = rng.uniform(0.35, 0.7)
    warm = rng.normal(0, 0.04, 3)
    springboard = board_height <= 3.0
    if hall is not None:
        board = _board(rng, split, board_height, springboard, wall_z)
        return replace(hall, board=board, board_height=board_height, springboard=springboard)
    return Scene(
        wall=_paint_wall(rng, split),
        wall_z=wall_z,
        board=_board(rng, split, board_height, springboard, wall_z),
        board_height=board_height,
        springboard=springboard,
        water=np.array(
            [*water, rng.uniform(0.2, 0.55), rng.uniform(0.05, 0.16), rng.uniform(1.5, 3.5)]
        ),
        light=np.concatenate([direction, power * (1 + warm)]),
        ambient=(1.15 - power) * (1 - warm),
        walkers=tuple(
            (int(rng.integers(1 << 30)), float(rng.uniform(-6, 6)), float(rng.uniform(-1.2, 1.2)))
            for _ in range(walkers)
        ),
        split=split,
    )


def make_camera(rng: np.random.Generator, board_height: float, side: int, height: float) -> Camera:
    """Draw a broadcast camera for a diver of ``height`` metres."""
    azimuth = np.deg2rad(rng.uniform(-35, 35))
    distance = rng.uniform(12, 22)
    eye_y = max(1.6, board_height * rng.uniform(0.25, 1.0) + rng.uniform(0.5, 2.5))
    waves = np.stack(
        [rng.uniform(0, 0.012, (2, 3)), rng.uniform(1.0, 9.0, (2, 3)), rng.uniform(0, 6.3, (2, 3))],
        -1,
    )
    return Camera(
        eye=np.array([0.6 + distance * np.sin(azimuth), eye_y, side * distance * np.cos(azimuth)]),
        picture=height / rng.uniform(0.48, 0.72),
        lag=float(rng.uniform(0.02, 0.16)),
        offset=np.clip(rng.normal(0, 0.07, 2), -0.15, 0.15),
        jitter=waves,
        roll=float(np.clip(rng.normal(0, 0.025), -0.06, 0.06)),
    )


def aim(
    camera: Camera, times: np.ndarray, centre: np.ndarray, lagged: np.ndarray
) -> tuple[np.ndarray, float]:
    """Camera axes [F, 3, 3] (rows right, up, to the viewer) and focal length in picture heights.

    ``centre`` and ``lagged`` [F, 3]: where the body's centre is and where the operator thinks.
    """
    reach = 0.23 * camera.picture
    miss = np.clip(lagged - centre, -reach, reach)
    waves = camera.jitter[:, :, 0] * np.sin(
        times[:, None, None] * camera.jitter[:, :, 1] + camera.jitter[:, :, 2]
    )
    shift = waves.sum(-1) - camera.offset
    side = np.sign(camera.eye[2])
    dx = np.clip(side * miss[:, 0] / camera.picture + shift[:, 0], -0.24, 0.24)
    dy = np.clip(miss[:, 1] / camera.picture + shift[:, 1], -0.18, 0.18)
    target = centre.copy()
    target[:, 0] += side * dx * camera.picture
    target[:, 1] += dy * camera.picture
    target[:, 1] = np.maximum(target[:, 1], 0.15 * camera.picture)
    back = camera.eye - target
    distance = np.linalg.norm(back, axis=-1, keepdims=True)
    back /= distance
    right = np.cross(np.array([0.0, 1.0, 0.0]), back)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    up = np.cross(back, right)
    c, s = np.cos(camera.roll), np.sin(camera.roll)
    axes = np.stack([c * right + s * up, c * up - s * right, back], 1)
    flat = np.array([0.0, camera.eye[1], 0.0])
    return axes, float(np.linalg.norm(camera.eye - flat) / camera.picture)


def board_prims(scene: Scene, dip: np.ndarray) -> np.ndarray:
    """The board and its stand with the board's end ``dip`` [F] metres down; [F, B, PRIM]."""
    prims = np.repeat(scene.board[None], len(dip), 0)
    if scene.springboard:
        half = scene.board[0, 12]
        angle = dip / (2 * half)
        c, s, o = np.cos(angle), np.sin(angle), np.zeros_like(angle)
        prims[:, 0, 1] -= dip / 2
        prims[:, 0, 3:12] = np.stack([c, -s, o, s, c, o, o, o, o + 1], -1)
    return prims


def walker_prims(scene: Scene, times: np.ndarray) -> np.ndarray:
    """People walking on the far deck, [F, N, PRIM], of no part."""
    groups = [np.zeros((len(times), 0, scene.board.shape[1]))]
    for seed, x, speed in scene.walkers:
        rng = np.random.default_rng(seed)
        body = make_body(rng, scene.split)
        action = "walk" if abs(speed) > 0.35 else "stand"
        motion = move_on_board(action, times, DECK, body.height, rng)
        motion.root[:, 0] += x - motion.root[0, 0]
        motion.root[:, 2] += scene.wall_z - np.sign(scene.wall_z) * 1.4
        prims, _ = place(body, motion)
        prims[..., 19] = -1
        groups.append(prims)
    return np.concatenate(groups, 1)


def splash_prims(rng: np.random.Generator, times: np.ndarray, x: float, size: float) -> np.ndarray:
    """Drops thrown up at ``x`` at time 0, [F, 44, PRIM]; ``times`` [F] s, sizes in m."""
    count = 44
    angle = rng.uniform(0, 2 * np.pi, count)
    out = rng.uniform(0.1, 1.0, count) * size
    up = rng.uniform(1.5, 4.6, count) * np.sqrt(size)
    radius = rng.uniform(0.012, 0.05, count) * (0.6 + 0.5 * size)
    t = np.clip(times, 0.0, 2.0)[:, None]
    prims = np.repeat(empty_prims(count)[None], len(times), 0)
    prims[..., 0] = x + out * np.cos(angle) * t
    prims[..., 1] = up * t - 0.5 * 9.81 * t * t
    prims[..., 2] = out * np.sin(angle) * t
    prims[..., 13] = 1.0 + 0.9 * np.clip(1 - t, 0, 1)
    prims[..., 15] = np.where((t > 0) & (t < 1.2), radius * (1 + 0.5 * t), 0.0)
    prims[..., 1] -= np.where((t > 0) & (t < 1.2), 0.0, 5.0)
    prims[..., 21:30] = 0.92
    return prims
