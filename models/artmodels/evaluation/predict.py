"""Class scores of whole videos, averaged over their views."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset
from tqdm import tqdm

from ..data import TestClips
from ..data.clips import LEFT_OUT
from ..training.processes import Processes
from ..video import VideoModel


@dataclass
class Predictions:
    """Scores of the videos that could be read."""

    scores: np.ndarray  # [n, N], each row sums to 1
    labels: np.ndarray  # [n]
    items: np.ndarray  # [n] numbers in the listing
    left_out: int  # videos that could not be read


@torch.no_grad()
def predict(
    model: VideoModel,
    data: TestClips,
    batch: int,
    workers: int = 0,
    processes: Processes | None = None,
    progress: bool = True,
) -> Predictions:
    """Softmax scores, the mean over a video's views ``[choice]``.

    ``batch`` is how many views the network sees at once. Several processes share the videos, and
    all get the result.
    """
    processes = processes or Processes()
    model.to(processes.device).eval()
    mine = range(processes.rank, len(data), processes.count)
    loader = DataLoader(Subset(data, mine), num_workers=workers, generator=torch.Generator())
    found = []
    bar = tqdm(loader, desc="test", unit="video", disable=not (progress and processes.first))
    for item, (views, label) in zip(mine, bar, strict=True):
        if label.item() == LEFT_OUT:
            continue
        parts = views[0].to(processes.device).split(batch)
        logits = torch.cat([model(part).logits.float() for part in parts])
        found.append((item, label.item(), logits.softmax(1).mean(0).cpu().numpy()))
    every = sorted(entry for part in processes.gather(found) for entry in part)
    if not every:
        raise RuntimeError(f"none of the {len(data)} test videos can be read")
    items, labels, rows = (np.array(column) for column in zip(*every, strict=True))
    return Predictions(rows, labels, items, len(data) - len(every))
