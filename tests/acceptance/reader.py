"""Another reader of videos and models: shares no code with the plugin, only GStreamer's decoder.

It takes its samples by the rule that the README and the manifest state, makes pictures small with
OpenCV, and runs the clip form of a model in ONNX Runtime.
"""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from .launch import launch_well

SECOND = 1_000_000_000
PTS = re.compile(r"last-message = chain .* pts: (\d+):(\d\d):(\d\d)\.(\d{9})")
CAPS = re.compile(r"i\.GstPad:src: caps = .* width=\(int\)(\d+), height=\(int\)(\d+)")


@dataclass(frozen=True)
class Recipe:
    """What a manifest says of its input."""

    frames: int
    fps: float
    hop: int
    size: int

    @classmethod
    def read(cls, manifest: Path) -> "Recipe":
        """Reads the manifest of a model that takes the square centre of pictures as RGB bytes."""
        said = tomllib.loads(manifest.read_text(encoding="utf-8"))["input"]
        assert said["width"] == said["height"] and said["resize"] == "crop"
        assert (said["color"], said["dtype"], said["layout"]) == ("rgb", "uint8", "NTHWC")
        return cls(said["frames"], said["fps"], said["hop"], said["width"])


def square_centre(picture: np.ndarray) -> np.ndarray:
    """The square in the centre of a picture."""
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return picture[top : top + side, left : left + side]


def look(clip: Path) -> tuple[list[int], tuple[int, int]]:
    """PTS of every frame of a video, and its width and height."""
    line = f"-v filesrc location={clip} ! decodebin ! identity name=i silent=false ! fakesink"
    told = launch_well(line).output
    caps = CAPS.search(told)
    assert caps is not None, told
    return [time_of(match.groups()) for match in PTS.finditer(told)], tuple(map(int, caps.groups()))


def decode(clip: Path, size: tuple[int, int], convert: str) -> Iterator[np.ndarray]:
    """The frames of a video as RGB, `convert` being the elements that bring them to a size."""
    width, height = size
    assert width % 4 == 0, "rows of RGB would have padding"
    line = (
        f"gst-launch-1.0 -q filesrc location={clip} ! decodebin ! {convert} "
        f"! video/x-raw,format=RGB,width={width},height={height} ! fdsink"
    )
    with subprocess.Popen(line.split(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while data := process.stdout.read(width * height * 3):
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
    assert process.returncode == 0


def small_by_opencv(clip: Path, size: int) -> list[np.ndarray]:
    """The small centre of every frame: areas averaged by OpenCV."""
    _, frame = look(clip)
    return [
        cv2.resize(square_centre(picture), (size, size), interpolation=cv2.INTER_AREA)
        for picture in decode(clip, frame, "videoconvert")
    ]


def time_of(groups: tuple[str, ...]) -> int:
    """Nanoseconds of hours, minutes, seconds and nanoseconds."""
    hours, minutes, seconds, nanoseconds = map(int, groups)
    return ((hours * 60 + minutes) * 60 + seconds) * SECOND + nanoseconds


def sample(times: list[int], fps: float) -> list[int]:
    """Which frame is on screen at each time of the grid, half a frame of tolerance given."""
    frame = (times[-1] - times[0]) / (len(times) - 1)
    count = int((times[-1] - times[0] + frame / 2) / SECOND * fps) + 1
    grid = [times[0] + n * SECOND / fps for n in range(count)]
    return [sum(time <= at + frame / 2 for time in times) - 1 for at in grid]


def windows(samples: int, recipe: Recipe) -> list[list[int]]:
    """The samples of each window; the last one is filled up with the last sample."""
    starts = [0]
    while starts[-1] + recipe.frames < samples:
        starts.append(starts[-1] + recipe.hop)
    return [[min(n, samples - 1) for n in range(start, start + recipe.frames)] for start in starts]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits as probabilities."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def session(graph: Path) -> onnxruntime.InferenceSession:
    """A graph in ONNX Runtime on the CPU."""
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
