"""The joints of the body: from joint angles to places in the body's own frame.

Body frame: x to the front, y up (pelvis to neck), z to the body's right; lengths in units of the
standing height. All angles in radians, all arrays with a leading time axis.
"""

from __future__ import annotations

import numpy as np

ANGLES = (
    "hip_l", "hip_r", "knee_l", "knee_r", "plantar", "splay", "spine", "neck",
    "flex_l", "abd_l", "elbow_l", "roll_l", "flex_r", "abd_r", "elbow_r", "roll_r", "grab",
)  # fmt: skip
A = {name: i for i, name in enumerate(ANGLES)}

JOINTS = (
    "pelvis", "mid", "neck", "head", "crown",
    "shoulder_l", "elbow_l", "wrist_l", "fingers_l",
    "shoulder_r", "elbow_r", "wrist_r", "fingers_r",
    "hip_l", "knee_l", "ankle_l", "toes_l", "heel_l",
    "hip_r", "knee_r", "ankle_r", "toes_r", "heel_r",
)  # fmt: skip
J = {name: i for i, name in enumerate(JOINTS)}

THIGH, SHIN, FOOT, HEEL = 0.245, 0.235, 0.125, 0.035
LOWER_TORSO, UPPER_TORSO, NECK_TO_HEAD, HEAD_TO_CROWN = 0.13, 0.175, 0.095, 0.085
UPPER_ARM, FOREARM, HAND = 0.165, 0.145, 0.085
SHOULDER_HALF, HIP_HALF = 0.105, 0.05

# Share of the body's mass at the middle of each joint-to-joint segment.
_MASSES = (
    ("pelvis", "mid", 0.25), ("mid", "neck", 0.25), ("head", "crown", 0.08),
    ("shoulder_l", "elbow_l", 0.028), ("elbow_l", "fingers_l", 0.022),
    ("shoulder_r", "elbow_r", 0.028), ("elbow_r", "fingers_r", 0.022),
    ("hip_l", "knee_l", 0.10), ("knee_l", "ankle_l", 0.045), ("ankle_l", "toes_l", 0.015),
    ("hip_r", "knee_r", 0.10), ("knee_r", "ankle_r", 0.045), ("ankle_r", "toes_r", 0.015),
)  # fmt: skip


def pose(**angles: float) -> np.ndarray:
    """A pose vector [len(ANGLES)]; ``hip``, ``knee``, ``flex`` ... set both sides."""
    vector = np.zeros(len(ANGLES))
    vector[A["abd_l"]] = vector[A["abd_r"]] = 0.1
    for name, value in angles.items():
        for key in (name,) if name in A else (f"{name}_l", f"{name}_r"):
            vector[A[key]] = value
    return vector


def mirrored(vector: np.ndarray) -> np.ndarray:
    """The same pose with left and right exchanged; [..., len(ANGLES)]."""
    order = [
        A[n[:-1] + {"l": "r", "r": "l"}[n[-1]]] if n[-2:] in ("_l", "_r") else A[n] for n in ANGLES
    ]
    return vector[..., order]


