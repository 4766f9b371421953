"""WebVTT and CSV of one recording, read by parsers of others, say what its JSON Lines say."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import webvtt

from .launch import COLOURS, classify_shots, launch_well, lines, record

FORMATS = {
    "jsonl": "format=json-lines",
    "csv": "format=csv",
    "actions.vtt": "format=webvtt",
    "chapters.vtt": "format=webvtt cues=chapters",
    "windows.vtt": "format=webvtt cues=windows",
}
MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Recorded:
    """One run, written in every format."""

    folder: Path

    def lines(self) -> list[dict[str, Any]]:
        """The JSON Lines."""
        text = (self.folder / "jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def actions(self) -> list[dict[str, Any]]:
        """The lines of the actions' ends."""
        return [line for line in self.lines() if line.get("state") == "stop"]

    def cues(self, kind: str) -> list[tuple[int, int, int, str]]:
        """Id, start and end in milliseconds, and text of each cue."""
        return [
            (int(c.identifier), ms(c.start), ms(c.end), c.text)
            for c in webvtt.read(self.folder / f"{kind}.vtt")
        ]


def ms(timestamp: str) -> int:
    """The milliseconds of `HH:MM:SS.mmm`."""
    hours, minutes, seconds = timestamp.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + int(seconds.replace(".", ""))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Two actions with background between them, in one stream of running time."""
    folder = tmp_path_factory.mktemp("formats")
    branches = " ".join(
        f"t. ! artmetaenc {properties} ! queue max-size-time=0 ! filesink location={folder / name}"
        for name, properties in FORMATS.items()
    )
    classify_shots(branches)
    return Recorded(folder)


def test_rows(recorded: Recorded) -> None:
    """A row a window and an action that has stopped, in the order of the lines."""
    text = (recorded.folder / "csv").read_bytes().decode()
    assert text.count("\r\n") == text.count("\n")
    rows = list(csv.DictReader(text.splitlines(), strict=True))
    lines = [line for line in recorded.lines() if line.get("state") != "start"]
    assert len(rows) == len(lines) > 0
    for row, line in zip(rows, lines, strict=True):
        assert row["type"] == line["type"]
        assert int(row["number"]) == line[line["type"]]
        assert float(row["score"]) == line["score"]
        for name in ("model", "label", "label_id", "start", "end"):
            assert row[name] == str(line[name])
        assert not any(row[name] for name in row if name.endswith(("_utc", "_timecode")))


@pytest.mark.parametrize("kind", ["actions", "chapters"])
def test_cues_of_actions(kind: str, recorded: Recorded) -> None:
    """A cue an action, with its times."""
    actions = recorded.actions()
    assert [action["label"] for action in actions] == ["red", "green"]
    score = " 100 %" if kind == "actions" else ""
    assert recorded.cues(kind) == [
        (
            action["action"],
            action["start"] // MILLISECOND,
            action["end"] // MILLISECOND,
            action["label"] + score,
        )
        for action in actions
    ]


def test_cues_of_windows(recorded: Recorded) -> None:
    """A cue a window that is no background, inside of the window, each after the one before."""
    windows = {line["window"]: line for line in recorded.lines() if line["type"] == "window"}
    shown = [number for number, line in windows.items() if line["label"] != "blue"]
    cues = recorded.cues("windows")
    assert [number for number, *_ in cues] == shown
    for number, start, end, text in cues:
        window = windows[number]
        assert window["start"] // MILLISECOND <= start < end <= window["end"] // MILLISECOND
        assert text == f"{window['label']} {window['score'] * 100:.0f} %"
    assert all(before[2] <= after[1] for before, after in zip(cues, cues[1:], strict=False))


@pytest.mark.parametrize(
    "encoder", ["x264enc", "x264enc bframes=3 b-adapt=false ! h264parse", "vp8enc deadline=1"]
)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_behind_an_encoder_is_the_same(
    name: str, encoder: str, tmp_path: Path
) -> None:
    """Whatever the encoder does to times and the order of frames."""
    here, behind = tmp_path / "here", tmp_path / "behind"
    write = f"artmetaenc {FORMATS[name]} ! queue ! filesink"
    launch_well(
        "videotestsrc num-buffers=60 pattern=red ! video/x-raw,format=I420,width=64,height=64 "
        f"! artclassify model={COLOURS} ! tee name=t "
        f"t. ! queue ! {write} location={here} t. ! {encoder} ! {write} location={behind}"
    )
    read = told if name == "jsonl" else Path.read_text
    assert read(here) == read(behind)
    assert here.read_text().count("red") >= 1


def told(path: Path) -> list[dict[str, Any]]:
    """The lines but for boxes: the first frame to leave an encoder may be a later one."""
    every = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: line[key] for key in line if key != "tracklets"} for line in every]


def test_an_action_up_to_the_end_of_a_file_stops_there(red_clip: Path, tmp_path: Path) -> None:
    """The end of the action is that of the segment, where sinks clip."""
    source = f"filesrc location={red_clip} ! decodebin"
    recorded = record(source, f"model={COLOURS}", tmp_path / "lines.jsonl")
    start, stop = lines(recorded, "action")
    assert (start["state"], stop["state"]) == ("start", "stop")
    assert stop["end"] - stop["start"] == 3_000_000_000
