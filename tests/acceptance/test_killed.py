"""A recording that is killed loses at most the line that was being written."""

import csv
import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE, Popen
from typing import NamedTuple

import pytest
import webvtt

from .launch import COLOURS

KILLS = 20
AT_ONCE = 2
TIMEOUT = 30
# The tiny model takes red for an action and blue for background; the source is live, and so fast
# that a kill often finds a line on its way.
SOURCE = (
    "videotestsrc is-live=true pattern={pattern} "
    "! video/x-raw,format=RGB,width=16,height=16,framerate=240/1"
)
# A second into the recording, the model has made five windows or more.
LINES = 5


class Killed(NamedTuple):
    """What a recorder left in its file, and what a witness was told: each line first."""

    recorded: bytes
    told: bytes


def kill_recording(pattern: str, properties: str, to: Path, after: float) -> Killed:
    """Records until `after` seconds behind the first lines, and kills the recorder."""
    source = SOURCE.format(pattern=pattern)
    # One thread serves both sinks in this order.
    line = (
        f"gst-launch-1.0 -q {source} ! artclassify model={COLOURS} hop=1 policy=block "
        f"! artmetaenc {properties} ! tee name=t t. ! fdsink async=false "
        f"t. ! filesink location={to} buffer-mode=unbuffered async=false"
    )
    deadline = time.monotonic() + TIMEOUT
    with Popen(line.split(), stdout=PIPE) as recorder:
        try:
            while not (to.exists() and to.read_bytes().count(b"\n") >= LINES):
                assert recorder.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(after)
            assert recorder.poll() is None
        finally:
            recorder.kill()
        assert recorder.stdout is not None
        return Killed(to.read_bytes(), recorder.stdout.read())


def every_line(recorded: bytes, end: bytes) -> tuple[list[str], bytes]:
    """The whole lines, and what stands behind them."""
    *whole, rest = recorded.split(end)
    return [line.decode() for line in whole], rest


def json_lines(recorded: bytes) -> list[int]:
    """Numbers of the windows in the lines."""
    whole, rest = every_line(recorded, b"\n")
    assert not rest.endswith(b"}")
    told = [json.loads(line) for line in whole]
    return [line["window"] for line in told if line["type"] == "window"]


def rows(recorded: bytes) -> list[int]:
    """Numbers of the windows in the rows."""
    whole, _ = every_line(recorded, b"\r\n")
    told = list(csv.DictReader(whole, strict=True))
    assert all(None not in row and None not in row.values() for row in told)
    return [int(row["number"]) for row in told if row["type"] == "window"]


def cues(recorded: bytes) -> list[int]:
    """Numbers of the windows in the cues."""
    whole, _ = every_line(recorded, b"\n\n")
    captions = webvtt.from_string("\n\n".join([*whole, ""]))
    assert all(caption.text == "red 100 %" for caption in captions)
    assert all(caption.start < caption.end for caption in captions)
    return [int(caption.identifier) for caption in captions]


@pytest.mark.parametrize(
    ("properties", "windows_of"),
    [
        ("format=json-lines", json_lines),
        ("format=csv", rows),
        ("format=webvtt cues=windows", cues),
    ],
    ids=["json-lines", "csv", "webvtt"],
)
def test_killed(properties: str, windows_of: Callable[[bytes], list[int]], tmp_path: Path) -> None:
    """Every line but the last parses, and of those a witness saw at most the last is missing."""
    chance = random.Random(6)
    delays = [chance.uniform(0, 0.5) for _ in range(KILLS)]

    def kill(number: int) -> Killed:
        return kill_recording("red", properties, tmp_path / str(number), delays[number])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        recordings = list(pool.map(kill, range(KILLS)))
    missing = 0
    for recorded, told in recordings:
        windows, seen = windows_of(recorded), windows_of(told)
        assert windows and windows == list(range(len(windows)))
        assert told.startswith(recorded) and len(seen) - len(windows) <= 1
        missing += len(seen) - len(windows)
    cut = sum(not recorded.endswith(b"\n") for recorded, _ in recordings)
    print(f"{KILLS} killed, {cut} in the middle of a line, {missing} missed the last one")
