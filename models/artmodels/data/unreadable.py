"""The clips that could not be read, named once and counted."""

import warnings
from pathlib import Path

from .frames import UnreadableError


class Unreadable:
    """Keeps what was found in a file, so that all processes of a run, and a run that is taken up
    again, have one list.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.seen = self.found()

    def note(self, error: UnreadableError) -> None:
        """Name a clip, the first time."""
        if str(error.path) in self.seen:
            return
        self.seen[str(error.path)] = error.reason
        warnings.warn(f"left out: {error}", stacklevel=2)
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(f"{error.path}\t{error.reason}\n")

    def found(self) -> dict[str, str]:
        """Reasons by path, from all processes."""
        if not (self.file and self.file.exists()):
            return dict(getattr(self, "seen", {}))
        text = self.file.read_text(encoding="utf-8")
        return dict(line.split("\t", 1) for line in text.splitlines())

    def report(self) -> str:
        """How many, and which."""
        found = self.found()
        if not found:
            return "no clip was found unreadable"
        named = "\n".join(f"  {path}: {reason}" for path, reason in sorted(found.items()))
        return f"{len(found)} clips could not be read and were left out:\n{named}"
