"""One stream, read in different ways: what each says, in a form that can be compared.

`of_lines` takes the JSON Lines of artmetaenc, `of_table` what pipelines/read.py and read.c print.
Scores and relevances are rounded to six decimals, which is what the lines have.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DECIMALS = 6


class Class(NamedTuple):
    """A class and its score."""

    label_id: int
    score: float
    label: str


class Box(NamedTuple):
    """A region at a sample: PTS in nanoseconds, pixels, weight of the sample."""

    tracklet: int
    pts: int
    x: int
    y: int
    w: int
    h: int
    relevance: float


@dataclass
class Window:
    """The result of a window; times in nanoseconds of PTS."""

    start: int
    end: int
    best: Class
    top: list[Class] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


class Action(NamedTuple):
    """The start or the stop of an action; times in nanoseconds of PTS, no end at the start."""

    state: str
    number: int
    start: int
    end: int | None
    best: Class


@dataclass
class Reading:
    """All windows by their number, and what actions did, in order."""

    windows: dict[int, Window] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)


def assert_same(readings: dict[str, Reading]) -> None:
    """All readings, which have names, say the same, and something."""
    (first, expected), *others = readings.items()
    assert expected.windows and expected.actions, f"{first} says nothing"
    assert any(window.boxes for window in expected.windows.values()), f"{first} has no boxes"
    for name, reading in others:
        assert reading.actions == expected.actions, f"actions of {name} and {first}"
        assert list(reading.windows) == list(expected.windows), f"windows of {name} and {first}"
        for number, window in reading.windows.items():
            assert window == expected.windows[number], f"window {number} of {name} and {first}"


def classified(line: dict[str, Any]) -> Class:
    """The class that a JSON object tells of."""
    return Class(line["label_id"], round(line["score"], DECIMALS), line["label"])


def boxes(tracklet: dict[str, Any]) -> list[Box]:
    """The boxes of a tracklet of a line."""
    pairs = zip(tracklet["boxes"], tracklet["relevance"], strict=True)
    return [
        Box(tracklet["id"], *(box[key] for key in ("pts", *"xywh")), round(relevance, DECIMALS))
        for box, relevance in pairs
    ]


def of_lines(recorded: bytes) -> Reading:
    """What JSON Lines say."""
    reading = Reading()
    for line in map(json.loads, recorded.decode().splitlines()):
        best = classified(line)
        if line["type"] == "window":
            top = [classified(one) for one in line["top"]]
            found = [box for tracklet in line["tracklets"] for box in boxes(tracklet)]
            window = Window(line["start"], line["end"], best, top, found)
            reading.windows[line["window"]] = window
        else:
            told = (line["state"], line["action"], line["start"], line.get("end"))
            reading.actions.append(Action(*told, best))
    return reading


def of_table(text: str) -> Reading:
    """What a table says; updates of actions, which are no JSON Lines, are left out."""
    rows: defaultdict[str, list[list[str]]] = defaultdict(list)
    for row in text.splitlines():
        kind, *values = row.split("\t")
        rows[kind].append(values)
    assert rows.keys() <= {"window", "class", "box", "action"}, rows.keys()
    reading = Reading()
    for number, start, end, *best in rows["window"]:
        reading.windows[int(number)] = Window(int(start), int(end), of_cells(best))
    for number, *one in rows["class"]:
        reading.windows[int(number)].top.append(of_cells(one))
    for number, *box, relevance in rows["box"]:
        reading.windows[int(number)].boxes.append(Box(*map(int, box), float(relevance)))
    for state, number, start, end, *best in rows["action"]:
        if state != "update":
            until = None if end == "-" else int(end)
            reading.actions.append(Action(state, int(number), int(start), until, of_cells(best)))
    return reading


def of_cells(cells: list[str]) -> Class:
    """The class in the last cells of a row."""
    label_id, score, label = cells
    return Class(int(label_id), float(score), label)
