"""Measures how well actions are found in a long stream of dives and pauses, as a Markdown table.

The stream is rendered once, of classes, bodies, halls and motions that `--seed` draws from a part
of the renderer's random numbers that no training clip uses; none is left out. The element runs over
it with its default settings and with smoothing=0. A found action is right when it and a true dive,
from take-off to entry, have a temporal IoU of at least 0.5: with the same class (class-right), or
with any (class-blind). Matching is greedy by score, as in ActivityNet's detection score.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from artmodels.events import Counts, Event, count, match, temporal_iou
from artmodels.synthdive.stream import Stream, render_stream
from tqdm import tqdm

IOU = 0.5
OTHER_IOUS = (0.3, 0.6, 0.7)
SETTINGS = {"default smoothing": "", "smoothing=0": "smoothing=0"}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/zoo/synthdive48-art"))
    parser.add_argument("--minutes", type=float, default=10.0, help="least length of the stream")
    parser.add_argument("--seed", type=int, default=611)
    parser.add_argument("--out", type=Path, default=Path("out/events-f1"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    stream = plan(args.seed, args.minutes * 60)
    clip = args.out / f"stream-{args.seed}-{len(stream.truth)}.mp4"
    if not clip.exists():
        render(stream, clip)
    true = [Event(dive.name, dive.takeoff, dive.entry) for dive in stream.truth]
    print(
        f"\n{stream.count / stream.fps / 60:.1f} minutes, {len(true)} dives of "
        f"{len({dive.label for dive in true})} classes drawn by seed {stream.seed}, "
        f"{stream.width}x{stream.height}, {stream.fps:.0f} frames/s\n"
    )
    print(f"| setting | F1 at temporal IoU {IOU} | precision | recall | matched / found / true |")
    print("| --- | --- | --- | --- | --- |")
    remarks = []
    for name, properties in SETTINGS.items():
        events = args.out / f"{name.replace(' ', '-')}.jsonl"
        found = recognise(clip, args.model, properties, events)
        for kind, by_class in {"class-right": True, "class-blind": False}.items():
            print(f"| {name}, {kind} {row(count(found, true, IOU, by_class=by_class))}")
        remarks.append(f"{name}: {remark(found, true)}")
    print("\n" + "\n".join(remarks))


def plan(seed: int, seconds: float) -> Stream:
    """The shortest stream of whole dives that lasts so long."""
    dives = 1
    while (stream := render_stream(seed, dives)).count < seconds * stream.fps:
        dives += 1
    return stream


def render(stream: Stream, clip: Path) -> None:
    """Draws a stream into an H.264 file."""
    part = clip.with_suffix(".part.mp4")
    line = (
        f"fdsrc ! rawvideoparse format=rgb width={stream.width} height={stream.height} "
        f"framerate={round(stream.fps)}/1 ! videoconvert ! video/x-raw,format=I420 "
        f"! x264enc bitrate=2500 ! mp4mux ! filesink location={part}"
    )
    with subprocess.Popen(
        ["gst-launch-1.0", "-q", *line.split()], stdin=subprocess.PIPE
    ) as encoder:
        assert encoder.stdin is not None
        for picture in tqdm(stream.frames(), total=stream.count, unit="frame"):
            encoder.stdin.write(picture.tobytes())
    if encoder.returncode != 0:
        sys.exit(f"the encoder ended with status {encoder.returncode}")
    part.rename(clip)


def recognise(clip: Path, model: Path, properties: str, events: Path) -> list[Event]:
    """The actions that the element finds in a file."""
    line = (
        f"filesrc location={clip} ! decodebin ! artclassify model={model} policy=block "
        f"{properties} ! artmetaenc ! filesink location={events}"
    )
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    stops = [line for line in lines if line["type"] == "action" and line["state"] == "stop"]
    return [
        Event(stop["label"], stop["start"] / 1e9, stop["end"] / 1e9, stop["score"])
        for stop in stops
    ]


def row(counts: Counts) -> str:
    """The rest of a table's row."""
    return (
        f"| {counts.f1:.3f} | {counts.precision:.3f} | {counts.recall:.3f} "
        f"| {counts.matched} / {counts.found} / {counts.true} |"
    )


def remark(found: list[Event], true: list[Event]) -> str:
    """What is behind the figures: how close the matched actions lie, and what the others are."""
    pairs = match(found, true, IOU, by_class=False)
    ious = sorted(temporal_iou(found[one], true[other]) for one, other in pairs)
    early = [true[other].start - found[one].start for one, other in pairs]
    late = [found[one].end - true[other].end for one, other in pairs]
    wrong = sum(found[one].label != true[other].label for one, other in pairs)
    missed = len(true) - len(pairs)
    others = [f"{count(found, true, iou, by_class=True).f1:.3f} at {iou}" for iou in OTHER_IOUS]
    untouched = sum(all(temporal_iou(one, dive) == 0 for one in found) for dive in true)
    return (
        f"of {len(pairs)} matched, {wrong} of another class; their median IoU "
        f"{middle(ious):.2f}; they start {middle(early):.2f} s before take-off and end "
        f"{middle(late):.2f} s after entry (medians); {missed} dives unmatched, of them "
        f"{untouched} without any action; class-right F1 at other IoUs: {', '.join(others)}"
    )


def middle(values: list[float]) -> float:
    """The median; NaN of nothing."""
    return sorted(values)[len(values) // 2] if values else float("nan")


if __name__ == "__main__":
    main()
