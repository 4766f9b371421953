"""Pictures of a clip, from a video file or from a folder of JPEG frames."""

from pathlib import Path

import av
import cv2
import numpy as np

SLACK = 2  # packets without a picture that a whole file may end with: AVI pads B-frames so


class UnreadableError(Exception):
    """A clip that is missing, empty or corrupt."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class VideoFile:
    """A video file; frames are numbered in the order in which they are shown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise UnreadableError(path, "no such file")
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise UnreadableError(path, "no video stream")
                # A header of MP4 counts frames that an edit list hides, as after a stream copy.
                self.count = sum(
                    packet.size > 0 and not packet.is_discard for packet in container.demux(video=0)
                )
        except av.FFmpegError as error:
            raise UnreadableError(path, f"cannot be opened: {error.strerror}") from error
        if self.count == 0:
            raise UnreadableError(path, "no frames")

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """Frames ``numbers [T]`` in any order, ``[T, H, W, 3]`` uint8 RGB.

        Decodes from the start: clips are short, and numbers stay exact in files without an index.
        """
        wanted, found, last = set(numbers.tolist()), {}, -1
        try:
            with av.open(str(self.path)) as container:
                container.streams.video[0].thread_type = "NONE"
                for last, frame in enumerate(container.decode(video=0)):
                    if last in wanted:
                        found[last] = frame.to_ndarray(format="rgb24")
                    if last == max(wanted):
                        break
                    picture = frame
        except av.FFmpegError as error:
            reason = f"frame {last + 1} of {self.count} is corrupt: {error.strerror}"
            raise UnreadableError(self.path, reason) from error
        if last < max(wanted):
            if last < 0 or last + 1 + SLACK < self.count:
                raise UnreadableError(self.path, f"ends after frame {last + 1} of {self.count}")
            end = picture.to_ndarray(format="rgb24")
            found |= {number: end for number in wanted if number > last}
        return _stacked(self.path, found, numbers)


class FrameFolder:
    """A folder of JPEG frames, numbered by their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_dir():
            raise UnreadableError(path, "no such folder")
        self.files = sorted(path.glob("*.jpg"))
        self.count = len(self.files)
        if self.count == 0:
            raise UnreadableError(path, "no frames")

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """As :meth:`VideoFile.take`."""
        found = {}
        for number in set(numbers.tolist()):
            picture = cv2.imread(str(self.files[number]), cv2.IMREAD_COLOR)
            if picture is None:
                raise UnreadableError(self.path, f"{self.files[number].name} is no picture")
            found[number] = picture[..., ::-1]
        return _stacked(self.path, found, numbers)


def _stacked(path: Path, found: dict[int, np.ndarray], numbers: np.ndarray) -> np.ndarray:
    if len({picture.shape for picture in found.values()}) > 1:
        raise UnreadableError(path, "frames differ in size")
    return np.stack([found[number] for number in numbers.tolist()])


def opened(path: Path) -> VideoFile | FrameFolder:
    """A folder of frames where ``path`` has no suffix, else a video file."""
    return VideoFile(path) if path.suffix else FrameFolder(path)
