"""The same file gives the same bytes, however busy the machine is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .launch import lines, record


@contextmanager
def busy_machine() -> Iterator[None]:
    """Two processes on every core that do nothing but count."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("alignment", ["delay", "hold"])
@pytest.mark.parametrize("form", ["split", "clip"])
def test_runs_agree_byte_for_byte(
    form: str, alignment: str, model: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Two runs and one on a busy machine; the clip form, which is slow, on less of the stream."""
    manifest, clip, seconds = {
        "split": ("model.toml", "stream", 12),
        "clip": ("clip.toml", "short_stream", 5),
    }[form]
    source = f"filesrc location={request.getfixturevalue(clip)} ! decodebin"
    properties = f"model={model / manifest} alignment={alignment}"
    first = record(source, properties, tmp_path / "first.jsonl")
    assert len(lines(first)) == (seconds * 10 - 20) / 2 + 1
    assert record(source, properties, tmp_path / "second.jsonl") == first
    with busy_machine():
        assert record(source, properties, tmp_path / "busy.jsonl") == first
