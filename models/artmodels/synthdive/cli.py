"""The command line: contact sheets, clips and streams of SynthDive48."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .classes import BACKGROUND, CLASS_NAMES
from .clips import render_clip
from .palette import SPLITS
from .stream import render_stream
from .video import write_video


def _labels(text: str) -> list[int]:
    """Label ids from "all", ids or class names, comma-separated."""
    if text == "all":
        return list(range(BACKGROUND + 1))
    names = [*CLASS_NAMES, "background"]
    out = []
    for item in text.split(","):
        if item in names:
            out.append(names.index(item))
        elif item.isdigit() and int(item) <= BACKGROUND:
            out.append(int(item))
        else:
            raise argparse.ArgumentTypeError(
                f"{item!r} is neither a class name nor an id 0..{BACKGROUND}"
            )
    return out


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the ``render`` command to a parser's subcommands."""
    parser = subparsers.add_parser("render", help="draw SynthDive48 clips, sheets and streams")
    kinds = parser.add_subparsers(dest="kind", required=True)

    sheet = kinds.add_parser("sheet", help="a PNG with a row of frames for each clip")
    sheet.add_argument("--columns", type=int, default=16, help="frames of each clip")
    sheet.add_argument("output", type=Path, help="the PNG to write")
    sheet.set_defaults(run=run_sheet)

    clips = kinds.add_parser("clips", help="MP4 files, one a clip, with their ground truth")
    clips.add_argument("output", type=Path, help="the folder to write into")
    clips.set_defaults(run=run_clips)

    for command in (sheet, clips):
        command.add_argument("--labels", type=_labels, default="all", help="names or ids, or all")
        command.add_argument("--split", choices=SPLITS, default="train")
        command.add_argument("--first", type=int, default=0, help="index of the first clip")
        command.add_argument("--count", type=int, default=1, help="clips a class")
        command.add_argument("--size", type=int, default=160, help="pixels of a side")
        command.add_argument("--fps", type=float, default=10.0)
        command.add_argument("--seconds", type=float, default=3.2)

    stream = kinds.add_parser("stream", help="one MP4 of many dives and a JSON of what is true")
    stream.add_argument("output", type=Path, help="the MP4 to write; the JSON lies beside it")
    stream.add_argument("--seed", type=int, default=1)
    stream.add_argument("--dives", type=int, default=20)
    stream.add_argument("--width", type=int, default=640)
    stream.add_argument("--height", type=int, default=360)
    stream.add_argument("--fps", type=float, default=30.0)
    stream.add_argument("--bit-rate", type=int, default=2_500_000, help="bits a second")
    stream.set_defaults(run=run_stream)


def _each(args: argparse.Namespace) -> list[tuple[int, int]]:
    indices = range(args.first, args.first + args.count)
    return [(label, index) for label in args.labels for index in indices]


def run_sheet(args: argparse.Namespace) -> int:
    """Write a contact sheet."""
    rows = []
    for label, index in tqdm(_each(args), unit="clip"):
        clip = render_clip(
            args.split, label, index, size=args.size, fps=args.fps, seconds=args.seconds
        )
        chosen = np.linspace(0, len(clip.frames) - 1, args.columns).round().astype(int)
        rows.append(np.concatenate(list(clip.frames[chosen]), 1))
    args.output.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(args.output), np.concatenate(rows, 0)[..., ::-1]):
        raise OSError(f"cannot write {args.output}")
    return 0


def run_clips(args: argparse.Namespace) -> int:
    """Write clips as MP4 with a ``truth.json``."""
    args.output.mkdir(parents=True, exist_ok=True)
    names = [*CLASS_NAMES, "background"]
    truth = []
    for label, index in tqdm(_each(args), unit="clip"):
        clip = render_clip(
            args.split, label, index, size=args.size, fps=args.fps, seconds=args.seconds
        )
        file = f"{args.split}-{names[label]}-{index:04d}.mp4"
        write_video(args.output / file, clip.frames, clip.fps, bit_rate=1_500_000)
        dive = label != BACKGROUND
        truth.append({
            "file": file, "label": label, "name": names[label],
            "takeoff": clip.takeoff if dive else None, "entry": clip.entry if dive else None,
        })  # fmt: skip
    (args.output / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return 0


def run_stream(args: argparse.Namespace) -> int:
    """Write a stream as MP4 with its ground truth beside it."""
    stream = render_stream(
        args.seed, args.dives, width=args.width, height=args.height, fps=args.fps
    )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    truth = json.dumps(stream.as_json(), indent=1) + "\n"
    args.output.with_suffix(".json").write_text(truth, encoding="utf-8")
    frames = tqdm(stream.frames(), total=stream.count, unit="frame")
    write_video(args.output, frames, stream.fps, args.bit_rate)
    return 0
