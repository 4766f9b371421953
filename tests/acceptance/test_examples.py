"""The programs, pages and services of pipelines/: each is run, and says what the stream says."""

import configparser
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import webvtt

from .launch import COLOURS, ROOT, Finished, launch_well, lines, record, run
from .readings import assert_same, of_lines, of_table
from .readme import README
from .rtsp import TIMEOUT, camera

PIPELINES = ROOT / "pipelines"
UNIT = PIPELINES / "systemd/artclassify@.service"
ENVIRONMENT = PIPELINES / "systemd/camera.env"
WIDTH, HEIGHT = 320, 240  # of the red clip
BOX = (80, 90, 160, 60)  # x, y, width and height: where the tiny model sees something in it
# What stands in for an element of a Jetson on other machines.
DESKTOP = {
    "nvarguscamerasrc": "videotestsrc is-live=true pattern=red num-buffers=30",
    "nvvidconv": "videoconvert",
    "nvv4l2h264enc": "x264enc speed-preset=ultrafast",
}


def example(*words: object, timeout: float = 120) -> str:
    """Runs one of the examples to its end, and tells what it printed."""
    done = run(*words, timeout=timeout)
    assert done.status == 0, done.output
    return done.output


def test_the_readme_names_every_example() -> None:
    """Whoever looks into the README finds what there is."""
    files = [path.relative_to(ROOT) for path in PIPELINES.rglob("*") if path.is_file()]
    shown = [path for path in files if path.parts[1] != "media" and path.suffix != ".html"]
    assert shown
    assert not [path for path in shown if str(path) not in README]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`read.c`, compiled without a warning."""
    source, program = PIPELINES / "read.c", tmp_path_factory.mktemp("c") / "read"
    needed = example("pkg-config", "--cflags", "--libs", "gstreamer-1.0").split()
    strict = ("-std=c11", "-Wall", "-Wextra", "-Werror")
    example("cc", *strict, source, "-o", program, *needed)
    return program


def test_readings_agree(reader: Path, stream: Path, model: Path, tmp_path: Path) -> None:
    """A C program, a Python program and the JSON Lines say the same of a stream."""
    source = f"filesrc location={stream} ! decodebin"
    assert_same(
        {
            "JSON Lines": of_lines(record(source, f"model={model}", tmp_path / "jsonl")),
            "read.c": of_table(example(reader, stream, model)),
            "read.py": of_table(example(PIPELINES / "read.py", stream, model)),
        }
    )


def test_readers_say_what_is_wrong(reader: Path, red_clip: Path) -> None:
    """Without a model, both end with the element's own words."""
    for program in (reader, PIPELINES / "read.py"):
        done = run(program, red_clip, "nowhere")
        assert done.status == 1
        assert "nowhere: no such model folder or manifest" in done.output


class Page(HTMLParser):
    """The files that a page plays, by the kind of the track or the name of the element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes down what has a `src`."""
        said = dict(attrs)
        if source := said.get("src"):
            self.files[said.get("kind") or tag] = source


def test_captions(red_clip: Path, tmp_path: Path) -> None:
    """The page names the video and both texts; these parse, and lie within the video."""
    folder = tmp_path / "page"
    example(PIPELINES / "captions.sh", red_clip, COLOURS, folder)
    files = Page((folder / "index.html").read_text(encoding="utf-8")).files
    assert files.keys() == {"source", "captions", "chapters"}
    texts = {}
    for kind in ("captions", "chapters"):
        (cue,) = webvtt.read(folder / files[kind])
        assert (cue.start, cue.end) == ("00:00:00.000", "00:00:03.000")
        texts[kind] = cue.text
    assert texts == {"captions": "red 100 %", "chapters": "red"}
    video = folder / files["source"]
    told = launch_well(
        f"-v filesrc location={video} ! decodebin ! identity name=i silent=false ! fakesink"
    )
    assert told.output.count("last-message = chain") == 90
    assert video.read_bytes().index(b"moov") < 100, "players start before all is there"


