"""The baseline: averaged per-frame features of the same encoder and a linear classifier, on the
same windows.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .config import Config
from .features import FeatureSet
from .train import centred_windows, draw_starts
from .windows import dive_weight, flight_share, sample_indices

ROUNDS, EPOCHS, BATCH = 4, 60, 256


def _pooled(data: FeatureSet, frames: np.ndarray) -> np.ndarray:
    """Average of the features over time and place, ``[n, C]``, for windows ``frames [n, T]`` of
    every clip.
    """
    rows = [
        data.take(np.array([c]), frames[c : c + 1])[0].mean((0, 1, 2)) for c in range(len(data))
    ]
    return np.stack(rows) * data.scale


def fit(data: FeatureSet, config: Config, background: int) -> nn.Module:
    """Train on the centred window of every clip and a few random ones; ``[B, C]`` -> logits ``[B,
    background + 1]``.
    """
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    clips, span = np.arange(len(data)), config.data.frames
    features, weights = [], []
    for number in range(ROUNDS):
        if number == 0:
            frames = centred_windows(data, config)
        else:
            frames = sample_indices(draw_starts(data, clips, config, rng), span, data.clip_frames)
        share = flight_share(
            frames[:, 0] / config.data.fps,
            span / config.data.fps,
            data.truth["takeoff"],
            data.truth["entry"],
        )
        features.append(_pooled(data, frames))
        weights.append(dive_weight(share))
    labels = np.tile(data.truth["label"].astype(int), ROUNDS)
    labels[np.concatenate(weights) < 0.5] = background
    x = torch.from_numpy(np.concatenate(features).astype(np.float32))
    y = torch.from_numpy(labels)
    linear = nn.Linear(x.shape[1], background + 1)
    mean, std = x.mean(0), x.std(0) + 1e-6
    steps = torch.optim.AdamW(linear.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, EPOCHS)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(linear((x[rows] - mean) / std), y[rows])
            steps.zero_grad()
            loss.backward()
            steps.step()
        schedule.step()
    with torch.no_grad():
        linear.bias -= linear.weight @ (mean / std)
        linear.weight /= std
    return linear.eval()
