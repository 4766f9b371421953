"""Counts machine instructions and allocations of a frame and of a window.

Each figure is the difference of two runs of the release build under callgrind that differ in their
number of frames, so that starting and stopping do not count. All threads do, with GStreamer's part
and the source's. Figures that differ from tests/guard.json by more than the tolerance are a fault.
They depend on the compiler, on the libraries, and on the processor, by which libraries choose their
code, not on the load or the speed of the machine: where these are others than those of the
committed figures, the figures are shown and not compared. From run to run instructions differ by up
to 1.5 %, allocations by up to 15 %, as threads meet in another way.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "tests/guard.json"
COLOURS = ROOT / "tests/fixtures/colours"
TOLERANCES = {"instructions": 0.05, "allocations": 0.25}
# What counts may differ by however small they are: the libraries allocate now and then.
LEAST = 0.5
# Where the heap is asked for memory, whoever asks.
ALLOCATORS = frozenset(
    ["malloc", "calloc", "realloc", "posix_memalign", "memalign", "aligned_alloc"]
)

Figures = dict[str, dict[str, float]]

# One frame in 2000 is a sample, and the fourth makes the first window.
RARE = """
[model]
name = "rare"
[input]
frames = 4
fps = 0.5
hop = 1
width = 8
height = 8
layout = "NTHWC"
dtype = "uint8"
[graph]
kind = "clip"
file = "clip.onnx"
[outputs]
scores = { name = "logits" }
[labels]
names = ["red", "green", "blue"]
"""


@dataclass(frozen=True)
class Case:
    """What is counted: the instructions of `much` frames less those of `little`, for each unit."""

    element: str
    rate: int
    little: int
    much: int
    units: int


def cases(folder: Path) -> dict[str, Case]:
    """What is counted, by name; `folder` has the rare model."""
    rare = f"artclassify model={folder} alignment=hold policy=block eos=drop threads=1"
    window = f"artclassify model={COLOURS} alignment=hold policy=block eos=drop threads=1"
    return {
        "frame without a result": Case(rare, 1000, 500, 1900, 1400),
        "frame with a result": Case(rare, 1000, 6100, 7500, 1400),
        "window of two samples": Case(window, 10, 40, 160, 60),
    }


def environment(folder: Path) -> dict[str, str]:
    """With a registry of plugins that no other process writes meanwhile, and without ONNX Runtime's
    telemetry, which as much as doubles what a run counts when it lasts long enough.
    """
    registry = str(folder / "registry.bin")
    return {**os.environ, "GST_REGISTRY": registry, "ORT_DISABLE_TELEMETRY": "1"}


def count(element: str, rate: int, frames: int, folder: Path) -> dict[str, int]:
    """Instructions and allocations of a whole run."""
    source = f"videotestsrc pattern=black num-buffers={frames}"
    caps = f"video/x-raw,format=RGB,width=8,height=8,framerate={rate}/1"
    pipeline = f"{source} ! {caps} ! {element} ! fakesink"
    out = folder / f"{rate}-{frames}.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    # The registry is not looked through again, and every allocation is one of the C library.
    env = {**environment(folder), "GST_REGISTRY_UPDATE": "no", "G_SLICE": "always-malloc"}
    done = subprocess.run(
        [*tool, "gst-launch-1.0", "-q", *pipeline.split()],
        check=False,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    total = re.search(r"Collected : (\d+)", done.stdout)
    if done.returncode != 0 or total is None:
        raise SystemExit(f"{pipeline}\n{done.stdout}")
    with out.open(errors="replace") as lines:
        return {"instructions": int(total.group(1)), "allocations": allocations(lines)}


def allocations(lines: Iterable[str]) -> int:
    """Calls of the allocators in a callgrind profile; a name stands where it first comes up."""
    names: dict[str, str] = {}
    called, calls = "", 0
    for line in lines:
        if named := re.match(r"c?fn=\((\d+)\)(?: (\S+))?", line):
            number, name = named.groups()
            if name:
                names[number] = name
            if line.startswith("c"):
                called = names[number].partition("'")[0]
        elif line.startswith("calls=") and called in ALLOCATORS:
            calls += int(line.removeprefix("calls=").split()[0])
    return calls


def measure() -> Figures:
    """Instructions and allocations a unit, by case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.toml").write_text(RARE)
        (folder / "clip.onnx").symlink_to(COLOURS / "clip.onnx")
        # Writes the registry, which the runs only read.
        subprocess.run(
            ["gst-inspect-1.0", "artclassify"],
            check=True,
            env=environment(folder),
            stdout=subprocess.DEVNULL,
        )
        todo = cases(folder)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            ends = {
                name: [
                    pool.submit(count, case.element, case.rate, frames, folder)
                    for frames in (case.little, case.much)
                ]
                for name, case in todo.items()
            }
        figures: Figures = {}
        for name, case in todo.items():
            little, much = (end.result() for end in ends[name])
            figures[name] = {
                what: round((much[what] - little[what]) / case.units, 1) for what in much
            }
        return figures


def apart(found: Figures, expected: Figures) -> list[str]:
    """What differs from the committed figures by more than the tolerance, in words."""
    return [
        f"{name}: {found[name][what]} {what}, expected {figure} within {TOLERANCES[what]:.0%}"
        for name, figures in expected.items()
        for what, figure in figures.items()
        if abs(found[name][what] - figure) > max(TOLERANCES[what] * figure, LEAST)
    ]


def conditions() -> dict[str, str]:
    """What the figures depend on besides our code."""

    def first_line(*command: str) -> str:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.splitlines()[0]

    models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "machine": " ".join([platform.machine(), *models[:1]]),
        "compiler": first_line("rustc", "--version"),
        "library": first_line("gst-launch-1.0", "--gst-version"),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--update", action="store_true", help="write what was counted to tests/guard.json"
    )
    parser.add_argument("--runs", type=int, default=1, help="count so often, and tell the spread")
    args = parser.parse_args()
    runs = [measure() for _ in range(args.runs)]
    committed_file = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    expected: Figures = committed_file.get("figures", {})
    here, there = conditions(), committed_file.get("conditions", {})
    found: Figures = {name: {} for name in runs[0]}
    for name in found:
        for what in runs[0][name]:
            counts = [run[name][what] for run in runs]
            figure = found[name][what] = statistics.median(counts)
            spread = f", spread {(max(counts) - min(counts)) / figure:.2%}" if args.runs > 1 else ""
            committed = expected.get(name, {}).get(what, "none")
            print(f"{name}: {figure} {what} (committed: {committed}){spread}")
    if args.update:
        FIGURES.write_text(json.dumps({"conditions": here, "figures": found}, indent=2) + "\n")
    elif here != there:
        print(f"not compared: the committed figures are of {there}, these of {here}")
    elif found.keys() != expected.keys():
        sys.exit(f"{FIGURES} has not these figures: make guard-update")
    elif faults := apart(found, expected):
        sys.exit("\n".join([*faults, "where that is meant: make guard-update"]))


if __name__ == "__main__":
    main()
