"""Processes that load first, start at the same moment, and whose memory is watched meanwhile."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from process import Cost

EVERY = 0.1


def run_together(command: Sequence[str], job: dict[str, Any], processes: int) -> Cost:
    """Lets so many contenders do the same job at once; ends this program where one fails.

    The wall time is that of the slowest, the CPU time that of all, and the memory the most that all
    had at one time: the sum of their PSS, which counts a page that several share once.
    """
    words = [*command, json.dumps({**job, "gate": True})]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(words, text=True, stdin=pipe, stdout=pipe) for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None and process.stdin is not None
        if process.stdout.readline() != "ready\n":
            sys.exit(f"a contender did not get ready: {words}")
    done = threading.Event()
    most = [0.0]
    watcher = threading.Thread(target=watch, args=(running, done, most))
    watcher.start()
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate()[0] for process in running]
    done.set()
    watcher.join()
    if any(process.returncode for process in running):
        sys.exit(f"a contender failed: {words}")
    told = [json.loads(text) for text in printed]
    return Cost(
        wall=max(one["wall"] for one in told),
        cpu=sum(one["cpu"] for one in told),
        peak_mb=most[0],
        windows=sum(one["windows"] for one in told),
        scores=[{int(k): v for k, v in window.items()} for window in told[0]["scores"]],
        result_ms=tuple(told[0]["result_ms"]),
    )


def watch(running: Sequence[subprocess.Popen], done: threading.Event, most: list[float]) -> None:
    """Keeps the most memory that processes have together, until told to end."""
    while not done.wait(EVERY):
        most[0] = max(most[0], sum(pss_mb(process.pid) for process in running))


def pss_mb(pid: int) -> float:
    """Proportional set size of a process, in MB; 0 of one that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("Pss:")]
    return sum(int(size) for size in sizes) / 1024
