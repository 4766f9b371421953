"""Evaluation of an exported model: the graphs that ship, in ONNX Runtime, on freshly rendered clips
of a split.

Protocol: one window of T samples a clip; its middle is the sample nearest the middle of the flight
(background clips: the middle of the clip). Bodies, scenes and seeds of the test split occur in no
other split.
"""

import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .art.tracklets import attention_boxes
from .config import Config
from .encoder import TOKEN_CHANNELS, TOKENS
from .export import FEATURES, OUTPUTS, ClipGraph
from .features import items, render
from .folding import FoldedFrame, FoldedHead
from .graph import session, to_onnx
from .labels import ATTRIBUTES, Attributes
from .metrics import accuracy
from .model import ArtModel
from .synthdive import PART_NAMES
from .tracklet_quality import Tally, off_centre, random_cells, tally
from .windows import centred_start

WATCHED = ("trained", "untrained head", "a random cell")
FRAMES = ("all", "off-centre")
WORDS = {
    "peak": "attention peak inside the body's box",
    "mass": "attention mass inside it",
    "body": "IoU of its box with the body's",
    "same": "box centre on one and the same part",
    "part": "IoU of its box with that part's",
}

Tallies = dict[tuple[str, str], Tally]  # by one of FRAMES and one of WATCHED


@dataclass
class Predictions:
    """What the model said about every clip's window."""

    labels: np.ndarray  # [n]
    logits: np.ndarray  # [n, N]
    pooled: np.ndarray  # [n, C] averaged encoder features, for the baseline
    tallies: Tallies  # of tracklets, summed over clips


def tallies(
    looks: dict[str, tuple[np.ndarray, np.ndarray]],
    body: np.ndarray,
    parts: np.ndarray,
    action: np.ndarray,
) -> Tallies:
    """Of one clip: attention and boxes of every look at it, against the truth, on the frames of
    ``action [T]`` and on those of them whose body is off-centre.
    """
    chosen = dict(zip(FRAMES, (action, action & off_centre(body)), strict=True))
    return {
        (which, who): tally(attention, boxes, body, parts, mask)
        for which, mask in chosen.items()
        for who, (attention, boxes) in looks.items()
    }


class _Worker:
    """Renders and classifies one clip; sessions are made once a process."""

    current: "_Worker"

    def __init__(self, folder: Path, config: Config, split: str, untrained: bytes) -> None:
        self.config, self.split = config, split
        self.encoder, self.head = session(folder / "encoder.onnx"), session(folder / "head.onnx")
        self.untrained = session(untrained)
        _Worker.current = self

    def run(self, item: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, Tallies]:
        data, head = self.config.data, self.config.head
        clip = render(self.config, self.split, *item)
        start = int(
            centred_start(
                np.array(clip.takeoff),
                np.array(clip.entry),
                len(clip.frames),
                data.frames,
                data.fps,
            )
        )
        window = slice(start, start + data.frames)
        frames = {"frames": clip.frames[window]}
        tokens, *features = self.encoder.run([TOKENS, *FEATURES], frames)
        read = {name: one[None] for name, one in zip(FEATURES, features, strict=True)}
        out = dict(zip(OUTPUTS, self.head.run(OUTPUTS, read), strict=True))
        blind = dict(zip(OUTPUTS, self.untrained.run(OUTPUTS, {TOKENS: tokens[None]}), strict=True))
        cells = random_cells(out["attention"][0].shape, np.random.default_rng(item))
        drawn = attention_boxes(torch.from_numpy(cells), head.box_threshold, head.box_extent)
        looks = {
            "trained": (out["attention"][0], out["boxes"][0]),
            "untrained head": (blind["attention"][0], blind["boxes"][0]),
            "a random cell": (cells, drawn.numpy()),
        }
        body = clip.body_box[window]
        action = (clip.phase[window] == 1) & np.isfinite(body).all(-1)
        found = tallies(looks, body, clip.boxes[window], action)
        return out["logits"][0], tokens.mean((0, 2, 3)), found


def _start(*arguments: object) -> None:
    _Worker(*arguments)  # type: ignore[arg-type]


def _run(item: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, Tallies]:
    return _Worker.current.run(item)


def untrained_head(model: ArtModel) -> bytes:
    """The head as it is before training, over the tokens of the same encoder."""
    torch.manual_seed(model.config.seed)
    fresh = ArtModel(model.config, model.head.semantics.bank.slow, None)
    grid = model.head.grid
    tokens = torch.zeros(1, model.config.data.frames, TOKEN_CHANNELS, grid, grid)
    graph = ClipGraph(FoldedFrame(fresh.head), FoldedHead(fresh.head), len(FEATURES))
    return to_onnx(graph, tokens, [TOKENS], list(OUTPUTS))


