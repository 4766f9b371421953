"""What the README and the scripts in pipelines/ tell people to type."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from .launch import COLOURS, MODEL, ROOT, STREAM, cut, launch_well, run
from .readme import launch_lines


@pytest.mark.parametrize("line", launch_lines())
@pytest.mark.usefixtures("model")
def test_readme_lines_run(line: str, tmp_path: Path) -> None:
    """Each line runs as typed beside a dive.mp4, and leaves what it names."""
    cut(STREAM, 90, tmp_path / "dive.mp4")
    zoo = tmp_path / "models/zoo"
    zoo.mkdir(parents=True)
    (zoo / "synthdive48-art").symlink_to(MODEL)
    done = run("bash", "-c", line, folder=tmp_path)
    assert done.status == 0, done.output
    for name in re.findall(r"filesink location=(\S+)", line):
        assert (tmp_path / name).stat().st_size > 0, name


def test_readme_has_a_line() -> None:
    """The tests above are not without a case."""
    assert launch_lines()


def script(name: str, *words: object) -> str:
    """Runs a script of pipelines/ to its end, with a sink that needs no window."""
    path = ROOT / "pipelines" / name
    done = subprocess.run(
        [path, *map(str, words)],
        check=False,
        text=True,
        timeout=60,
        env={**os.environ, "SINK": "fakesink"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    assert "ERROR" not in done.stdout and "CRITICAL" not in done.stdout
    return done.stdout


def test_every_script_is_tested() -> None:
    """A script added to pipelines/ needs a test here."""
    scripts = {path.name for path in (ROOT / "pipelines").glob("*.sh")}
    assert scripts == {
        "annotate.sh",
        "camera.sh",
        "captions.sh",
        "highlights.sh",
        "jetson.sh",
        "messages.sh",
        "record.sh",
        "rtsp.sh",
        "still.sh",
        "watch.sh",
    }


def test_annotate(red_clip: Path, tmp_path: Path) -> None:
    """Draws and records."""
    video, events = tmp_path / "annotated.mp4", tmp_path / "events.jsonl"
    script("annotate.sh", red_clip, COLOURS, video, events)
    assert '"state":"start"' in events.read_text()
    told = launch_well(
        f"-v filesrc location={video} ! decodebin ! identity name=i silent=false ! fakesink"
    )
    assert told.output.count("last-message = chain") == 90


def test_record(red_clip: Path, tmp_path: Path) -> None:
    """Records the same as annotate.sh does."""
    recorded, beside = tmp_path / "events.jsonl", tmp_path / "beside.jsonl"
    script("record.sh", red_clip, COLOURS, recorded)
    script("annotate.sh", red_clip, COLOURS, tmp_path / "annotated.mp4", beside)
    assert recorded.read_bytes() == beside.read_bytes() != b""


def test_highlights(red_clip: Path, tmp_path: Path) -> None:
    """Writes a file for the only action."""
    script("highlights.sh", red_clip, COLOURS, tmp_path / "clips")
    names = sorted(path.name for path in (tmp_path / "clips").iterdir())
    assert names == ["00000.000s-red.mp4", "events.jsonl"]


def test_messages(red_clip: Path) -> None:
    """Prints the start and the stop of the only action."""
    told = script("messages.sh", red_clip, COLOURS)
    assert re.findall(r"state=\(string\)(\w+)", told) == ["start", "stop"]
    assert "label=(string)red" in told


def test_watch(red_clip: Path) -> None:
    """Plays to the end."""
    script("watch.sh", red_clip, COLOURS)


def test_still(red_clip: Path, tmp_path: Path) -> None:
    """Writes one picture."""
    picture = tmp_path / "still.png"
    script("still.sh", red_clip, 1_500_000_000, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
