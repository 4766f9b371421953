"""Measures the element beside bare ONNX Runtime and Python loops, all in one run.

Contenders take turns, in another order each round, so that what else the machine does hits all of
them alike. Every figure is the median over the rounds, with the least and the most; a ratio is
taken round by round.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import from_file
import from_memory
import pass_through
import streams
from chart import draw
from contenders import Bench, compete
from inputs import Recipe, full_hd, pictures
from report import Table, row

SAMPLES = 120


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    video_frames: int
    clip_windows: int
    all_hops: bool
    criterion: Sequence[str] = ()


FULL = Size(rounds=5, video_frames=600, clip_windows=16, all_hops=True)
QUICK = Size(
    rounds=3,
    video_frames=300,
    clip_windows=8,
    all_hops=False,
    criterion=("--warm-up-time", "0.5", "--measurement-time", "1"),
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/zoo/synthdive48-art"))
    parser.add_argument("--stream", type=Path, default=Path("pipelines/media/synthdive-stream.mp4"))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, help=f"{FULL.rounds}, or {QUICK.rounds} with --quick")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, hops and windows")
    parser.add_argument("--contender", type=Path, default=Path("target/release/examples/contender"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"))
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    args = parser.parse_args()
    for folder in (args.cache, args.out):
        folder.mkdir(parents=True, exist_ok=True)
    size = QUICK if args.quick else FULL
    rounds = args.rounds or size.rounds
    recipe = Recipe.read(args.model / "clip.toml")
    bench = Bench(
        clip_form=args.model / "clip.toml",
        split_form=args.model / "model.toml",
        threads=args.threads,
        pictures=pictures(args.stream, recipe, SAMPLES, args.cache),
        video=full_hd(args.stream, size.video_frames, args.cache),
        scratch=args.cache,
        contender=args.contender,
    )
    quarter, eighths = recipe.quarter(), recipe.eighths()
    hops = recipe.hops() if size.all_hops else [quarter, *eighths]

    started, load = datetime.now(UTC), os.getloadavg()[0]
    passed = pass_through.measure(size.criterion)
    fed = compete(from_memory.contenders(bench, hops, quarter, size.clip_windows), rounds)
    played = compete(from_file.contenders(bench, quarter), rounds)
    shared = compete(streams.contenders(bench, quarter), rounds)
    minutes = (datetime.now(UTC) - started).total_seconds() / 60

    conditions = {
        "machine": f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "model": f"{args.model.name}, T = {recipe.frames}, {args.threads} threads",
        "rounds": f"{rounds}, every contender once in each, in random order",
        "when": f"{started:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes",
        "load before": f"{load:.1f}: what else the machine did; 0 is a quiet one",
    }
    bars = [
        *from_memory.bars(fed, quarter, eighths),
        *from_file.bars(played, quarter),
        *streams.bars(shared),
        *pass_through.bars(passed),
    ]
    text = report(
        conditions,
        Table("Bars", "", ["what", "bar", "measured: median (least-most)"], bars),
        from_memory.table(fed, recipe.frames),
        from_file.table(played, quarter, size.video_frames),
        streams.table(shared, quarter),
        pass_through.table(passed),
    )
    (args.out / "bench.md").write_text(text, encoding="utf-8")
    draw(fed, played, shared, recipe.frames, args.out / "bench.png")
    print(text)


def report(conditions: dict[str, str], *tables: Table) -> str:
    """All of it as Markdown."""
    lines = [
        "# What artclassify costs",
        "",
        "Written by `make bench`: all contenders took turns in one run.",
        "",
        "![The figures as bars](bench.png)",
        "",
        row(["", ""]),
        row(["---", "---"]),
        *(row(cells) for cells in conditions.items()),
        "",
        *(table.text() for table in tables),
    ]
    return "\n".join(lines)


def processor() -> str:
    """What the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
