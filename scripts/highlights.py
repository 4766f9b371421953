"""Measures the clips that artgate cuts out of a long rendered stream, as a Markdown table.

The stream is that of events_f1.py. Every action that the element reports has to lie in exactly one
clip, with what was asked for around it; ffmpeg plays each clip and must not warn.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from events_f1 import plan, render

PRE_ROLL, POST_ROLL = 500_000_000, 200_000_000
GROUP = 15  # frames from keyframe to keyframe at most
SECOND = 1_000_000_000

Span = tuple[int, int]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/zoo/synthdive48-art"))
    parser.add_argument("--minutes", type=float, default=10.0, help="least length of the stream")
    parser.add_argument("--seed", type=int, default=611)
    parser.add_argument("--stream", type=Path, help="a stream that was rendered before")
    parser.add_argument("--out", type=Path, default=Path("out/highlights"))
    args = parser.parse_args()
    clips = args.out / "clips"
    clips.mkdir(parents=True)
    stream = args.stream
    if stream is None:
        planned = plan(args.seed, args.minutes * 60)
        stream = args.out / f"stream-{args.seed}.mp4"
        render(planned, stream)

    told = cut(stream, args.model, clips)
    actions, spans = moments(told, "artclassify-action"), moments(told, "artgate-clip")
    files = sorted(clips.glob("*.mp4"))
    homes = [home(action, spans) for action in actions]
    early = [
        max(actions[homes.index([clip])][0] - PRE_ROLL, 0) - start
        for clip, (start, _) in enumerate(spans)
        if [clip] in homes
    ]
    warnings = [name for name in files if not plays(name)]
    seconds = sum(end - start for start, end in spans) / SECOND
    print("\n| actions | in exactly one clip | clips | files | seconds | ffmpeg warns of |")
    print("| --- | --- | --- | --- | --- | --- |")
    whole = sum(len(clip) == 1 for clip in homes)
    row = [len(actions), whole, len(spans), len(files), round(seconds), len(warnings)]
    print("| " + " | ".join(map(str, row)) + " |")
    print(
        f"\npre-roll longer than asked: {min(early) / SECOND:.3f} to {max(early) / SECOND:.3f} s; "
        f"a group of pictures is {GROUP} frames"
    )
    if whole != len(actions) or len(files) != len(spans) or warnings:
        sys.exit(1)


def cut(stream: Path, model: Path, clips: Path) -> str:
    """Cuts the clips: the messages of the run."""
    line = (
        f"filesrc location={stream} ! decodebin ! artclassify model={model} policy=block "
        f"! videoconvert ! x264enc key-int-max={GROUP} speed-preset=veryfast ! artgate "
        f"pre-roll={PRE_ROLL} post-roll={POST_ROLL} ! splitmuxsink async-handling=true "
        f"muxer=mp4mux location={clips}/%05d.mp4"
    )
    words = ["gst-launch-1.0", "-m", *line.split()]
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout


def moments(told: str, structure: str) -> list[Span]:
    """Start and end of what the messages tell of, in nanoseconds of running time."""
    line = rf"{structure}, state=\(string\)stop.*start-running-time=\(guint64\)(\d+).*"
    pairs = re.findall(line + r"end-running-time=\(guint64\)(\d+)", told)
    return [(int(start), int(end)) for start, end in pairs]


def home(action: Span, clips: list[Span]) -> list[int]:
    """The clips that show something of an action, if what was asked for lies in them."""
    start, end = action
    shown = [index for index, clip in enumerate(clips) if clip[0] < end and start < clip[1]]
    return [index for index in shown if clips[index][0] <= max(start - PRE_ROLL, 0)]


def plays(clip: Path) -> bool:
    """Whether ffmpeg plays a file without a warning."""
    words = ["ffmpeg", "-v", "warning", "-i", str(clip), "-f", "null", "-"]
    done = subprocess.run(words, check=False, capture_output=True)
    return done.returncode == 0 and not done.stdout + done.stderr


if __name__ == "__main__":
    main()