def boxes_shown(pictures: np.ndarray) -> np.ndarray:
    """Which pictures of red have the box drawn in: its left and right edges, and red beside it."""
    x, y, w, h = BOX
    apart = np.abs(pictures.astype(int) - (255, 0, 0)).sum(axis=3) > 100
    middle = apart[:, y + h // 2]
    edges = middle[:, x : x + 4].any(axis=1) & middle[:, x + w - 4 : x + w].any(axis=1)
    return edges & ~middle[:, : x - 8].any(axis=1) & ~middle[:, x + 16 : x + w - 16].any(axis=1)


def test_restream(red_clip: Path, tmp_path: Path) -> None:
    """Whoever watches the server sees the camera's picture with the box drawn in."""
    seen = tmp_path / "pictures"
    with camera(red_clip, 0, 20) as (url, _):
        command = [PIPELINES / "restream.py", url, COLOURS, "0"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as server:
            try:
                annotated = server.stdout.readline().strip()
                assert re.fullmatch(r"rtsp://127\.0\.0\.1:\d+/annotated", annotated)
                launch_well(
                    f"rtspsrc location={annotated} latency=200 ! decodebin ! videoconvert "
                    "! video/x-raw,format=RGB ! identity eos-after=90 "
                    f"! filesink location={seen}"
                )
            finally:
                server.kill()
    pictures = np.fromfile(seen, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
    shown = boxes_shown(pictures).sum()
    assert shown > len(pictures) / 2, f"{shown} of {len(pictures)} pictures have the box"


def typed(script: Path, folder: Path, *words: object) -> list[str]:
    """What a script gives to gst-launch-1.0."""
    stand_in = folder / "gst-launch-1.0"
    stand_in.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    done = run(script, *words, env={**os.environ, "PATH": path})
    assert done.status == 0, done.output
    return done.output.splitlines()


def on_desktop(words: list[str], lacking: set[str]) -> Iterator[str]:
    """The line without what a desktop lacks: elements with their properties, the chip's memory."""
    replaced = False
    for word in words:
        if word in lacking:
            yield from DESKTOP[word].split()
            replaced = True
        elif not (replaced and re.match(r"[a-z-]+=", word)):
            yield word.replace("(memory:NVMM)", "")
            replaced = False


def test_jetson(tmp_path: Path) -> None:
    """With the elements that the script marks replaced, its line records video and lines."""
    script, video, events = PIPELINES / "jetson.sh", tmp_path / "out.mkv", tmp_path / "out.jsonl"
    marked = re.search(r"^# Only a Jetson has: (.*)$", script.read_text(), re.MULTILINE)
    assert marked is not None
    lacking = set(marked[1].split())
    words = typed(script, tmp_path, COLOURS, video, events)
    assert lacking == {word for word in words if word.startswith("nv")}
    example("gst-launch-1.0", *on_desktop(words, lacking))
    assert lines(events.read_bytes())
    told = launch_well(
        f"-v filesrc location={video} ! matroskademux ! avdec_h264 "
        "! identity name=i silent=false ! fakesink"
    )
    assert told.output.count("last-message = chain") == 30
    assert "width=(int)1920, height=(int)1080" in told.output


def test_the_unit_is_sound() -> None:
    """systemd has nothing to say against it."""
    assert run("systemd-analyze", "verify", UNIT) == Finished(0, "")


def service(**values: object) -> list[str]:
    """The command of the service for the camera `gate`, with the environment's values filled in."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(UNIT.read_text(encoding="utf-8").replace("\\\n", " "))
    command = unit["Service"]["ExecStart"].replace("%i", "gate").replace("%S", str(values["state"]))
    variables = set(re.findall(r"\$\{(\w+)\}", command))
    named = re.findall(r"^#?(\w+)=", ENVIRONMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert variables == {"URL", "MODEL"} <= set(named)
    for variable in variables:
        command = command.replace(f"${{{variable}}}", str(values[variable]))
    return shlex.split(command)


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A service, ended in any case."""
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_service_goes_on_with_its_file(red_clip: Path, tmp_path: Path) -> None:
    """Stopped as systemd stops it and started again, it adds to the lines of before."""
    events = tmp_path / "artclassify/gate/events.jsonl"
    events.parent.mkdir(parents=True)
    before = b""
    with camera(red_clip, 0, 20) as (url, _):
        command = service(URL=url, MODEL=COLOURS, state=tmp_path)
        for _ in range(2):
            with started(command) as process:
                deadline = time.monotonic() + TIMEOUT
                while not events.exists() or events.read_bytes().count(b"\n") < 3 + before.count(
                    b"\n"
                ):
                    assert time.monotonic() < deadline and process.poll() is None
                    time.sleep(0.1)
                process.send_signal(signal.SIGINT)
                told, _ = process.communicate(timeout=TIMEOUT)
                # Where the server hangs up first, rtspsrc says that it could not say goodbye.
                assert process.returncode == 0 or "Could not send message" in told, told
            assert events.read_bytes().startswith(before)
            before = events.read_bytes()
    assert [line["window"] for line in lines(before)].count(0) == 2
