"""What a case is, and the changes to text files that many share."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """What is broken, and what the error has to say of it: place, found, expected, what to do."""

    name: str
    change: Change
    words: tuple[str, ...]
    location: str = ""
    """What the property model names inside of the model's folder; the folder itself if empty."""
    needs_user: bool = False
    """Whether the fault is none for root."""


def together(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(folder: Path) -> None:
        for each in changes:
            each(folder)

    return change


def replace(file: str, old: str, new: str) -> Change:
    """Replaces the first occurrence of a text, which has to be there."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def manifest(old: str, new: str) -> Change:
    """Changes the manifest."""
    return replace("model.toml", old, new)


def write(file: str, contents: bytes) -> Change:
    """Writes a whole file."""

    def change(folder: Path) -> None:
        (folder / file).write_bytes(contents)

    return change


def remove(file: str) -> Change:
    """Takes a file away."""

    def change(folder: Path) -> None:
        (folder / file).unlink()

    return change


def clip_form(*changes: Change) -> Change:
    """Makes the clip form of the model the one that is used, then changes it."""

    def change(folder: Path) -> None:
        shutil.copy(folder / "clip.toml", folder / "model.toml")
        together(*changes)(folder)

    return change
