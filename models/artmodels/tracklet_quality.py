"""How well tracklets follow a body and its parts, against the boxes that the renderer knows.

All figures are over frames of the flight in which the body is seen. "Off-centre" are those in which
the middle of the picture lies outside the body's box: a head that always looks at the middle
scores nothing there.
"""

from dataclasses import dataclass

import numpy as np

NEVER = 1e-9


def cell_share(box: np.ndarray, height: int, width: int) -> np.ndarray:
    """Share of each cell's area ``[T, height, width]`` that lies in ``box [T, 4]`` xyxy."""

    def along(low: np.ndarray, high: np.ndarray, cells: int) -> np.ndarray:
        edge = np.arange(cells)
        inside = np.minimum(high[:, None] * cells, edge + 1) - np.maximum(
            low[:, None] * cells, edge
        )
        return np.clip(inside, 0, 1)

    across = along(box[:, 0], box[:, 2], width)
    return along(box[:, 1], box[:, 3], height)[:, :, None] * across[:, None]


def contains(boxes: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points lie in xyxy ``boxes [..., 4]``; boxes of NaN hold none."""
    x0, y0, x1, y1 = np.moveaxis(boxes, -1, 0)
    return (x > x0) & (x < x1) & (y > y0) & (y < y1)


def peak_on(attention: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Whether the centre of the strongest cell of ``attention [K, T, h, w]`` lies in ``box [T,
    4]``: ``[K, T]``.
    """
    height, width = attention.shape[-2:]
    peak = attention.reshape(*attention.shape[:2], height * width).argmax(-1)
    return contains(box, (peak % width + 0.5) / width, (peak // width + 0.5) / height)


def overlap(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of cxcywh ``boxes [..., 4]`` with xyxy ``truth [..., 4]``; NaN where the truth is."""
    low, high = boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2
    shared = np.minimum(high, truth[..., 2:]) - np.maximum(low, truth[..., :2])
    shared = np.clip(shared, 0, None).prod(-1)
    union = (high - low).prod(-1) + (truth[..., 2:] - truth[..., :2]).prod(-1) - shared
    return shared / np.maximum(union, NEVER)


def off_centre(body: np.ndarray) -> np.ndarray:
    """Whether the middle of the picture lies outside ``body [T, 4]``."""
    middle = np.float32(0.5)
    return np.isfinite(body).all(-1) & ~contains(body, middle, middle)


@dataclass
class Tally:
    """Sums over frames, to be added up over clips; K tracklets, P parts."""

    frames: int
    peak: np.ndarray  # [K] frames whose attention peak lies on the body
    mass: np.ndarray  # [K] attention inside the body's box
    body: np.ndarray  # [K] IoU of the tracklet's box with the body's
    same: np.ndarray  # [K] frames whose box centre lies on the part that the clip's most lie on
    seen: np.ndarray  # [K] frames in which that part is seen
    part: np.ndarray  # [K] IoU with that part's box, where it is seen
    chosen: np.ndarray  # [K, P] clips by that part

    def __add__(self, other: "Tally") -> "Tally":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Tally(*(a + b for a, b in pairs))

    def shares(self) -> dict[str, np.ndarray]:
        """Means over frames, each ``[K]``."""
        frames = max(self.frames, 1)
        return {
            "peak": self.peak / frames,
            "mass": self.mass / frames,
            "body": self.body / frames,
            "same": self.same / frames,
            "part": self.part / np.maximum(self.seen, 1),
        }


def tally(
    attention: np.ndarray,
    boxes: np.ndarray,
    body: np.ndarray,
    parts: np.ndarray,
    chosen_frames: np.ndarray,
) -> Tally:
    """One clip: ``attention [K, T, h, w]``, its ``boxes [K, T, 4]`` cxcywh, the truth ``body [T,
    4]`` and ``parts [T, P, 4]`` xyxy, and the frames to count ``[T]`` bool.

    A tracklet's part is the one that its box's centre lies on in most of these frames; a hidden
    part holds no centre.
    """
    attention, boxes = attention[:, chosen_frames], boxes[:, chosen_frames]
    body, parts = body[chosen_frames], parts[chosen_frames]
    tracklets = np.arange(len(attention))
    centre = boxes[:, :, None, :2]
    on = contains(parts[None], centre[..., 0], centre[..., 1])
    best = on.sum(1).argmax(-1)
    met = overlap(boxes, parts[:, best].swapaxes(0, 1))
    chosen = np.zeros((len(attention), parts.shape[1]), int)
    if chosen_frames.any():
        chosen[tracklets, best] = 1
    return Tally(
        frames=int(chosen_frames.sum()),
        peak=peak_on(attention, body).sum(-1),
        mass=(attention * cell_share(body, *attention.shape[-2:])).sum((-3, -2, -1)),
        body=overlap(boxes, body[None]).sum(-1),
        same=on[tracklets, :, best].sum(-1),
        seen=np.isfinite(met).sum(-1),
        part=np.nansum(met, -1),
        chosen=chosen,
    )


def random_cells(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Attention ``[K, T, h, w]`` that lies on one cell of each frame, drawn at random."""
    height, width = shape[-2:]
    attention = np.zeros((*shape[:-2], height * width), np.float32)
    at = rng.integers(height * width, size=(*shape[:-2], 1))
    np.put_along_axis(attention, at, 1.0, -1)
    return attention.reshape(shape)
