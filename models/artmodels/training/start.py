"""Weights to start from that another run trained, on other classes or with other parts."""

from pathlib import Path

import torch

from ..video import VideoModel


def start_from(model: VideoModel, path: Path) -> list[str]:
    """Take from the model file ``path`` all weights and statistics whose name and shape fit.

    Returns the parts of ``model`` with something that keeps what it had, such as a classifier of
    other classes.
    """
    stored = torch.load(path, map_location="cpu", weights_only=True).get("state", {})
    own = model.state_dict()
    taken = {k: v for k, v in stored.items() if k in own and own[k].shape == v.shape}
    if not any(name.startswith("backbone.") for name in taken):
        raise ValueError(f"{path} has no weights that fit into the backbone of this recipe")
    model.load_state_dict(taken, strict=False)
    kept = (name for name in own if name not in taken)
    return list(dict.fromkeys(".".join(name.split(".")[:2]) for name in kept))
