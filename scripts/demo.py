"""Runs the main job on the shipped clips and says in plain words what was recognised."""

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ATHLETE = Path("pipelines/media/athlete-somersault.mp4")
SECOND = 1_000_000_000
POSITIONS = {"FREE": "free position", "PIKE": "pike", "STR": "straight", "TUCK": "tuck"}


@dataclass
class Action:
    """One action of a JSON Lines file, or of the truth; times in nanoseconds."""

    label: str
    start: int
    end: int
    score: float = 1.0

    def overlap(self, other: "Action") -> int:
        """How long both last."""
        return min(self.end, other.end) - max(self.start, other.start)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--stream", type=Path, required=True, help="the rendered stream")
    parser.add_argument("--out", type=Path, default=Path("out"))
    args = parser.parse_args()
    args.out.mkdir(exist_ok=True)

    print(f"\n== {args.stream}: rendered dives that the model never saw")
    video, events = args.out / "annotated.mp4", args.out / "events.jsonl"
    actions = recognise(args.stream, args.model, video, events)
    truth_file = args.stream.with_suffix(".json")
    truth = read_truth(truth_file) if truth_file.exists() else None
    still = args.out / "still.png"
    best = max(actions, key=lambda action: action.score, default=None)
    middle = (best.start + best.end) // 2 if best else 0
    run(["pipelines/still.sh", video, middle, still])

    print(f"\n== {ATHLETE}: a real athlete; the model has seen rendered dives only")
    athlete_video, athlete_events = args.out / "athlete.mp4", args.out / "athlete.jsonl"
    athlete_actions = recognise(ATHLETE, args.model, athlete_video, athlete_events)

    print(f"\n== What was recognised\n\nIn {args.stream}:")
    if truth is None:
        tell(actions)
    else:
        tell_against_truth(actions, truth)
    print(f"\nIn {ATHLETE}:")
    tell(athlete_actions)
    print(f"""
== Files

{video}, {athlete_video}: the clips with classes and regions drawn in
{events}, {athlete_events}: every window and action, one JSON object a line
{still}: the middle of the best action""")


def run(command: list[object]) -> None:
    """Runs a command that the reader sees; ends the program when it fails."""
    words = [str(word) for word in command]
    print(f"$ {shlex.join(words)}", flush=True)
    status = subprocess.run(words, check=False).returncode
    if status != 0:
        sys.exit(f"{words[0]} ended with status {status}; its message stands above")


def recognise(clip: Path, model: Path, video: Path, events: Path) -> list[Action]:
    """Annotates a clip, records its events, and returns its actions."""
    started = time.monotonic()
    run(["pipelines/annotate.sh", clip, model, video, events])
    print(f"took {time.monotonic() - started:.1f} s")
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    stops = [line for line in lines if line["type"] == "action" and line["state"] == "stop"]
    return [Action(stop["label"], stop["start"], stop["end"], stop["score"]) for stop in stops]


def read_truth(file: Path) -> list[Action]:
    """The dives that a rendered stream shows, each from take-off to entry."""
    dives = json.loads(file.read_text(encoding="utf-8"))["dives"]
    return [
        Action(dive["name"], round(dive["takeoff"] * SECOND), round(dive["entry"] * SECOND))
        for dive in dives
    ]


def tell(actions: list[Action]) -> None:
    """Prints what was recognised where no truth is known."""
    for action in actions:
        print(f"  {span(action)}  {in_words(action.label)}  (score {action.score:.2f})")
    if not actions:
        print("  no action")


def tell_against_truth(actions: list[Action], truth: list[Action]) -> None:
    """Prints every dive of the truth with what was recognised in its time, then the counts."""
    found: list[list[Action]] = [[] for _ in truth]
    elsewhere = []
    for action in actions:
        overlaps = [action.overlap(dive) for dive in truth]
        longest = max(overlaps, default=0)
        (found[overlaps.index(longest)] if longest > 0 else elsewhere).append(action)

    right = 0
    for dive, its_actions in zip(truth, found, strict=True):
        print(f"  {span(dive)}  shown:      {in_words(dive.label)}")
        best = max(its_actions, key=lambda action: action.score, default=None)
        right += best is not None and best.label == dive.label
        for action in its_actions:
            mark = "right" if action.label == dive.label else "wrong"
            print(
                f"  {span(action)}  recognised: {in_words(action.label)}"
                f"  (score {action.score:.2f}, {mark})"
            )
        if best is None:
            print(f"  {'':13}  recognised: nothing")
    for action in elsewhere:
        print(
            f"  {span(action)}  recognised where no dive is: {in_words(action.label)}"
            f"  (score {action.score:.2f})"
        )
    once = sum(len(its_actions) == 1 for its_actions in found)
    print(
        f"\n  {len(truth)} dives: {once} with exactly one action, {right} with the right class"
        f" (of 48 classes); {len(elsewhere)} actions where no dive is"
    )


def span(action: Action) -> str:
    """Start and end in seconds."""
    return f"{action.start / SECOND:5.1f}-{action.end / SECOND:5.1f} s"


def in_words(label: str) -> str:
    """A Diving48 class as a phrase.

    Back+25som+15Twis+PIKE is "back, 2.5 somersaults, 1.5 twists, pike".
    """
    takeoff, *parts = label.split("+")
    return ", ".join([takeoff.lower(), *map(part_in_words, parts)]) if parts else label


def part_in_words(part: str) -> str:
    """One part of a Diving48 class name after the take-off, anything else as it is."""
    if number := re.fullmatch(r"(\d)(5?)(som|Twis)", part):
        whole, half, what = number.groups()
        count = f"{whole}.5" if half else whole
        noun = {"som": "somersault", "Twis": "twist"}[what]
        return f"{count} {noun}{'' if count == '1' else 's'}"
    return {"NoTwis": "no twist", "Dive": "dive", **POSITIONS}.get(part, part)


if __name__ == "__main__":
    main()
