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

from .config import Config
from .export import OUTPUTS, TOKENS, HeadGraph
from .features import items, render
from .graph import session, to_onnx
from .labels import ATTRIBUTES, Attributes
from .metrics import accuracy
from .model import ArtModel
from .windows import centred_start


@dataclass
class Predictions:
    """What the model said about every clip's window."""

    labels: np.ndarray  # [n]
    logits: np.ndarray  # [n, N]
    pooled: np.ndarray  # [n, C] averaged encoder features, for the baseline
    on_body: np.ndarray  # [n, K, T] attention peak inside the body's box; NaN outside the flight
    mass: np.ndarray  # [n, K, T] share of attention inside it
    overlap: np.ndarray  # [n, T] IoU of the first query's box with the body's box
    untrained: np.ndarray  # [n, 2, K, T] peak and mass of an untrained head
    area: np.ndarray  # [n, T] share of the picture that the body's box covers


def cell_share(box: np.ndarray, height: int, width: int) -> np.ndarray:
    """Share of each cell's area ``[T, height, width]`` that lies in ``box [T, 4]`` xyxy."""

    def along(low: np.ndarray, high: np.ndarray, cells: int) -> np.ndarray:
        edge = np.arange(cells)
        inside = np.minimum(high[:, None] * cells, edge + 1) - np.maximum(
            low[:, None] * cells, edge
        )
        return np.clip(inside, 0, 1)

    across = along(box[:, 0], box[:, 2], width)
    return along(box[:, 1], box[:, 3], height)[:, :, None] * across[:, None]


def attention_quality(
    attention: np.ndarray, box: np.ndarray, action: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Per query and frame of ``attention [K, T, h, w]``: peak cell's centre in ``box [T, 4]``, and
    mass inside it.
    """
    height, width = attention.shape[-2:]
    peak = attention.reshape(*attention.shape[:2], -1).argmax(-1)
    y, x = (peak // width + 0.5) / height, (peak % width + 0.5) / width
    inside = (x > box[:, 0]) & (x < box[:, 2]) & (y > box[:, 1]) & (y < box[:, 3])
    mass = (attention * cell_share(box, height, width)).sum((-2, -1))
    return np.where(action, inside, np.nan), np.where(action, mass, np.nan)


def intersection_over_union(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of cxcywh ``boxes [T, 4]`` with xyxy ``truth [T, 4]``."""
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    shared = np.clip(np.minimum(high, truth[:, 2:]) - np.maximum(low, truth[:, :2]), 0, None).prod(
        -1
    )
    union = (high - low).prod(-1) + (truth[:, 2:] - truth[:, :2]).prod(-1) - shared
    return shared / np.maximum(union, 1e-9)


class _Worker:
    """Renders and classifies one clip; sessions are made once a process."""

    current: "_Worker"

    def __init__(self, folder: Path, config: Config, split: str, untrained: bytes) -> None:
        self.config, self.split = config, split
        self.encoder, self.head = session(folder / "encoder.onnx"), session(folder / "head.onnx")
        self.untrained = session(untrained)
        _Worker.current = self

    def run(self, item: tuple[int, int]) -> tuple[np.ndarray, ...]:
        data = self.config.data
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
        tokens = self.encoder.run(None, {"frames": clip.frames[window]})[0]
        out = dict(zip(OUTPUTS, self.head.run(OUTPUTS, {TOKENS: tokens[None]}), strict=True))
        blind = dict(zip(OUTPUTS, self.untrained.run(OUTPUTS, {TOKENS: tokens[None]}), strict=True))
        box = clip.body_box[window]
        action = (clip.phase[window] == 1) & np.isfinite(box).all(-1)
        peak, mass = attention_quality(out["attention"][0], box, action)
        overlap = np.where(action, intersection_over_union(out["boxes"][0, 0], box), np.nan)
        area = np.where(action, (box[:, 2:] - box[:, :2]).prod(-1), np.nan)
        blind_quality = np.stack(attention_quality(blind["attention"][0], box, action))
        return out["logits"][0], tokens.mean((0, 2, 3)), peak, mass, overlap, blind_quality, area


def _start(*arguments: object) -> None:
    _Worker(*arguments)  # type: ignore[arg-type]


def _run(item: tuple[int, int]) -> tuple[np.ndarray, ...]:
    return _Worker.current.run(item)


def untrained_head(model: ArtModel) -> bytes:
    """The head as it is before training, over the same encoder."""
    torch.manual_seed(model.config.seed)
    fresh = ArtModel(model.config, model.head.semantics.bank.slow, None)
    grid = model.head.grid
    return to_onnx(
        HeadGraph(fresh),
        torch.zeros(1, model.config.data.frames, 112, grid, grid),
        [TOKENS],
        list(OUTPUTS),
    )


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
    return Predictions(
        np.array([label for label, _ in todo]),
        *(np.stack(column) for column in zip(*rows, strict=True)),
    )


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
    lines += ["| | trained | untrained head | a random cell |", "| --- | --- | --- | --- |"]
    chance = 100 * np.nanmean(found.area)
    for k in range(found.on_body.shape[1]):
        peak, mass = 100 * np.nanmean(found.on_body[:, k]), 100 * np.nanmean(found.mass[:, k])
        blind = 100 * np.nanmean(found.untrained[:, :, k], axis=(0, 2))
        lines.append(
            f"| query {k + 1}: attention peak inside the body's box "
            f"| {peak:.1f} | {blind[0]:.1f} | {chance:.1f} |"
        )
        lines.append(
            f"| query {k + 1}: attention mass inside it "
            f"| {mass:.1f} | {blind[1]:.1f} | {chance:.1f} |"
        )
    lines += [
        "",
        f"IoU of the first tracklet's box with the body's, mean: {np.nanmean(found.overlap):.2f}.",
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
