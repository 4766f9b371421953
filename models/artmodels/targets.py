"""Ground truth of windows and frames as tensors, and their horizontal mirror."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .labels import Attributes
from .windows import dive_weight, flight_share

MIRRORED_POSE = [
    -1.0,
    1.0,
    1.0,
    -1.0,
    1.0,
    1.0,
    1.0,
    1.0,
]  # x of torso axis and chest normal changes sign
NO_DIVER = 3  # index of the fourth phase


@dataclass
class FrameTargets:
    """Per-frame truth; leading axes ``...`` are ``[B]`` or ``[B, T]``."""

    pose: Tensor  # [..., 8]
    posed: Tensor  # [...] bool: a diver with a known pose is visible
    phase: Tensor  # [...] 0..3
    body: Tensor  # [..., 4] xyxy
    seen: Tensor  # [...] bool: a body is visible
    parts: Tensor  # [..., P, 4] xyxy, NaN where hidden


@dataclass
class WindowTargets:
    """Truth of a batch of windows."""

    frames: FrameTargets  # leading axes [B, T]
    classes: Tensor  # [B, N] distribution
    attributes: Tensor  # [B, 4] value ids, meaningful where weight > 0
    weight: Tensor  # [B] weight of the dive in the distribution
    rotation: Tensor  # [B, T, 2] turns since the sample before
    rotating: Tensor  # [B, T] bool: rotation is known


def frame_targets(
    truth: dict[str, np.ndarray], clips: np.ndarray, frames: np.ndarray
) -> FrameTargets:
    """Truth of samples ``frames [B, ...]`` of ``clips [B]``."""
    rows = clips.reshape(-1, *[1] * (frames.ndim - 1))

    def pick(key: str) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(truth[key][rows, frames]))

    pose, phase, body = pick("pose").float(), pick("phase").long(), pick("body_box").float()
    seen = torch.isfinite(body).all(-1)
    return FrameTargets(
        pose=torch.nan_to_num(pose),
        posed=seen & torch.isfinite(pose).all(-1) & ((phase == 0) | (phase == 1)),
        phase=torch.where(phase < 0, NO_DIVER, phase),
        body=torch.nan_to_num(body),
        seen=seen,
        parts=pick("boxes").float(),
    )


def window_targets(
    truth: dict[str, np.ndarray],
    clips: np.ndarray,
    frames: np.ndarray,
    fps: float,
    attributes: Attributes,
    background: int,
) -> WindowTargets:
    """Truth of windows: sample numbers ``frames [B, T]`` of ``clips [B]``; class ``background`` is
    the last.
    """
    start = frames[:, 0] / fps
    length = (frames[:, -1] - frames[:, 0] + 1) / fps
    labels = truth["label"][clips].astype(int)
    weight = dive_weight(
        flight_share(start, length, truth["takeoff"][clips], truth["entry"][clips])
    )
    weight = np.where(labels == background, 0.0, weight)
    classes = np.zeros((len(clips), background + 1), np.float32)
    classes[np.arange(len(clips)), labels] = weight
    classes[:, background] += 1 - weight
    ids = np.asarray([*attributes.ids, (0,) * len(attributes.sizes)])[
        np.minimum(labels, background)
    ]
    turns = np.stack(
        [truth[key][clips[:, None], frames] for key in ("somersault", "twist")], -1
    ).astype(np.float32)
    change = np.diff(turns, axis=1, prepend=turns[:, :1])
    return WindowTargets(
        frames=frame_targets(truth, clips, frames),
        classes=torch.from_numpy(classes),
        attributes=torch.from_numpy(ids),
        weight=torch.from_numpy(weight.astype(np.float32)),
        rotation=torch.from_numpy(np.nan_to_num(change)),
        rotating=torch.from_numpy(np.isfinite(change).all(-1)),
    )


def mirrored_boxes(boxes: Tensor, mirror: Tensor) -> Tensor:
    """xyxy boxes ``[B, ..., 4]`` with those of rows in ``mirror [B]`` reflected left to right."""
    x0, y0, x1, y1 = boxes.unbind(-1)
    flipped = torch.stack([1 - x1, y0, 1 - x0, y1], -1)
    return torch.where(mirror.view(-1, *[1] * (boxes.ndim - 1)), flipped, boxes)


def mirror_frames(targets: FrameTargets, mirror: Tensor) -> None:
    """Reflect, in place, the rows in ``mirror [B]``. No class of Diving48 names a side, so labels
    stay.
    """
    sign = torch.where(
        mirror.unsqueeze(-1), torch.tensor(MIRRORED_POSE), torch.ones(len(MIRRORED_POSE))
    )
    targets.pose = targets.pose * sign.view(len(mirror), *[1] * (targets.pose.ndim - 2), -1)
    targets.body = mirrored_boxes(targets.body, mirror)
    targets.parts = mirrored_boxes(targets.parts, mirror)


def mirror_windows(targets: WindowTargets, mirror: Tensor) -> None:
    """Reflect, in place, the windows in ``mirror [B]``; a mirrored twist turns the other way."""
    mirror_frames(targets.frames, mirror)
    sign = torch.ones_like(targets.rotation)
    sign[mirror, :, 1] = -1
    targets.rotation = targets.rotation * sign


def mirror_features(features: np.ndarray, mirror: Tensor) -> np.ndarray:
    """Reflect maps ``[B, ..., h, w, C]`` of the rows in ``mirror [B]``, in place."""
    rows = mirror.numpy()
    features[rows] = features[rows][..., ::-1, :]
    return features


def inside_mask(boxes: Tensor, height: int, width: int) -> Tensor:
    """``[..., 4]`` xyxy -> ``[..., height, width]`` bool: cells that the box touches. NaN boxes
    touch none.
    """
    x0, y0, x1, y1 = (v.unsqueeze(-1) for v in boxes.unbind(-1))
    column, row = torch.arange(width), torch.arange(height)
    across = (column + 1 > x0 * width) & (column < x1 * width)
    down = (row + 1 > y0 * height) & (row < y1 * height)
    return down.unsqueeze(-1) & across.unsqueeze(-2)
