"""Writes pictures as MP4: H.264 where PyAV is installed, else MPEG-4 through OpenCV."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

try:
    import av
except ImportError:
    av = None


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float, bit_rate: int) -> None:
    """Write frames (uint8 [H, W, 3] RGB, even sides) to ``path``; ``bit_rate`` in bits a second."""
    if av is None:
        _write_opencv(path, frames, fps)
        return
    with av.open(str(path), "w") as container:
        stream = None
        for frame in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt, stream.bit_rate = "yuv420p", bit_rate
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))


def _write_opencv(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    writer = None
    for frame in frames:
        if writer is None:
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
            if not writer.isOpened():
                raise OSError(f"cannot write video to {path}")
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    if writer is not None:
        writer.release()
