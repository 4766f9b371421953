"""How a dive moves: from time to joint angles, root rotation and root position. Pure functions.

World frame: x outward from the board's end over the water, y up from the water, z towards the
spectator who sees the board on his left. Times in seconds from take-off, lengths in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from .classes import Dive
from .skeleton import A, J, centre_of_mass, joints, mirrored, pose

GRAVITY = 9.81
MAX_SOMERSAULT_RATE = 2.75  # rev/s
MAX_TWIST_RATE = 3.3  # rev/s
WALK_SPEED = 0.9  # m/s

REST = pose(elbow=0.15)
READY_FRONT = pose(flex=1.5, abd=0.05)
READY_UP = pose(flex=3.0, abd=-0.15)
ARMS_WIDE = pose(abd=1.5, flex=0.2)
CROUCH = pose(hip=1.0, knee=1.25, spine=0.3, neck=-0.4, flex=-0.5, abd=0.25, plantar=-0.25)
REACH_UP = pose(flex=3.0, abd=-0.18, plantar=0.85, spine=-0.05)
ENTRY_HEAD = pose(flex=3.1, abd=-0.26, plantar=1.3, spine=-0.03)
ENTRY_FEET = pose(plantar=1.3, abd=0.03, elbow=0.05)
STRAIGHT_ARMS = pose(plantar=1.3, abd=1.2, flex=0.3, spine=-0.08)
TUCK = pose(hip=2.12, knee=2.3, spine=0.55, neck=0.3, plantar=1.0, splay=0.06, grab=1.0)
PIKE_HELD = pose(hip=2.1, knee=0.03, spine=0.6, neck=0.25, plantar=1.3, grab=1.0)
PIKE_OPEN = pose(hip=1.95, knee=0.03, spine=0.4, neck=0.1, plantar=1.3, flex=0.9, abd=1.25)
SQUARE_OUT = pose(hip=1.35, knee=0.03, spine=0.3, plantar=1.3, flex=1.3, abd=0.6)
WRAP = pose(
    plantar=1.3, spine=-0.04,
    flex_l=0.75, abd_l=0.15, elbow_l=1.9, roll_l=1.2,
    flex_r=2.6, abd_r=0.25, elbow_r=1.9, roll_r=1.25,
)  # fmt: skip
HURDLE = pose(hip_l=1.35, knee_l=1.5, flex=2.7, abd=0.25, plantar=0.6)


@dataclass(frozen=True)
class Plan:
    """Everything that is drawn at random about one dive's motion."""

    dive: Dive
    flight: float  # s from take-off to the first touch of the water
    board_height: float  # m over the water
    height: float  # m, the standing diver
    speed: float  # m/s away from the board
    dip: float  # m that the board bends under the diver
    hurdle: bool  # a jump onto the board's end instead of a standing start
    start: int  # 0 arms down, 1 arms to the front, 2 arms up
    walk_end: float  # s before take-off at which the walk along the board is over
    lean: float  # rev of somersault at take-off
    open_time: float  # s before entry at which the body opens out
    twist_start: float  # share of the flight
    twist_rate: float  # rev/s, aimed at
    twist_sense: int  # +1 or -1
    tilt: float  # rad, of the twisting body out of the plane of the somersault
    pike_open: bool  # arms spread in the pike instead of holding the legs


