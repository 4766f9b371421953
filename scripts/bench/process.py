"""Runs a command and says what it cost."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

Scores = dict[int, float]


@dataclass(frozen=True)
class Cost:
    """What a contender took, in seconds and MB, and what it found: the best scores of windows.

    `result_ms` is the time from a window's last sample to its result: median, and what 90 of 100
    stay below.
    """

    wall: float
    cpu: float
    peak_mb: float
    windows: int = 0
    scores: list[Scores] = field(default_factory=list)
    result_ms: tuple[float, float] | None = None


def run(command: Sequence[str]) -> tuple[Cost, str]:
    """Runs a command to its end: the cost of the whole process, and what it printed.

    Ends this program where the command fails.
    """
    started = time.monotonic()
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"status {process.returncode} of: {shlex.join(command)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(time.monotonic() - started, cpu, usage.ru_maxrss / 1024), printed
