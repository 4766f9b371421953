"""A camera on loopback."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .launch import ROOT

SERVER = ROOT / "tests/acceptance/rtsp_server.py"
TIMEOUT = 30


@contextmanager
def camera(clip: Path, loss: float, times: int) -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """A server on loopback: its URL, and what ends it and tells the packets lost and made."""
    command = ["/usr/bin/python3", SERVER, clip, "--loss", loss, "--times", times]
    with subprocess.Popen(
        list(map(str, command)), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None

        def end() -> list[int]:
            told, _ = process.communicate(timeout=TIMEOUT)
            assert process.returncode == 0
            return list(map(int, re.findall(r"\d+", told)))

        try:
            yield process.stdout.readline().strip(), end
        finally:
            process.kill()
