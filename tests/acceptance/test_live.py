"""Live sources: an RTSP server that loses packets, and the line for a camera."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .launch import COLOURS, ROOT, lines, run
from .rtsp import TIMEOUT, camera

CAMERA = ROOT / "pipelines/camera.sh"
DEVICE = "/dev/no-camera"
LOSS = 0.02
# A gst-launch-1.0 for people without a camera: the real one, with another source.
STAND_IN = """#!/bin/bash
source="v4l2src device={device} "
line="$* "
[[ $line == *"$source"* ]] || exit 9
exec {launch} ${{line/"$source"/"videotestsrc is-live=true pattern=red num-buffers=60 "}}
"""


def no_window() -> dict[str, str]:
    """The environment, with a sink that needs no window."""
    return {**os.environ, "SINK": "fakesink"}


@contextmanager
def recording(url: str, model: Path, events: Path) -> Iterator[subprocess.Popen[str]]:
    """`rtsp.sh`, ended in any case."""
    with subprocess.Popen(
        [ROOT / "pipelines/rtsp.sh", url, model, events],
        text=True,
        env=no_window(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def assert_lossy(lost_and_made: list[int]) -> None:
    """Packets were lost, and not too many."""
    lost, made = lost_and_made
    assert 0 < lost < made * 3 * LOSS


def ended_well(process: subprocess.Popen[str]) -> None:
    """The process ends by itself and without a complaint."""
    told, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, told
    assert "ERROR" not in told and "CRITICAL" not in told, told


def test_rtsp_to_the_end(short_stream: Path, model: Path, tmp_path: Path) -> None:
    """The camera ends its stream: windows up to then, with classes, and the process ends."""
    events = tmp_path / "events.jsonl"
    with camera(short_stream, LOSS, 1) as (url, end):
        with recording(url, model, events) as process:
            ended_well(process)
        assert_lossy(end())
    windows = lines(events.read_bytes())
    assert len(windows) >= 5
    assert windows[-1]["end"] >= 4_000_000_000
    assert all(window["label"] and 0 < window["score"] <= 1 for window in windows)


def test_rtsp_until_interrupted(short_stream: Path, model: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the recording of a camera that goes on; lines are in the file before."""
    events = tmp_path / "events.jsonl"
    with camera(short_stream, LOSS, 20) as (url, end):
        with recording(url, model, events) as process:
            deadline = time.monotonic() + TIMEOUT
            while not (events.exists() and events.read_bytes().count(b"\n") >= 5):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            ended_well(process)
        assert_lossy(end())
    assert len(lines(events.read_bytes())) >= 5


def test_camera(tmp_path: Path) -> None:
    """The line of camera.sh runs, with a live test picture in place of the device."""
    found = run("bash", "-c", "command -v gst-launch-1.0").output.strip()
    stand_in = tmp_path / "gst-launch-1.0"
    stand_in.write_text(STAND_IN.format(device=DEVICE, launch=found))
    stand_in.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = run(CAMERA, DEVICE, COLOURS, env={**no_window(), "PATH": path})
    assert done.status == 0, done.output
    assert "ERROR" not in done.output and "CRITICAL" not in done.output


def test_camera_that_is_not_there() -> None:
    """The line of camera.sh itself is sound: the one thing that it lacks is the device."""
    done = run(CAMERA, DEVICE, COLOURS, env=no_window())
    assert done.status > 0
    (error,) = done.errors()
    assert "v4l2src0" in error and DEVICE in error