@dataclass(frozen=True)
class Motion:
    """A sampled motion of F instants."""

    times: np.ndarray  # [F] s from take-off
    angles: np.ndarray  # [F, 17] rad, see skeleton.ANGLES
    rotation: np.ndarray  # [F, 3, 3] body frame to world
    root: np.ndarray  # [F, 3] pelvis, m
    phase: np.ndarray  # [F] int8: 0 on the board, 1 in flight, 2 in the water, -1 no diver
    somersault: np.ndarray  # [F] rev since take-off, + towards the body's own front
    twist: np.ndarray  # [F] rev since take-off
    dip: np.ndarray  # [F] m by which the board's end is down

    def __getitem__(self, which: slice) -> Motion:
        """The same motion at some of its instants."""
        return Motion(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


def plan_dive(dive: Dive, rng: np.random.Generator, height: float) -> Plan:
    """Draw a plausible dive of the given class for a diver of ``height`` metres."""
    turns, twists = dive.half_somersaults / 2, dive.half_twists / 2
    low = np.clip(1.22 + 0.125 * (turns - 1), 1.25, 1.7)
    needed = twists / (0.8 * MAX_TWIST_RATE * _twist_room(dive)) + 0.01 if twists else 0.0
    needed = max(needed, turns / (0.94 * MAX_SOMERSAULT_RATE))
    flight = float(rng.uniform(min(max(low, needed), 1.74), 1.75))
    heights = [1.0] * (flight < 1.45) + [3.0] * (4 if flight < 1.6 else 2)
    heights += [5.0] * (flight > 1.4) + [7.5, 10.0] * (flight > 1.6)
    board_height = float(rng.choice(heights))
    springboard = board_height <= 3.0
    towards = dive.world_sense < 0
    return Plan(
        dive=dive,
        flight=flight,
        board_height=board_height,
        height=height,
        speed=float(rng.uniform(1.25, 1.7) if towards else rng.uniform(0.95, 1.5)),
        dip=float(rng.uniform(0.12, 0.3)) if springboard else 0.0,
        hurdle=bool(dive.faces_water and springboard and rng.random() < 0.6),
        start=int(rng.integers(3)),
        walk_end=float(rng.uniform(1.5, 2.2)),
        lean=0.0 if towards else float(rng.uniform(0.01, 0.04)),
        open_time=float(rng.uniform(0.2, 0.32)),
        twist_start=float(rng.uniform(0.08, 0.12)),
        twist_rate=float(rng.uniform(1.9, 2.7)),
        twist_sense=int(rng.choice([-1, 1])),
        tilt=float(rng.uniform(0.08, 0.18)),
        pike_open=bool(rng.random() < 0.3),
    )


def _twist_room(dive: Dive) -> float:
    """Largest share of the flight that the twists may take."""
    return 0.64 if dive.position == "PIKE" else 0.74


def _ease(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _keyed(times: np.ndarray, keys: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
    """Poses [F, 17] eased between (time, pose) keys in order of time."""
    out = np.repeat(keys[0][1][None], len(times), 0)
    for (t0, a), (t1, b) in zip(keys, keys[1:], strict=False):
        w = _ease((times - t0) / max(t1 - t0, 1e-6))[:, None]
        out = np.where((times >= t0)[:, None], a + (b - a) * w, out)
    return out


def _about_z(angle: np.ndarray) -> np.ndarray:
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([c, -s, o, s, c, o, o, o, i], -1).reshape(-1, 3, 3)


def _about_y(angle: np.ndarray) -> np.ndarray:
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([c, o, s, o, i, o, -s, o, c], -1).reshape(-1, 3, 3)


def _about_x(angle: np.ndarray) -> np.ndarray:
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([i, o, o, o, c, -s, o, s, c], -1).reshape(-1, 3, 3)


def twist_window(plan: Plan) -> tuple[float, float]:
    """Start and end of the twist as shares of the flight."""
    twists = plan.dive.half_twists / 2
    share = twists / (0.8 * plan.twist_rate * plan.flight)
    return plan.twist_start, plan.twist_start + float(np.clip(share, 0.25, _twist_room(plan.dive)))


def _flight_keys(plan: Plan) -> list[tuple[float, np.ndarray]]:
    """Pose keys from take-off to entry, times in s."""
    dive, flight = plan.dive, plan.flight
    last = ENTRY_HEAD if dive.head_first else ENTRY_FEET
    end = [(flight - 0.04, last), (flight, last)]
    opening = flight - plan.open_time
    keys = [(0.0, REACH_UP), (0.05, REACH_UP)]
    if dive.half_twists:
        begin, stop = (s * flight for s in twist_window(plan))
        wrap = WRAP if plan.twist_sense > 0 else mirrored(WRAP)
        keys += [(begin + 0.08, wrap), (stop - 0.06, wrap)]
        shape = PIKE_HELD if dive.position == "PIKE" else SQUARE_OUT
        if dive.position == "PIKE" or opening - stop > 0.1:
            held = min(stop + 0.14, opening - 0.03)
            keys += [(held, shape), (max(opening, held + 0.02), shape)]
        return keys + end
    if dive.position == "STR":
        return [*keys, (0.28, STRAIGHT_ARMS), (flight - 0.45, STRAIGHT_ARMS), *end]
    if dive.position == "TUCK":
        shape = TUCK
    else:
        slow = dive.half_somersaults <= 3
        shape = PIKE_OPEN if plan.pike_open and slow else PIKE_HELD
    if dive.half_somersaults == 1:
        return [*keys, (0.38, shape), (0.58 * flight, shape), (0.85 * flight, last), *end]
    return [*keys, (0.26, shape), (opening, shape), *end]


def _rates(angles: np.ndarray) -> np.ndarray:
    """Relative somersault rate of a pose, 1 straight; the inverse of its moment of inertia."""
    hip = 0.5 * (angles[:, A["hip_l"]] + angles[:, A["hip_r"]]) / 2.1
    knee = 0.5 * (angles[:, A["knee_l"]] + angles[:, A["knee_r"]]) / 2.3
    return 1.0 + 1.3 * hip + 1.0 * hip * knee


def _somersault_curve(plan: Plan, keys: list) -> tuple[np.ndarray, np.ndarray]:
    """World turn in rev over the flight, from the lean to the named count: grid times, turns."""
    grid = np.linspace(0.0, plan.flight, 301)
    rates = _rates(_keyed(grid, keys))
    total = plan.dive.half_somersaults / 2 - plan.lean
    # Fold-dependent speed, flattened by a power until its peak is slow enough to be sampled.
    low, high = 0.0, 2.0
    curve = grid / plan.flight * total
    for _ in range(10):
        power = 0.5 * (low + high)
        scaled = rates ** min(power, 1.0)
        area = np.concatenate([[0.0], np.cumsum(0.5 * (scaled[1:] + scaled[:-1]))])
        if scaled.max() * total / area[-1] * 300 / plan.flight > MAX_SOMERSAULT_RATE:
            high = power
            continue
        low, curve = power, area / area[-1] * total
        if power >= 1.0:
            break
    return grid, plan.lean + curve


def _twist_curve(plan: Plan, times: np.ndarray) -> np.ndarray:
    """Twist in rev (unsigned) at times; a trapezoid of speed with ramps of a fifth each."""
    start, stop = (s * plan.flight for s in twist_window(plan))
    u = np.clip((times - start) / (stop - start), 0.0, 1.0)
    ramp = 0.2
    turned = np.where(
        u < ramp,
        u * u / (2 * ramp),
        np.where(u > 1 - ramp, 1 - ramp - (1 - u) ** 2 / (2 * ramp), u - ramp / 2),
    )
    return plan.dive.half_twists / 2 * turned / (1 - ramp)


def _walk(angles: np.ndarray, stride: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Add a walking gait; ``stride`` in steps of rad, ``amount`` 0..1; both [F]."""
    out = angles.copy()
    swing = np.sin(stride) * amount
    out[:, A["hip_l"]] += 0.42 * swing
    out[:, A["hip_r"]] -= 0.42 * swing
    out[:, A["knee_l"]] += 0.75 * amount * np.maximum(np.cos(stride), 0.0) + 0.08 * amount
    out[:, A["knee_r"]] += 0.75 * amount * np.maximum(-np.cos(stride), 0.0) + 0.08 * amount
    out[:, A["flex_l"]] -= 0.4 * swing
    out[:, A["flex_r"]] += 0.4 * swing
    return out


def _standing_root(
    angles: np.ndarray, rotation: np.ndarray, x: np.ndarray, floor: np.ndarray, height: float
) -> np.ndarray:
    """Root [F, 3] such that the lowest foot stands at ``x`` on the ``floor``."""
    feet = joints(angles)[:, [J["toes_l"], J["heel_l"], J["toes_r"], J["heel_r"]]] * height
    world = np.einsum("fij,fkj->fki", rotation, feet)
    root = np.zeros((len(x), 3))
    root[:, 0] = x - world[..., 0].mean(1)
    root[:, 1] = floor - world[..., 1].min(1)
    return root


def _board_dip(plan: Plan, t: np.ndarray) -> np.ndarray:
    push = 0.42
    press = np.where(
        (t > -push) & (t < 0), np.sin(np.pi * np.clip((t + push) / push, 0, 1)) ** 2, 0
    )
    ring = np.where(t >= 0, np.exp(-3.5 * np.maximum(t, 0)) * np.sin(2 * np.pi * 3.2 * t), 0.0)
    return plan.dip * (press - 0.5 * ring)


def _on_board(plan: Plan, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angles, rotation and root before take-off (t <= 0)."""
    first = (REST, READY_FRONT, READY_UP)[plan.start]
    keys = [(-plan.walk_end, REST), (-plan.walk_end + 0.5, first)]
    hop = np.zeros_like(t)
    foot_x = np.full_like(t, -0.06)
    if plan.hurdle:
        keys = [(-1.15, REST), (-0.85, pose(flex=-0.3, knee=0.3, hip=0.3)), (-0.68, HURDLE)]
        keys += [(-0.5, READY_UP), (-0.42, READY_UP), (-0.2, CROUCH), (-0.02, REACH_UP)]
        u = np.clip((t + 0.85) / 0.42, 0.0, 1.0)
        hop = 4 * 0.28 * u * (1 - u)
        foot_x = -0.06 - 0.75 * (1 - u)
    else:
        keys += [(-0.95, first), (-0.68, READY_UP), (-0.45, ARMS_WIDE), (-0.22, CROUCH)]
        keys += [(-0.02, REACH_UP)]
    angles = _keyed(t, keys)
    gone = np.maximum(-plan.walk_end - t, 0.0)  # s of walking still to do
    if plan.hurdle:
        gone = np.maximum(-1.1 - t, 0.0)
        turn = np.zeros_like(t)
        walking = gone
    elif plan.dive.faces_water:
        turn = np.zeros_like(t)
        walking = gone
    else:
        # Walks out facing the water, then turns his back to it.
        turn = np.pi * (1 - _ease(gone / 0.7))
        walking = np.maximum(gone - 0.7, 0.0)
    foot_x = foot_x - WALK_SPEED * walking
    amount = _ease(walking / 0.25)
    angles = _walk(angles, walking * 2 * np.pi * 0.85, amount)
    lean = plan.lean * _ease((t + 0.3) / 0.3)
    rotation = _about_z(-2 * np.pi * lean * plan.dive.world_sense) @ _about_y(turn)
    if not plan.dive.faces_water:
        foot_x = foot_x + 0.06 * (1 - np.cos(turn)) / 2
    floor = plan.board_height - _board_dip(plan, t) + hop
    return angles, rotation, _standing_root(angles, rotation, foot_x, floor, plan.height)


def move(plan: Plan, times: np.ndarray) -> Motion:
    """The whole dive at ``times`` [F] in seconds from take-off, any order, any length."""
    t = np.asarray(times, float)
    dive = plan.dive
    keys = _flight_keys(plan)
    airborne = np.clip(t, 0.0, plan.flight)
    grid, curve = _somersault_curve(plan, keys)
    turned = np.interp(airborne, grid, curve)
    twist = _twist_curve(plan, airborne)

    flying = _keyed(airborne, keys)
    begin, stop = (s * plan.flight for s in twist_window(plan))
    tilt = plan.tilt * _ease((airborne - begin) / 0.15) * _ease((stop - airborne) / 0.15 + 1)
    tilt = tilt * plan.twist_sense if dive.half_twists else np.zeros_like(t)
    tilt = tilt * _ease((plan.flight - airborne) / 0.2)
    facing = 0.0 if dive.faces_water else np.pi
    rotation = (
        _about_z(-2 * np.pi * turned * dive.world_sense)
        @ _about_x(tilt)
        @ _about_y(2 * np.pi * twist * plan.twist_sense + facing)
    )

    # The centre of mass flies; the pelvis follows from it.
    start_angles, start_rotation, start_root = _on_board(plan, np.zeros(1))
    mass = centre_of_mass(joints(start_angles)) * plan.height
    start = (start_root + np.einsum("fij,fj->fi", start_rotation, mass))[0]
    at_entry = joints(_keyed(np.array([plan.flight]), keys)) * plan.height
    end_rotation = _about_z(np.array([-2 * np.pi * curve[-1] * dive.world_sense])) @ _about_y(
        np.array([np.pi * dive.half_twists * plan.twist_sense + facing])
    )
    hanging = at_entry[0] - centre_of_mass(at_entry)[0]
    end_y = -(hanging @ end_rotation[0].T)[:, 1].min()
    rise = (end_y - start[1] + 0.5 * GRAVITY * plan.flight**2) / plan.flight
    under = np.maximum(t - plan.flight, 0.0)
    speed_end = rise - GRAVITY * plan.flight
    centre = np.zeros((len(t), 3))
    glide = 0.5 * (1 - np.exp(-under / 0.5))
    centre[:, 0] = start[0] + plan.speed * (airborne + 0.5 * glide)
    centre[:, 1] = start[1] + rise * airborne - 0.5 * GRAVITY * airborne**2 + speed_end * glide
    offset = centre_of_mass(joints(flying)) * plan.height
    root = centre - np.einsum("fij,fj->fi", rotation, offset)

    board_angles, board_rotation, board_root = _on_board(plan, np.minimum(t, 0.0))
    off = t >= 0.0
    count = (turned - plan.lean) / (dive.half_somersaults / 2 - plan.lean)
    return Motion(
        times=t,
        angles=np.where(off[:, None], flying, board_angles),
        rotation=np.where(off[:, None, None], rotation, board_rotation),
        root=np.where(off[:, None], root, board_root),
        phase=np.where(t < 0, 0, np.where(t < plan.flight, 1, 2)).astype(np.int8),
        somersault=np.where(off, count * dive.half_somersaults / 2 * dive.body_sense, 0.0),
        twist=np.where(off, twist * plan.twist_sense, 0.0),
        dip=_board_dip(plan, t),
    )


BOARD_ACTIONS = ("stand", "walk", "arm_swings", "tuck_practice", "pike_practice", "bounce")


def move_on_board(
    action: str, times: np.ndarray, board_height: float, height: float, rng: np.random.Generator
) -> Motion:
    """What people do on a board without diving; ``action`` is one of BOARD_ACTIONS."""
    t = np.asarray(times, float)
    facing = float(rng.choice([0.0, np.pi])) + np.zeros_like(t)
    x = np.full_like(t, rng.uniform(-1.2, -0.08))
    pace = rng.uniform(0.8, 1.25)
    start = rng.uniform(0.0, 2.0)
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * (t * pace * 0.6 + start))
    held = (REST, READY_FRONT, READY_UP, ARMS_WIDE)[rng.integers(4)]
    dip, hop = np.zeros_like(t), np.zeros_like(t)
    if action == "stand":
        angles = held + (REST - held) * (_ease(t - rng.uniform(0, 3)))[:, None]
    elif action == "walk":
        sense = np.where(facing > 1.0, -1.0, 1.0)
        going = pace * WALK_SPEED * t
        x = np.where(sense > 0, -3.2 + going, -0.3 - going)
        angles = _walk(np.repeat(REST[None], len(t), 0), going * 2 * np.pi * 0.95, np.ones_like(t))
    elif action == "arm_swings":
        angles = REST + (READY_UP - REST) * wave[:, None]
        facing = facing + 0.2 * np.sin(t)
    elif action in ("tuck_practice", "pike_practice"):
        deep = rng.uniform(0.75, 1.0)
        shape = TUCK if action == "tuck_practice" else PIKE_HELD
        shape = shape.copy()
        if action == "tuck_practice":
            shape[A["plantar"]] = -0.3
        else:
            shape[A["plantar"]] = 0.0
        angles = REST + (shape - REST) * (deep * wave)[:, None]
    elif action == "bounce":
        cycle = (t * pace * 1.1 + start) % 1.0
        air = np.clip(cycle / 0.55, 0.0, 1.0)
        hop = 4 * rng.uniform(0.15, 0.45) * air * (1 - air)
        press = np.sin(np.pi * np.clip((cycle - 0.55) / 0.45, 0.0, 1.0)) ** 2
        dip = 0.2 * press
        angles = REACH_UP + (CROUCH - REACH_UP) * (0.7 * press)[:, None]
    else:
        raise ValueError(f"unknown action on the board: {action!r}")
    # Practising a fold, the body leans so that its mass stays over the feet.
    tilt = 0.0
    if action.endswith("practice"):
        hip, knee = angles[:, A["hip_l"]], angles[:, A["knee_l"]]
        tilt = -np.maximum(hip - 0.55 * knee, 0.0)
    rotation = _about_y(facing) @ _about_z(tilt + np.zeros_like(t))
    floor = board_height + hop - dip
    return Motion(
        times=t,
        angles=angles,
        rotation=rotation,
        root=_standing_root(angles, rotation, x, floor, height),
        phase=np.zeros(len(t), np.int8),
        somersault=np.zeros(len(t)),
        twist=np.zeros(len(t)),
        dip=dip,
    )
