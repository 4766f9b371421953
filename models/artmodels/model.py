"""The whole model: encoder and head, their construction from a recipe, and their checkpoints."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .art import ArtHead, ArtOutput
from .config import Config, from_dict, to_dict
from .encoder import TOKEN_CHANNELS, TOKEN_STRIDE, FrameEncoder
from .labels import Attributes


class ArtModel(nn.Module):
    """``frames [B, T, H, W, 3]`` uint8 -> :class:`ArtOutput`."""

    def __init__(
        self, config: Config, bank: Tensor, attributes: Attributes | None, pretrained: bool = False
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = FrameEncoder(pretrained)
        self.head = ArtHead(
            TOKEN_CHANNELS,
            config.data.size // TOKEN_STRIDE,
            config.data.frames,
            bank,
            attributes,
            config.encoder,
            config.head,
            config.bank,
        )

    def forward(self, frames: Tensor) -> ArtOutput:
        span = frames.shape[1]
        return self.head(self.encoder(frames.flatten(0, 1)).unflatten(0, (-1, span)))


def save_model(model: ArtModel, labels: list[str], path: Path) -> None:
    """Weights with the recipe and the labels (dive classes, then background)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"config": to_dict(model.config), "labels": labels, "state": model.state_dict()}, path
    )


def load_model(path: Path) -> tuple[ArtModel, list[str]]:
    """Inverse of :func:`save_model`, in evaluation mode."""
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    config: Config = from_dict(Config, stored["config"])
    state, labels = stored["state"], stored["labels"]
    model = ArtModel(
        config, torch.zeros_like(state["head.semantics.bank.slow"]), Attributes.of(labels[:-1])
    )
    model.load_state_dict(state)
    return model.eval(), labels
