"""Tokens of a tuned encoder from cached trunk features: the tail in ONNX Runtime."""

import json
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .config import Config
from .encoder import TRUNK_CHANNELS, TRUNK_STRIDE, FrameEncoder
from .features import channel_scale, quantise, write_shard
from .graph import session, to_onnx

CALIBRATION_CLIPS = 64


def encode(
    config: Config, encoder: FrameEncoder, features: Path, out: Path, threads: int = 2
) -> None:
    """Write ``out/<split>/<shard>`` for every shard under ``features``; shards already there are
    kept.
    """
    size = config.data.size // TRUNK_STRIDE
    example = torch.zeros(1, TRUNK_CHANNELS, size, size)
    tail = session(to_onnx(encoder.tail, example, ["features"], ["tokens"], dynamic=True), threads)
    trunk_scale = np.asarray(json.loads((features / "scale.json").read_text()), np.float32)

    def run(clip: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(np.moveaxis(clip * trunk_scale, -1, -3))
        return tail.run(None, {"features": x})[0]

    out.mkdir(parents=True, exist_ok=True)
    first = np.load(features / "train" / "0000" / "features.npy", mmap_mode="r")[:CALIBRATION_CLIPS]
    scale = channel_scale(np.concatenate([run(clip) for clip in first]))
    (out / "scale.json").write_text(json.dumps(scale.tolist()))
    folders = sorted(f for f in features.glob("*/*") if f.is_dir() and f.suffix == "")
    for folder in tqdm(folders, desc="tokens", mininterval=5):
        target = out / folder.parent.name / folder.name
        if not target.exists():
            clips = np.load(folder / "features.npy", mmap_mode="r")
            tokens = np.stack([quantise(run(clip), scale) for clip in clips])
            write_shard(target, tokens, dict(np.load(folder / "truth.npz")))
