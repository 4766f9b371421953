"""Measures the element beside bare ONNX Runtime and Python loops, all in one run.

Contenders take turns, in another order each round, so that what else the machine does hits all of
them alike. Every figure is the median over the rounds, with the least and the most; a ratio is
taken round by round.
"""

import argparse
import os
import platform
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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/zoo/synthdive48-art"))
    parser.add_argument("--stream", type=Path, default=Path("pipelines/media/synthdive-stream.mp4"))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, help="5, or 3 with --quick")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, hops and windows")
    parser.add_argument("--contender", type=Path, default=Path("target/release/examples/contender"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"))
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    args = parser.parse_args()
    for folder in (args.cache, args.out):
        folder.mkdir(parents=True, exist_ok=True)
    started = datetime.now(UTC)
    recipe = Recipe.read(args.model / "clip.toml")
    hops, quarter = recipe.hops(), max(1, recipe.frames // 4)
    rounds, video_frames, clip_windows = args.rounds or 5, 600, 12
    eighths = [hop for hop in hops if recipe.frames / 8 - 1 < hop < recipe.frames / 8 + 1]
    if args.quick:
        rounds, video_frames, clip_windows = args.rounds or 3, 300, 8
        hops = [quarter, *eighths]
    bench = Bench(
        clip_form=args.model / "clip.toml",
        split_form=args.model / "model.toml",
        threads=args.threads,
        pictures=pictures(args.stream, recipe, SAMPLES, args.cache),
        video=full_hd(args.stream, video_frames, args.cache),
        scratch=args.out,
        contender=args.contender,
    )
    fed = compete(from_memory.contenders(bench, hops, quarter, clip_windows), rounds)
    played = compete(from_file.contenders(bench, quarter), rounds)
    shared = compete(streams.contenders(bench, quarter), rounds)
    passed = pass_through.measure()
    bars = [
        *from_memory.bars(fed, quarter, eighths),
        *from_file.bars(played, quarter),
        *streams.bars(shared),
        *pass_through.bars(passed),
    ]
    tables = [
        Table("Bars", "", ["what", "bar", "measured: median (least-most)"], bars),
        from_memory.table(fed, recipe.frames),
        from_file.table(played, quarter, video_frames),
        streams.table(shared, quarter),
        pass_through.table(passed),
    ]
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    machine = {
        "machine": f"{cpu()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "model": f"{args.model.name}, T = {recipe.frames}, {args.threads} threads",
        "rounds": f"{rounds}, every contender once in each, in random order",
        "when": f"{started:%Y-%m-%d %H:%M} UTC, {(datetime.now(UTC) - started).seconds / 60:.0f} "
        f"minutes; load of the machine at the end {load}",
    }
    text = "\n".join([
        "# What artclassify costs\n",
        "Measured by `make bench`, all in one run; the picture is `bench.png`.\n",
        row(["", ""]),
        row(["---", "---"]),
        *(row(cells) for cells in machine.items()),
        "",
        *(table.text() for table in tables),
    ])  # fmt: skip
    (args.out / "bench.md").write_text(text, encoding="utf-8")
    draw(fed, played, recipe, args.out / "bench.png")
    print(text)


def cpu() -> str:
    """What the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
