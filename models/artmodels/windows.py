"""Windows of T samples cut out of a clip, and the label of each."""

import numpy as np

DIVE_FROM = 0.8  # share of the flight inside the window from which it is a dive
BACKGROUND_TO = 0.1  # share up to which it is background


def flight_share(
    start: np.ndarray, length: float, takeoff: np.ndarray, entry: np.ndarray
) -> np.ndarray:
    """Share of the flight that lies in the window ``[start, start + length)``; all in s, zero for
    clips without one.
    """
    inside = np.minimum(start + length, entry) - np.maximum(start, takeoff)
    share = np.clip(inside, 0, None) / np.maximum(entry - takeoff, 1e-6)
    return np.where(np.isnan(share), 0.0, share)


def dive_weight(share: np.ndarray) -> np.ndarray:
    """Weight of the dive's class in the target; the rest is background.

    1 from 80 % of the flight, 0 up to 10 %, linear in between: a stream classifier over overlapping
    windows then rises and falls with the dive.
    """
    return np.clip((share - BACKGROUND_TO) / (DIVE_FROM - BACKGROUND_TO), 0.0, 1.0)


def centred_start(
    takeoff: np.ndarray, entry: np.ndarray, clip: int, frames: int, fps: float
) -> np.ndarray:
    """First sample of the evaluation window: its middle is nearest the middle of the flight, inside
    the clip.

    Clips without a flight give the middle of the clip.
    """
    middle = np.where(np.isnan(takeoff), clip / fps / 2, (takeoff + entry) / 2)
    return np.clip(np.rint(middle * fps - frames / 2), 0, clip - frames).astype(int)


def sample_indices(
    start: np.ndarray, frames: int, clip: int, speed: np.ndarray | float = 1.0
) -> np.ndarray:
    """``[B, T]`` sample numbers of windows that begin at ``start [B]``, resampled about their
    middle by ``speed``.

    Samples outside the clip repeat its first or last one.
    """
    steps = np.arange(frames) - (frames - 1) / 2
    middle = np.asarray(start, float)[:, None] + (frames - 1) / 2
    at = np.rint(
        middle + steps * np.broadcast_to(np.asarray(speed, float), middle[:, 0].shape)[:, None]
    )
    return np.clip(at, 0, clip - 1).astype(int)
