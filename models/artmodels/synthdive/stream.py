"""A broadcast of dives one after another, with pauses, cuts and what is true of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from . import palette
from .body import make_body
from .classes import CLASS_NAMES, DIVES
from .clips import Look, develop, make_grain, make_look, stage_background, stage_dive
from .kinematics import plan_dive
from .render import draw
from .scene import Scene, make_camera, make_scene

KEEP_HALL = 0.5  # chance that the next diver dives in the same hall


@dataclass(frozen=True)
class StreamDive:
    """One dive of a stream; times in s from the stream's first frame."""

    label: int
    name: str
    takeoff: float
    entry: float


@dataclass(frozen=True)
class _Piece:
    """A stretch between two cuts."""

    number: int
    label: int  # -1 for a stretch without a dive
    first: int  # frame
    frames: int
    lead: float  # s from its first frame to take-off


@dataclass(frozen=True)
class Stream:
    """A planned stream: draw it with ``frames``; ``truth`` is known beforehand."""

    seed: int
    width: int
    height: int
    fps: float
    count: int  # frames
    truth: list[StreamDive]
    pieces: list[_Piece]

    def as_json(self) -> dict:
        """The ground truth as plain data."""
        return {
            "seed": self.seed, "width": self.width, "height": self.height, "fps": self.fps,
            "frames": self.count, "dives": [asdict(d) for d in self.truth],
        }  # fmt: skip

    def frames(self) -> Iterator[np.ndarray]:
        """Every frame, uint8 [height, width, 3] RGB."""
        hall: Scene | None = None
        for piece in self.pieces:
            rng = palette.generator("stream", self.seed, piece.number, 1)
            clock = np.arange(piece.frames) / self.fps
            if rng.random() > KEEP_HALL:
                hall = None
            look = _calm(make_look(rng))
            if piece.label < 0:
                action = ("empty", "passers_by", "stand", "walk")[rng.integers(4)]
                shot, _ = stage_background(action, rng, "stream", clock, hall)
            else:
                body = make_body(rng, "stream")
                plan = plan_dive(DIVES[piece.label], _motion_rng(self.seed, piece), body.height)
                side = int(rng.choice([-1, 1])) if hall is None else int(-np.sign(hall.wall_z))
                people = int(rng.random() < 0.25)
                scene = make_scene(rng, "stream", plan.board_height, side, people, hall)
                camera = make_camera(rng, plan.board_height, side, body.height)
                seed = int(rng.integers(1 << 30))
                shot, _ = stage_dive(plan, body, scene, camera, clock - piece.lead, seed, False)
            hall = shot.scene
            grain = make_grain(rng, self.width, self.height)
            for picture, _, _ in draw(shot, self.width, self.height):
                yield develop(picture, look, grain, rng)


def _calm(look: Look) -> Look:
    """The look without what the stream's own encoder will add."""
    return replace(look, quality=0, noise=0.5 * look.noise)


def _motion_rng(seed: int, piece: _Piece) -> np.random.Generator:
    return palette.generator("stream", seed, piece.number, 2)


def render_stream(
    seed: int, dives: int, *, width: int = 640, height: int = 360, fps: float = 30.0
) -> Stream:
    """Plan a stream of ``dives`` dives of classes drawn at random by ``seed``.

    Between an entry and the next take-off lie 2 to 5 s. The centre square of the picture frames
    the diver as the clips do.
    """
    rng = palette.generator("stream", seed)
    pieces: list[_Piece] = []
    truth: list[StreamDive] = []
    at = 0

    def add(label: int, seconds: float, lead: float) -> _Piece:
        nonlocal at
        piece = _Piece(len(pieces), label, at, max(1, round(seconds * fps)), lead)
        pieces.append(piece)
        at += piece.frames
        return piece

    for _ in range(dives):
        label = int(rng.integers(len(CLASS_NAMES)))
        pause, after = rng.uniform(2.0, 5.0), rng.uniform(0.7, 1.3)
        filler = rng.uniform(0.7, 1.6) if pause > 3.6 and rng.random() < 0.5 else 0.0
        if filler:
            add(-1, filler, 0.0)
        piece = _Piece(len(pieces), label, at, 0, 0.0)
        # The flight's length does not depend on who dives; the height only scales the body.
        plan = plan_dive(DIVES[label], _motion_rng(seed, piece), 1.7)
        lead = pause - filler - 1.0
        piece = add(label, lead + plan.flight + after, lead)
        takeoff = piece.first / fps + lead
        truth.append(StreamDive(label, CLASS_NAMES[label], takeoff, takeoff + plan.flight))
    return Stream(seed, width, height, fps, at, truth, pieces)
