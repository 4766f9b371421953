"""Measures what the element costs beside decoding and bare ONNX Runtime, as a Markdown table.

All in one run on the same file: decoding alone, the model's own runs in bare ONNX Runtime (as many
as the element does, on ready tensors, with the same number of threads), and the whole pipeline from
file to metadata. CPU seconds are those of the processes; of the bare runs only the calls count, not
the start of Python. Then the memory over a 10 minute file.
"""

import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import threading
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

DECODE = "filesrc location={clip} ! qtdemux ! h264parse ! avdec_h264"
MINUTES = 10
PICTURES = "video/x-h264,stream-format=avc,alignment=au"


@dataclass
class Cost:
    """What one process took."""

    wall: float
    cpu: float
    peak_mb: float


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/zoo/synthdive48-art"))
    parser.add_argument("--stream", type=Path, default=Path("pipelines/media/synthdive-stream.mp4"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("out/figures"))
    parser.add_argument(
        "--bare",
        nargs=3,
        type=int,
        metavar=("ENCODER", "HEAD", "THREADS"),
        help="only make so many bare runs and print their CPU and wall seconds",
    )
    args = parser.parse_args()
    if args.bare:
        print(json.dumps(bare_runs(args.model, *args.bare)))
        return
    args.out.mkdir(parents=True, exist_ok=True)

    clip = full_hd(args.stream, args.out / "stream-1080p30.mp4")
    events = args.out / "events.jsonl"
    element = shlex.join(["artclassify", f"model={args.model}", f"threads={args.threads}"])
    pipeline = f"{DECODE.format(clip=clip)} ! {element} ! artmetaenc ! filesink location={events}"
    decode, whole, bare = [], [], []
    for run in range(args.runs):
        print(f"run {run + 1} of {args.runs}", file=sys.stderr)
        decode.append(launch(f"{DECODE.format(clip=clip)} ! fakesink sync=false"))
        whole.append(launch(pipeline))
        work = work_done(events)
        bare.append(measure_bare(args.model, work, args.threads))
    report(work, decode, bare, whole)
    report_memory(clip, work.seconds, element, args.out)


def full_hd(stream: Path, clip: Path) -> Path:
    """The stream scaled to 1080p30 H.264, made once."""
    if not clip.exists():
        part = clip.with_suffix(".part.mp4")
        launch(
            f"filesrc location={stream} ! decodebin ! videoconvertscale ! "
            f"video/x-raw,format=I420,width=1920,height=1080 ! "
            f"x264enc speed-preset=veryfast pass=quant quantizer=23 ! mp4mux ! "
            f"filesink location={part}"
        )
        part.rename(clip)
    return clip


def launch(pipeline: str) -> Cost:
    """Runs a pipeline to its end."""
    started = time.monotonic()
    process = subprocess.Popen(["gst-launch-1.0", "-q", *shlex.split(pipeline)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"gst-launch-1.0 ended with status {process.returncode}: {pipeline}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(time.monotonic() - started, cpu, usage.ru_maxrss / 1024)


@dataclass
class Work:
    """What the element did with a clip."""

    encoder_runs: int
    head_runs: int
    seconds: float


def work_done(events: Path) -> Work:
    """How often the element ran the encoder and the head, and how long the clip is."""
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    windows = [line for line in lines if line["type"] == "window"]
    samples = {box["pts"] for window in windows for box in window["tracklets"][0]["boxes"]}
    return Work(len(samples), len(windows), windows[-1]["end"] / 1e9)


def measure_bare(model: Path, work: Work, threads: int) -> Cost:
    """The same runs of the model in a process of their own."""
    numbers = [str(number) for number in (work.encoder_runs, work.head_runs, threads)]
    command = [sys.executable, __file__, "--model", str(model), "--bare", *numbers]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Cost(found["wall"], found["cpu"], found["peak_mb"])


def bare_runs(model: Path, encoder_runs: int, head_runs: int, threads: int) -> dict[str, float]:
    """Runs the graphs of a split model on random tensors of their shapes."""
    import numpy as np
    import onnxruntime

    graph = tomllib.loads((model / "model.toml").read_text(encoding="utf-8"))["graph"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    random = np.random.default_rng(0)

    def session(name: str) -> tuple[onnxruntime.InferenceSession, dict[str, np.ndarray]]:
        made = onnxruntime.InferenceSession(model / graph[name], options, ["CPUExecutionProvider"])
        feed = {}
        for port in made.get_inputs():
            shape = [size if isinstance(size, int) else 1 for size in port.shape]
            values = (
                random.integers(0, 256, shape)
                if "uint8" in port.type
                else random.normal(size=shape)
            )
            feed[port.name] = values.astype(np.uint8 if "uint8" in port.type else np.float32)
        made.run(None, feed)
        return made, feed

    sessions = [(*session("encoder"), encoder_runs), (*session("head"), head_runs)]
    wall, cpu = time.monotonic(), time.process_time()
    for made, feed, runs in sessions:
        for _ in range(runs):
            made.run(None, feed)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "wall": time.monotonic() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": peak_mb,
    }


def report(work: Work, decode: list[Cost], bare: list[Cost], whole: list[Cost]) -> None:
    """Prints the table of costs."""
    print(
        f"\n{work.seconds:.1f} s of 1080p30 H.264, {work.encoder_runs} encoder runs, "
        f"{work.head_runs} head runs, {len(whole)} interleaved runs on {os.cpu_count()} cores\n"
    )
    print("| what | CPU s: median (min-max) | wall s: median (min-max) | peak memory |")
    print("| --- | --- | --- | --- |")
    rows = {"decoding alone": decode, "bare ONNX Runtime": bare, "file to metadata": whole}
    for name, costs in rows.items():
        cells = [spread([cost.cpu for cost in costs]), spread([cost.wall for cost in costs])]
        print(f"| {name} | {' | '.join(cells)} | {max(cost.peak_mb for cost in costs):.0f} MB |")
    ratios = [w.cpu / (d.cpu + b.cpu) for w, d, b in zip(whole, decode, bare, strict=True)]
    speeds = [work.seconds / cost.wall for cost in whole]
    print(f"\nCPU over decoding plus bare ONNX Runtime: {spread(ratios)}")
    print(f"Times faster than real time: {spread(speeds)}")


def spread(values: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def report_memory(clip: Path, seconds: float, element: str, out: Path) -> None:
    """Prints the resident memory over a long file made of the clip again and again."""
    long = out / f"stream-{MINUTES}min.mp4"
    times = round(MINUTES * 60 / seconds)
    if not long.exists():
        part = long.with_suffix(".part.mp4")
        # With queues the pads of concat are asked for here, and not by all demuxers at once.
        sources = f"filesrc location={clip} ! qtdemux ! queue ! c. " * times
        launch(f"concat name=c ! {PICTURES} ! mp4mux ! filesink location={part} {sources}")
        part.rename(long)
    command = f"gst-launch-1.0 -q {DECODE.format(clip=long)} ! {element} ! fakesink sync=false"
    process = subprocess.Popen(shlex.split(command))
    resident = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1.0):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
            resident.extend(int(kilobytes) / 1024 for kilobytes in found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.monotonic()
    status = process.wait()
    wall = time.monotonic() - started
    done.set()
    watcher.join()
    if status != 0:
        sys.exit(f"gst-launch-1.0 ended with status {status}")
    fifth = max(1, len(resident) // 5)
    parts = [statistics.median(resident[i * fifth : (i + 1) * fifth]) for i in range(5)]
    print(
        f"\n{times * seconds / 60:.1f} minutes in {wall:.0f} s; resident memory by fifths: "
        f"{', '.join(f'{part:.0f}' for part in parts)} MB; most {max(resident):.0f} MB"
    )


if __name__ == "__main__":
    main()
