"""Measures live sources over a long time, as Markdown.

    python scripts/live/measure.py rtsp --minutes 10
    python scripts/live/measure.py slow --minutes 30

`rtsp`: a 1080p30 H.264 stream over RTSP on loopback that loses 2 % of its packets, through the
shipped model, to a sink that shows frames at their time.

`slow`: a live source of 60 frames a second and a model that takes ten times as long as it has,
beside the same pipeline without the element at the same time. Frames are counted behind the source
and in the sink; where fewer than are due have come, the source was held up. A frame's lag is the
time at which the sink shows it, minus its time stamp; jitter is how far lags lie from the median
lag. With alignment=delay the sink shows frames at their time (sync=true), for frames leave the
element a hop at once; with hold it takes them as they come (sync=false), and the jitter is the
element's own.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slow_model import FPS, HOP, make_slow_model

WATCH = Path(__file__).with_name("watch.py")
SERVER = Path("tests/acceptance/rtsp_server.py")
PYTHON = "/usr/bin/python3"
TOO_SLOW = 10
LOSS = 0.02
RATE = 60
WARM_UP = 0.1

Seen = dict[str, Any]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/live"))
    kinds = parser.add_subparsers(required=True, metavar="rtsp|slow")
    rtsp = kinds.add_parser("rtsp", help="a camera that loses packets")
    rtsp.add_argument("--minutes", type=float, default=10.0)
    rtsp.add_argument("--model", type=Path, default=Path("models/zoo/synthdive48-art"))
    rtsp.add_argument("--stream", type=Path, default=Path("pipelines/media/synthdive-stream.mp4"))
    rtsp.set_defaults(measure=measure_rtsp)
    slow = kinds.add_parser("slow", help="a model that is too slow")
    slow.add_argument("--minutes", type=float, default=30.0)
    slow.add_argument("--alignment", choices=("delay", "hold"), default="delay")
    slow.add_argument("--policy", default="drop")
    slow.set_defaults(measure=measure_slow)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    args.measure(args)


def measure_rtsp(args: argparse.Namespace) -> None:
    """The camera that loses packets."""
    clip = args.out / "camera-1080p30.mp4"
    if not clip.exists():
        film(args.stream, clip)
    dives = json.loads(args.stream.with_suffix(".json").read_text(encoding="utf-8"))
    length = dives["frames"] / dives["fps"]
    shown = {dive["name"] for dive in dives["dives"]}
    with camera(clip, round(args.minutes * 60 / length) + 2) as url:
        line = (
            f"rtspsrc name=source location={url} latency=200 "
            "! application/x-rtp,media=video ! decodebin ! identity name=in "
            f"! artclassify name=c model={args.model} "
            "! fakesink name=sink sync=true signal-handoffs=true"
        )
        (seen,) = finish([watch(line, args.minutes * 60, dives["fps"], "--classes")])
    stats, actions = seen["stats"], seen["actions"]
    right = sum(count for label, count in actions.items() if label in shown)
    known = {label: count for label, count in seen["labels"].items() if label != "background"}
    expected = seen["seconds"] / length * len(dives["dives"])
    table({
        "time": f"{seen['seconds']:.0f} s, {seen['ended']}",
        "packets": f"{seen['packets']} received, {seen['lost']} lost "
        f"({seen['lost'] / max(1, seen['packets'] + seen['lost']):.1%})",
        "frames decoded, and out": f"{seen['frames_in']}, {seen['frames_out']}",
        "longest time between frames": f"{seen['longest_gap_in']:.2f} s decoded, "
        f"{seen['longest_gap_out']:.2f} s shown",
        "jitter of frames shown": jitter(seen["lags"]),
        "stats": counts(stats),
        "frames with a class": f"{sum(seen['labels'].values())}, of them "
        f"{sum(known.values())} with one of {len(known)} dives",
        "actions": f"{sum(actions.values())} for about {expected:.0f} dives; {right} of them "
        f"have one of the {len(shown)} classes shown",
        "resident memory": memory(seen["memory"]),
    })  # fmt: skip


def measure_slow(args: argparse.Namespace) -> None:
    """The model that is too slow, beside the pipeline without it."""
    model, seconds = args.out / "slow-model", args.minutes * 60
    took = make_slow_model(model, TOO_SLOW)
    source = (
        "videotestsrc name=in is-live=true pattern=ball "
        f"! video/x-raw,format=I420,width=320,height=240,framerate={RATE}/1"
    )
    sync = str(args.alignment == "delay").lower()
    sink = f"fakesink name=sink sync={sync} signal-handoffs=true"
    element = (
        f"artclassify name=c model={model} threads=1 policy={args.policy} "
        f"alignment={args.alignment}"
    )
    lines = [f"{source} ! {element} ! {sink}", f"{source} ! {sink}"]
    seen, bare = finish([watch(line, seconds, RATE) for line in lines])
    stats = seen["stats"]
    results = max(1, stats["results"])
    accounted = sum(stats[name] for name in ("results", "dropped", "flushed", "waiting"))
    print(f"policy={args.policy} alignment={args.alignment}, sync={sync}\n")
    table({
        "time": [f"{one['seconds']:.0f} s, {one['ended']}" for one in (seen, bare)],
        "a run of the model": [f"{took:.1f} hops before, "
        f"{seen['seconds'] / results / (HOP / FPS):.1f} hops from result to result", ""],
        "frames due, in, and out": [f"{seconds * RATE:.0f}, {one['frames_in']}, "
        f"{one['frames_out']}" for one in (seen, bare)],
        "longest time between frames": [f"{1000 * one['longest_gap_out']:.1f} ms"
        for one in (seen, bare)],
        "jitter": [jitter(one["lags"]) for one in (seen, bare)],
        "resident memory": [memory(one["memory"]) for one in (seen, bare)],
        "stats": [counts(stats), ""],
        "windows": [f"{stats['windows']}; results + dropped + flushed + waiting = {accounted}", ""],
    }, "with artclassify", "without")  # fmt: skip


def film(stream: Path, clip: Path) -> None:
    """The stream as a camera would send it: 1080p30, a key frame every 2 s, no look-ahead."""
    part = clip.with_suffix(".part.mp4")
    line = (
        f"filesrc location={stream} ! decodebin ! videoconvertscale "
        "! video/x-raw,format=I420,width=1920,height=1080 "
        "! x264enc speed-preset=veryfast tune=zerolatency bitrate=6000 key-int-max=60 "
        f"! mp4mux ! filesink location={part}"
    )
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
    part.rename(clip)


@contextmanager
def camera(clip: Path, times: int) -> Iterator[str]:
    """A server that plays a clip again and again; its URL."""
    command = [PYTHON, str(SERVER), str(clip), "--loss", str(LOSS), "--times", str(times)]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        print(f"server: {server.communicate()[0].strip()}\n")


def watch(line: str, seconds: float, rate: float, *more: str) -> subprocess.Popen[str]:
    """Starts a pipeline in a process of its own."""
    command = [PYTHON, str(WATCH), line, "--seconds", str(seconds), "--rate", str(rate), *more]
    print(f"$ {shlex.join(command)}", file=sys.stderr)
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE)


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[Seen]:
    """What pipelines saw, when they have all ended."""
    told = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("a pipeline did not run; its message stands above")
    return [json.loads(one) for one in told]


def jitter(lags: Sequence[float]) -> str:
    """How far frames were shown from the median lag; lags in ms."""
    off = sorted(abs(lag) for lag in lags)
    at = [off[min(len(off) - 1, int(len(off) * share))] for share in (0.5, 0.99, 1)]
    return f"median {at[0]:.2f}, 99 % {at[1]:.2f}, most {at[2]:.1f} ms"


def memory(samples: Sequence[tuple[float, float]]) -> str:
    """Resident memory at the start and the end, and the line through the samples between.

    The first tenth of the time is left out of the line: pools and caches fill up in it. The error
    is the least squares' standard error times two; samples that follow each other are much alike,
    so that the true one is larger.
    """
    kept = samples[int(len(samples) * WARM_UP) :]
    hours = [at / 3600 for at, _ in kept]
    megabytes = [value for _, value in kept]
    slope, offset = statistics.linear_regression(hours, megabytes)
    rest = [value - slope * at - offset for at, value in zip(hours, megabytes, strict=True)]
    spread = statistics.pvariance(hours) * len(hours)
    error = 2 * (sum(one * one for one in rest) / max(1, len(rest) - 2) / spread) ** 0.5
    return (
        f"{megabytes[0]:.1f} MB after the first tenth, {megabytes[-1]:.1f} MB at the end, most "
        f"{max(megabytes):.1f} MB; {slope:+.1f} +-{error:.1f} MB/h"
    )


def counts(stats: dict[str, int]) -> str:
    """The counts of `stats`, and its times in ms."""
    return ", ".join(
        f"{name} {value / 1e6:.1f} ms" if "-p" in name else f"{name} {value}"
        for name, value in stats.items()
    )


def table(rows: dict[str, str | list[str]], *heads: str) -> None:
    """Prints rows of one or more cells."""
    heads = heads or ("figure",)
    print(f"| what | {' | '.join(heads)} |\n|{' --- |' * (len(heads) + 1)}")
    for what, cells in rows.items():
        print(f"| {what} | {' | '.join([cells] if isinstance(cells, str) else cells)} |")


if __name__ == "__main__":
    main()
