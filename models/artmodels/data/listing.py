"""What every reader of a data set gives: clips with labels, and the names of the classes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VIDEO_SUFFIXES = (".mp4", ".webm", ".avi", ".mkv", ".mov")


@dataclass(frozen=True)
class Sample:
    """One labelled action: a video file or a folder of frames, or a part of it."""

    path: Path
    label: int
    first: int = 0  # frame
    end: int | None = None  # frame after the last; None: to the end


@dataclass(frozen=True)
class Listing:
    """A part of a data set."""

    samples: tuple[Sample, ...]
    names: tuple[str, ...]  # class by class

    def __post_init__(self) -> None:
        for sample in self.samples:
            if not 0 <= sample.label < len(self.names):
                raise ValueError(
                    f"{sample.path}: label {sample.label}, expected 0 to {len(self.names) - 1}"
                )


class Files:
    """The video files below a folder by their name without suffix, wherever they lie."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise FileNotFoundError(f"no folder {root} with videos")
        self.root = root
        self.found = {
            path.stem: path
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in VIDEO_SUFFIXES
        }

    def __getitem__(self, name: str) -> Path:
        """The file; where there is none, the path at which it was expected."""
        return self.found.get(name, self.root / f"{name}.mp4")


def first(folder: Path, *names: str) -> Path:
    """The first of these annotation files that there is."""
    tried = [folder / name for name in names]
    for path in tried:
        if path.is_file():
            return path
    raise FileNotFoundError(f"no annotation file {' or '.join(map(str, tried))}")


def lines(path: Path) -> list[str]:
    """The lines of an annotation file, without blank ones."""
    if not path.is_file():
        raise FileNotFoundError(f"no annotation file {path}")
    text = path.read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


def parsed(path: Path) -> Any:
    """What a JSON annotation file holds."""
    try:
        return json.loads("\n".join(lines(path)))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error


def malformed(path: Path, found: object, expected: str) -> ValueError:
    """The error for an entry that is not in the official format."""
    return ValueError(f"{path}: found {found!r}, expected {expected}")