def predict_split(folder: Path, model: ArtModel, split: str, jobs: int) -> Predictions:
    """Run the exported graphs in ``folder`` over a whole split in ``jobs`` processes."""
    todo = items(model.config, split)
    start = (folder, model.config, split, untrained_head(model))
    with multiprocessing.get_context("spawn").Pool(jobs, _start, start) as pool:
        rows = list(
            tqdm(
                pool.imap(_run, todo, chunksize=4),
                total=len(todo),
                desc=f"evaluate {split}",
                mininterval=5,
            )
        )
    logits, pooled, found = zip(*rows, strict=True)
    summed = {key: sum((one[key] for one in found[1:]), found[0][key]) for key in found[0]}
    return Predictions(
        np.array([label for label, _ in todo]), np.stack(logits), np.stack(pooled), summed
    )


def tracklet_table(found: Tallies) -> list[str]:
    """Markdown: every figure of :class:`Tally`, a row for each query and choice of frames; IoU as
    it is, all else in percent.
    """
    lines = ["| | " + " | ".join(WATCHED) + " |", "| --- |" + " --- |" * len(WATCHED)]
    shares = {key: one.shares() for key, one in found.items()}
    for which in FRAMES:
        count = found[which, "trained"].frames
        lines.append(f"| **{which} frames: {count}** |" + " |" * len(WATCHED))
        for query in range(len(shares[which, "trained"]["peak"])):
            for figure, words in WORDS.items():
                values = [shares[which, who][figure][query] for who in WATCHED]
                told = [f"{v:.2f}" if "IoU" in words else f"{100 * v:.1f}" for v in values]
                lines.append(f"| query {query + 1}: {words} | " + " | ".join(told) + " |")
    return lines


def usual_parts(one: Tally, most: int = 3) -> str:
    """In words: the parts that each tracklet stays on in most clips."""
    told = []
    for query, counts in enumerate(one.chosen):
        best = np.argsort(-counts, kind="stable")[:most]
        shares = ", ".join(
            f"{PART_NAMES[p].replace('_', ' ')} {100 * counts[p] / max(counts.sum(), 1):.0f}"
            for p in best
        )
        told.append(f"query {query + 1}: {shares}")
    return "; ".join(told)


def report(found: Predictions, names: list[str], baseline: np.ndarray | None) -> str:
    """Markdown: accuracy beside the baseline (its logits), tracklet quality, the most confused
    pairs.
    """
    attributes = Attributes.of(names)
    columns = {"ART": accuracy(found.logits, found.labels, attributes)}
    if baseline is not None:
        columns["averaged features, linear"] = accuracy(baseline, found.labels, attributes)
    dives = int((found.labels < len(names)).sum())
    others = len(found.labels) - dives
    lines = [
        f"{dives} dives of {len(names)} classes and {others} background clips; "
        "one window a clip; percent.",
        "",
        "| | " + " | ".join(columns) + " |",
        "| --- |" + " --- |" * len(columns),
    ]
    for key in columns["ART"]:
        lines.append(
            f"| {key} | " + " | ".join(f"{100 * c[key]:.1f}" for c in columns.values()) + " |"
        )
    margin = 100 * np.sqrt(columns["ART"]["top-1"] * (1 - columns["ART"]["top-1"]) / dives) * 1.96
    lines += [
        "",
        f"95 % interval of top-1: +-{margin:.1f} points.",
        "",
        "Tracklets, over frames of the flight:",
        "",
    ]
    lines += tracklet_table(found.tallies)
    lines += [
        "",
        "Off-centre: the middle of the picture lies outside the body's box. A tracklet's part is "
        "the one that its box's centre lies on in most of a clip's frames; percent of clips: "
        + usual_parts(found.tallies["all", "trained"])
        + ".",
        "",
    ]
    dive = found.labels < len(names)
    guess = found.logits[dive, : len(names)].argmax(1)
    wrong = [(names[t], names[g]) for t, g in zip(found.labels[dive], guess, strict=True) if t != g]
    pairs = sorted(((wrong.count(pair), pair) for pair in set(wrong)), reverse=True)[:8]
    lines += [
        "Most confused (true, said, times): "
        + "; ".join(f"{t}, {g}, {n}" for n, (t, g) in pairs)
        + ".",
        "",
    ]
    lines += [f"Attributes: {', '.join(ATTRIBUTES)}, each read from the class that was said.", ""]
    return "\n".join(lines)
