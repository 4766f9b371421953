"""Rendering and a frozen network in one pass: int8 feature shards on disk, frames are not stored.
The network is the encoder's trunk, or a whole encoder that was exported before.

A shard is a folder with ``features.npy`` (int8 ``[n, F, h, w, C]``) and ``truth.npz``; it appears
only when complete, so an interrupted run continues with the next missing one.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from .config import Config
from .encoder import TOKENS, FrameEncoder
from .graph import session, to_onnx

TRUTH = ("label", "takeoff", "entry", "boxes", "body_box", "phase", "somersault", "twist", "pose")
FEATURES = "features"  # the name of the trunk's output
CALIBRATION_CLIPS = 12
HEADROOM = 1.25


def items(config: Config, split: str) -> list[tuple[int, int]]:
    """``(label, index)`` of every clip of a split, round by round: any prefix is balanced over the
    classes.
    """
    from .synthdive import BACKGROUND, CLASS_NAMES

    rounds = getattr(config.data, split)
    return [
        item
        for index in range(rounds)
        for item in [(label, index) for label in range(len(CLASS_NAMES))]
        + [(BACKGROUND, index * config.data.background + j) for j in range(config.data.background)]
    ]


def render(config: Config, split: str, label: int, index: int) -> Any:
    """One clip as the recipe states it."""
    from .synthdive import render_clip

    data = config.data
    return render_clip(split, label, index, size=data.size, fps=data.fps, seconds=data.seconds)


def quantise(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Channels-first floats ``[..., C, h, w]`` -> channels-last int8, ``scale [C]`` a step."""
    return np.clip(np.rint(np.moveaxis(values, -3, -1) / scale), -127, 127).astype(np.int8)


def dequantise(features: np.ndarray, scale: Tensor) -> Tensor:
    """int8 ``[..., h, w, C]`` -> float ``[..., C, h, w]``."""
    return (torch.from_numpy(features) * scale).movedim(-1, -3)


def channel_scale(values: np.ndarray) -> np.ndarray:
    """int8 step of each channel of ``[N, C, h, w]``: the largest magnitude with some headroom."""
    return (np.abs(values).max(axis=(0, 2, 3)) * HEADROOM / 127 + 1e-9).astype(np.float32)


def write_shard(folder: Path, features: np.ndarray, truth: dict[str, np.ndarray]) -> None:
    """Write a shard under another name, then rename it."""
    part = folder.with_suffix(f".part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    np.save(part / "features.npy", features)
    np.savez(part / "truth.npz", **truth)
    part.rename(folder)


def trunk_session(config: Config, threads: int = 1) -> Any:
    """The frozen trunk in ONNX Runtime."""
    encoder = FrameEncoder(config.encoder.pretrained)
    encoder.forward = encoder.trunk_of
    frames = torch.zeros(1, config.data.size, config.data.size, 3, dtype=torch.uint8)
    return session(to_onnx(encoder, frames, ["frames"], [FEATURES], dynamic=True), threads)


def extract(
    config: Config,
    split: str,
    root: Path,
    part: int = 0,
    parts: int = 1,
    encoder: Path | None = None,
) -> None:
    """Render and encode the shards ``part, part + parts, ...`` of a split into ``root/split/``.

    With ``encoder``, an exported ``encoder.onnx``, its tokens are stored in place of the trunk's
    features: what training of a head and the benchmark read, without a frame stage of their own.
    """
    trunk = session(encoder) if encoder else trunk_session(config)
    name, wanted = trunk.get_inputs()[0].name, [TOKENS if encoder else FEATURES]
    root.mkdir(parents=True, exist_ok=True)
    scale_file = root / "scale.json"
    if scale_file.exists():
        scale = np.asarray(json.loads(scale_file.read_text()), np.float32)
    else:
        first = [
            render(config, "train", *item).frames
            for item in items(config, "train")[:CALIBRATION_CLIPS]
        ]
        scale = channel_scale(trunk.run(wanted, {name: np.concatenate(first)})[0])
        scale_file.write_text(json.dumps(scale.tolist()))
    todo = items(config, split)
    size = config.data.shard
    for number in range(part, -(-len(todo) // size), parts):
        folder = root / split / f"{number:04d}"
        if folder.exists():
            continue
        truth, features = [], []
        for item in tqdm(
            todo[number * size : (number + 1) * size], desc=f"{split} {number}", mininterval=5
        ):
            clip = render(config, split, *item)
            features.append(quantise(trunk.run(wanted, {name: clip.frames})[0], scale))
            truth.append({key: np.asarray(getattr(clip, key)) for key in TRUTH})
        joined = {key: np.stack([one[key] for one in truth]) for key in TRUTH}
        write_shard(folder, np.stack(features), joined)


def extract_together(jobs: int, **options: object) -> None:
    """The command ``features`` with ``options``, its shards shared among ``jobs`` processes."""
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    command = [sys.executable, "-m", "artmodels", "features", *words, "--parts", str(jobs)]
    running = [subprocess.Popen([*command, "--part", str(part)]) for part in range(jobs)]
    if any([process.wait() for process in running]):  # noqa: C419, wait for all of them
        raise SystemExit("rendering failed")


@dataclass
class FeatureSet:
    """All shards of a split: truth in memory, features mapped from disk."""

    shards: list[np.ndarray]
    truth: dict[str, np.ndarray]
    scale: np.ndarray

    @classmethod
    def open(cls, root: Path, split: str, limit: int | None = None) -> "FeatureSet":
        """Shards of ``root/split`` in order, at most ``limit`` clips; a missing one is an error."""
        folders = sorted(f for f in (root / split).iterdir() if f.suffix == "")
        shards, truth, count = [], [], 0
        for number, folder in enumerate(folders):
            if folder.name != f"{number:04d}":
                raise FileNotFoundError(f"{root / split}: shard {number:04d} is missing")
            if limit is not None and count >= limit:
                break
            shards.append(np.load(folder / "features.npy", mmap_mode="r"))
            truth.append(dict(np.load(folder / "truth.npz")))
            count += len(shards[-1])
        if not shards:
            raise FileNotFoundError(
                f"{root / split}: no feature shards; run `python -m artmodels features` first"
            )
        joined = {key: np.concatenate([t[key] for t in truth])[:limit] for key in TRUTH}
        return cls(
            shards, joined, np.asarray(json.loads((root / "scale.json").read_text()), np.float32)
        )

    def __len__(self) -> int:
        return len(self.truth["label"])

    @property
    def clip_frames(self) -> int:
        """Samples of one clip."""
        return self.shards[0].shape[1]

    def take(self, clips: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """int8 features ``[B, ..., h, w, C]`` of samples ``frames [B, ...]`` of ``clips [B]``."""
        out = np.empty((*frames.shape, *self.shards[0].shape[2:]), np.int8)
        for row, (clip, which) in enumerate(zip(clips, frames, strict=True)):
            shard, at = self._place(int(clip))
            out[row] = self.shards[shard][at][which]
        return out

    def _place(self, clip: int) -> tuple[int, int]:
        for number, shard in enumerate(self.shards):
            if clip < len(shard):
                return number, clip
            clip -= len(shard)
        raise IndexError(clip)