def _sagittal(angle: np.ndarray, length: float) -> np.ndarray:
    """A vector of the given length turned from straight down towards the front; [F, 3]."""
    return length * np.stack([np.sin(angle), -np.cos(angle), np.zeros_like(angle)], -1)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _arm(
    angles: np.ndarray, tilt: np.ndarray, shoulder: np.ndarray, shin: np.ndarray, side: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Elbow, wrist and fingertips [F, 3] each; ``shin`` is where a grabbing hand goes."""
    sign = -1.0 if side == "l" else 1.0
    flex, abd, elbow, roll = (angles[:, A[f"{n}_{side}"]] for n in ("flex", "abd", "elbow", "roll"))
    flex = flex - tilt
    out = np.stack(
        [np.sin(flex) * np.cos(abd), -np.cos(flex) * np.cos(abd), sign * np.sin(abd)], -1
    )
    onward = np.stack([np.cos(flex), np.sin(flex), np.zeros_like(flex)], -1)
    inward = -np.stack(
        [-np.sin(flex) * np.sin(abd), np.cos(flex) * np.sin(abd), sign * np.cos(abd)], -1
    )
    bend = np.cos(roll)[:, None] * onward + np.sin(roll)[:, None] * inward
    fore = np.cos(elbow)[:, None] * out + np.sin(elbow)[:, None] * bend
    elbow_at = shoulder + UPPER_ARM * out
    wrist_at = elbow_at + FOREARM * fore

    grab = angles[:, A["grab"], None]
    if grab.any():
        reach = shin - shoulder
        far = np.linalg.norm(reach, axis=-1, keepdims=True)
        dist = np.clip(far, 0.06, UPPER_ARM + FOREARM - 0.002)
        along = _unit(reach)
        # The elbow lies on a circle about the line from shoulder to hand; take its outer side.
        up = (UPPER_ARM**2 - FOREARM**2 + dist**2) / (2 * dist)
        height = np.sqrt(np.maximum(UPPER_ARM**2 - up**2, 0.0))
        side_way = np.array([-0.4, -0.3, 0.8 * sign])
        side_way = _unit(side_way - (along @ side_way)[:, None] * along)
        elbow_ik = shoulder + up * along + height * side_way
        wrist_ik = shoulder + dist * along
        elbow_dir = _unit((1 - grab) * (elbow_at - shoulder) + grab * (elbow_ik - shoulder))
        fore_dir = (1 - grab) * (wrist_at - elbow_at) + grab * (wrist_ik - elbow_ik)
        fore = _unit(fore_dir)
        elbow_at = shoulder + UPPER_ARM * elbow_dir
        wrist_at = elbow_at + FOREARM * fore
    return elbow_at, wrist_at, wrist_at + HAND * fore


def joints(angles: np.ndarray) -> np.ndarray:
    """Places of all joints in the body frame: [F, len(ANGLES)] -> [F, len(JOINTS), 3]."""
    frames = angles.shape[0]
    out = np.zeros((frames, len(JOINTS), 3))
    spine = angles[:, A["spine"]]
    head = spine + angles[:, A["neck"]]
    out[:, J["mid"]] = -_sagittal(np.zeros(frames) - 0.25 * spine, LOWER_TORSO)
    out[:, J["neck"]] = out[:, J["mid"]] - _sagittal(-spine, UPPER_TORSO)
    out[:, J["head"]] = out[:, J["neck"]] - _sagittal(-head, NECK_TO_HEAD)
    out[:, J["crown"]] = out[:, J["head"]] - _sagittal(-head, HEAD_TO_CROWN)
    for side, sign in (("l", -1.0), ("r", 1.0)):
        hip = angles[:, A[f"hip_{side}"]]
        shin = hip - angles[:, A[f"knee_{side}"]]
        foot = shin + np.pi / 2 - angles[:, A["plantar"]]
        splay = angles[:, A["splay"]] * sign
        at_hip = np.array([0.0, -0.01, sign * HIP_HALF])
        lateral = np.stack([np.zeros(frames), np.zeros(frames), splay], -1)
        knee = at_hip + THIGH * _unit(_sagittal(hip, 1.0) + lateral)
        ankle = knee + SHIN * _unit(_sagittal(shin, 1.0) + lateral * 0.6)
        out[:, J[f"hip_{side}"]] = at_hip
        out[:, J[f"knee_{side}"]] = knee
        out[:, J[f"ankle_{side}"]] = ankle
        out[:, J[f"heel_{side}"]] = ankle - _sagittal(foot, HEEL) + _sagittal(shin, 0.02)
        out[:, J[f"toes_{side}"]] = ankle + _sagittal(foot, FOOT) + _sagittal(shin, 0.025)
        shoulder = out[:, J["neck"]] + _sagittal(-spine, 0.015)
        shoulder[:, 2] += sign * SHOULDER_HALF
        straight = np.clip(1.0 - angles[:, A[f"knee_{side}"]] / 1.2, 0.0, 1.0)[:, None]
        front = _sagittal(shin + np.pi / 2, 0.045) * (1 - 2.0 * straight)
        hold = knee + (ankle - knee) * (0.55 - 0.15 * straight) + front
        hold[:, 2] += sign * 0.035
        arm = _arm(angles, spine, shoulder, hold, side)
        out[:, J[f"shoulder_{side}"]] = shoulder
        for name, place in zip(("elbow", "wrist", "fingers"), arm, strict=True):
            out[:, J[f"{name}_{side}"]] = place
    return out


def centre_of_mass(places: np.ndarray) -> np.ndarray:
    """Centre of mass of joint places: [F, len(JOINTS), 3] -> [F, 3]."""
    total = np.zeros((places.shape[0], 3))
    for start, end, mass in _MASSES:
        total += mass * 0.5 * (places[:, J[start]] + places[:, J[end]])
    return total
