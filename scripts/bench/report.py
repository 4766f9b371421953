"""The report of a benchmark, in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A table with a heading, and what has to be known to read it."""

    title: str
    about: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=list)

    def text(self) -> str:
        """As Markdown."""
        lines = [f"## {self.title}", "", self.about, ""]
        lines += [row(cells) for cells in (self.head, ["---"] * len(self.head), *self.rows)]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines) + "\n"


def row(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"
