"""Runs gst-launch-1.0 with the plugin, and reads what it leaves."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
COLOURS = ROOT / "tests/fixtures/colours"
MODEL = ROOT / os.environ.get("MODEL", "models/zoo/synthdive48-art")
STREAM = ROOT / os.environ.get("STREAM", "pipelines/media/synthdive-stream.mp4")
ATHLETE = ROOT / "pipelines/media/athlete-somersault.mp4"
SHORTEST_ERROR = 60
TOLERANCE = 1e-3  # of scores

# Two actions of the tiny model with background between them: colours, and for how many frames.
SHOTS = {"red": 60, "blue": 45, "green": 75}

Line = dict[str, Any]


@dataclass(frozen=True)
class Finished:
    """A command that ended by itself."""

    status: int
    output: str

    def errors(self) -> list[str]:
        """The error messages that GStreamer elements posted."""
        start = "ERROR: from element "
        return [line for line in self.output.splitlines() if line.startswith(start)]


def run(
    *words: object,
    env: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    timeout: float = 120,
) -> Finished:
    """Runs a command to its end; one that does not end in time fails the test."""
    done = subprocess.run(
        [str(word) for word in words],
        check=False,
        cwd=folder,
        env=env,
        timeout=timeout,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return Finished(done.returncode, done.stdout)


def missed_an_error(said: str) -> bool:
    """Whether gst-launch-1.0 runs on after an error, as it can up to 1.26 at least.

    The thread that posts an error ends the main loop. Where that loop has not begun by then, it
    begins afterwards, and nothing ends it. A pipeline that is being stopped has been announced.
    """
    begun = "Pipeline is PREROLLING" in said or "Pipeline is live" in said
    return begun and "ERROR: from element " in said and "Setting pipeline to NULL" not in said


def launch(pipeline: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> Finished:
    """Runs a launch line whose file names hold no blanks; one without an end fails the test.

    Where gst-launch-1.0 itself missed the error, it is interrupted, and has to end then.
    """
    line = ["gst-launch-1.0", *pipeline.split()]
    with Popen(line, cwd=ROOT, env=env, text=True, stdout=PIPE, stderr=STDOUT) as process:
        try:
            said, _ = process.communicate(timeout=timeout)
        except TimeoutExpired as late:
            if not missed_an_error((late.output or b"").decode(errors="replace")):
                raise
            process.send_signal(SIGINT)
            said, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
    return Finished(process.returncode, said)


def only_error(done: Finished) -> str:
    """The text of the one error of artclassify.

    It comes first. After an error in mid-stream the source may add that its data stream ended.
    """
    error, *others = done.errors() or [done.output]
    assert "/GstArtClassify:" in error, done.output
    assert all("Internal data stream error" in other for other in others), done.output
    assert "panick" not in done.output
    text = error.split(": ", 2)[2]
    assert len(text) >= SHORTEST_ERROR, text
    return text


def assert_says(error: str, words: Iterable[str]) -> None:
    """Every word stands in the error."""
    missing = [word for word in words if word not in error]
    assert not missing, f"nothing of {missing} in: {error}"


def launch_well(pipeline: str) -> Finished:
    """Runs a launch line that has to reach the end of its stream."""
    done = launch(pipeline)
    assert done.status == 0, done.output
    return done


def classify_shots(branches: str) -> None:
    """Classifies the shots as one stream, for branches that begin with `t. ! `."""
    caps = "video/x-raw,width=64,height=64,framerate=30/1"
    shots = " ".join(
        f"videotestsrc num-buffers={frames} pattern={pattern} ! {caps} ! queue ! c."
        for pattern, frames in SHOTS.items()
    )
    launch_well(
        "concat name=c ! identity single-segment=true "
        f"! artclassify model={COLOURS} ! tee name=t {branches} {shots}"
    )


def record(source: str, properties: str, to: Path) -> bytes:
    """The JSON Lines of a source of raw video, as they stand in the file."""
    launch_well(f"{source} ! artclassify {properties} ! artmetaenc ! filesink location={to}")
    return to.read_bytes()


def lines(recorded: bytes, kind: str = "window") -> list[Line]:
    """The lines of one type."""
    every = [json.loads(line) for line in recorded.decode().splitlines()]
    return [line for line in every if line["type"] == kind]


def cut(clip: Path, frames: int, to: Path) -> Path:
    """Copies the first frames of an MP4 file without coding them anew."""
    launch_well(
        f"filesrc location={clip} ! qtdemux ! identity eos-after={frames + 1} "
        f"! video/x-h264 ! mp4mux ! filesink location={to}"
    )
    return to


def scores(window: Line) -> list[float]:
    """The scores of all classes in the order of the model; needs a top-k that lists them all."""
    by_class = {best["label_id"]: best["score"] for best in window["top"]}
    return [by_class[label_id] for label_id in range(len(by_class))]


def assert_same(found: np.ndarray, wanted: list[np.ndarray]) -> None:
    """The scores agree, and differ enough between windows and classes to tell right from wrong."""
    expected = np.stack(wanted)
    assert found.shape == expected.shape
    difference = np.abs(found - expected).max()
    print(f"scores over {np.ptp(expected):.2f}, {difference:.1e} apart")
    assert difference <= TOLERANCE
    assert np.ptp(expected, axis=1).min() > 100 * TOLERANCE
    assert np.ptp(expected, axis=0).max() > 10 * TOLERANCE
