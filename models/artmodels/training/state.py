"""The state of a run on disk, whole at any moment."""

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch


def seed_generators(seed: int) -> None:
    """Start the global generators of this process."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The global generators of this process."""
    kind, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Inverse of :func:`random_state`."""
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])


def write(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` so that at any moment the old or the new one is there, and whole."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read(path: Path, run: dict[str, Any]) -> dict[str, Any]:
    """The state in ``path``, which must be of the run that ``run`` describes."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key, now in run.items():
        before = state["run"].get(key)
        if before != now:
            raise ValueError(
                f"{path} is the state of another run: {key} was {before!r} and is {now!r} now. "
                "Go on with the former, start afresh, or write elsewhere"
            )
    return state
