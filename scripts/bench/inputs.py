"""What the contenders are given: a 1080p file, the same stream as pictures of the model's size."""

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

RESIZES = {"stretch": "", "crop": "! aspectratiocrop aspect-ratio={width}/{height}"}
FORMATS = {"rgb": "RGB", "bgr": "BGR", "gray": "GRAY8"}


@dataclass(frozen=True)
class Recipe:
    """What a manifest says of its input: T samples a window, `fps` samples a second."""

    frames: int
    fps: float
    width: int
    height: int
    color: str
    resize: str

    @classmethod
    def read(cls, manifest: Path) -> "Recipe":
        """Reads the section [input] of a manifest."""
        said = tomllib.loads(manifest.read_text(encoding="utf-8"))["input"]
        resize, color = said.get("resize", "stretch"), said.get("color", "rgb")
        if resize not in RESIZES:
            raise SystemExit(f"{manifest}: resize = {resize!r}, expected one of {list(RESIZES)}")
        return cls(said["frames"], said["fps"], said["width"], said["height"], color, resize)

    def quarter(self) -> int:
        """The hop T/4."""
        return max(1, self.frames // 4)

    def eighths(self) -> list[int]:
        """The hop T/8, or the whole numbers on both sides of it."""
        return sorted({max(1, self.frames // 8), -(-self.frames // 8)}, reverse=True)

    def hops(self) -> list[int]:
        """T, T/2, T/4, T/8 and 1."""
        few = {self.frames, max(1, self.frames // 2), self.quarter(), *self.eighths(), 1}
        return sorted(few, reverse=True)


def full_hd(stream: Path, frames: int, folder: Path) -> Path:
    """The first frames of a stream, scaled to 1080p H.264; made once."""
    clip = folder / f"{stream.stem}-1080p-{frames}.mp4"
    if not clip.exists():
        part = clip.with_suffix(".part.mp4")
        launch(
            f"filesrc location={stream} ! decodebin ! videoconvertscale "
            "! video/x-raw,format=I420,width=1920,height=1080 "
            f"! identity eos-after={frames + 1} "
            "! x264enc speed-preset=veryfast pass=quant quantizer=23 "
            f"! mp4mux ! filesink location={part}"
        )
        part.rename(clip)
    return clip


def pictures(clip: Path, recipe: Recipe, samples: int, folder: Path) -> Path:
    """The first samples of a clip as raw pictures of the model's size and rate; made once."""
    form = f"{recipe.color}-{recipe.width}x{recipe.height}-{recipe.resize}-{recipe.fps}"
    raw = folder / f"{clip.stem}-{form}-{samples}.raw"
    if not raw.exists():
        part = raw.with_suffix(".part.raw")
        crop = RESIZES[recipe.resize].format(width=recipe.width, height=recipe.height)
        launch(
            f"filesrc location={clip} ! decodebin ! videorate "
            f"! video/x-raw,framerate={round(recipe.fps * 1000)}/1000 "
            f"{crop} ! videoconvertscale ! video/x-raw,format={FORMATS[recipe.color]},"
            f"width={recipe.width},height={recipe.height} "
            f"! identity eos-after={samples + 1} ! filesink location={part}"
        )
        part.rename(raw)
    return raw


def launch(line: str) -> None:
    """Runs a pipeline to its end."""
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
