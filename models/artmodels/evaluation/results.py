"""Results of a network on a data set, as a file that other commands read and as Markdown."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .scores import closest

ACCURACIES = ("top-1", "top-5", "mean-class")
PAIRS = 10  # of classes in the table of what is confused


@dataclass(frozen=True)
class Results:
    """What a test found."""

    name: str
    dataset: str
    videos: int
    left_out: int
    clips: int  # views of a video: clips times crops
    crops: int
    size: int  # pixels of a side
    frames: int
    scores: dict[str, float]  # from 0 to 1
    parameters: int
    gmacs: float  # of one view

    @property
    def cost(self) -> float:
        """GMACs of a video, all its views."""
        return self.gmacs * self.clips * self.crops

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Inverse of :meth:`save`."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}: no results of the command assess: {error}") from error


def table(results: list[Results]) -> list[str]:
    """A row of Markdown for each."""
    lines = [
        "| network | frames x clips x crops | top-1 | top-5 | mean-class | parameters | GMACs |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        said = " | ".join(f"{100 * one.scores[k]:.1f}" for k in ACCURACIES)
        lines.append(
            f"| {one.name} | {one.frames} x {one.clips} x {one.crops} | {said} "
            f"| {one.parameters / 1e6:.2f} M | {one.gmacs:.2f} x {one.clips * one.crops} |"
        )
    return lines


def mean_row(results: list[Results]) -> str:
    """A row of :func:`table` with the mean of all accuracies."""
    said = " | ".join(
        f"{100 * sum(one.scores[key] for one in results) / len(results):.1f}" for key in ACCURACIES
    )
    return f"| mean of {len(results)} | | {said} | | |"


def report(one: Results, matrix: np.ndarray, names: list[str], pictures: list[str]) -> str:
    """Markdown: the table, the classes that are taken for each other most, the plots."""
    lines = [
        f"# {one.name} on {one.dataset}",
        "",
        f"{one.videos} test videos, {one.left_out} left out because they could not be read; "
        f"{one.clips} clips x {one.crops} crops of {one.size} pixels, the mean of softmax scores.",
        "",
        *table([one]),
        "",
        "## Classes taken for each other",
        "",
    ]
    pairs = closest(matrix, PAIRS)
    if pairs:
        lines += ["| classes | mistakes | share of their videos |", "| --- | --- | --- |"]
        lines += [
            f"| {names[a]} / {names[b]} | {mistakes} | {100 * share:.1f} % |"
            for a, b, mistakes, share in pairs
        ]
    else:
        lines.append("None.")
    for picture in pictures:
        lines += ["", f"![{picture.removesuffix('.png')}]({picture})"]
    return "\n".join([*lines, ""])
