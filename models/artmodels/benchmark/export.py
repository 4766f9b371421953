"""A row behind its encoder as a model folder that the `artclassify` element reads, and the row in
PyTorch beside it.
"""

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from ..config import from_dict
from ..encoder import TOKENS, FrameEncoder
from ..export import Forms, write_forms
from ..video.export import WindowGraph, named, outputs_of
from ..video.model import VideoOutput
from .config import BenchmarkConfig
from .systems import System, TokenNetwork

NETWORK = "network.pt"


class Row(nn.Module):
    """``frames [B, T, H, W, 3]`` uint8 -> :class:`VideoOutput`."""

    def __init__(self, encoder: FrameEncoder, network: TokenNetwork) -> None:
        super().__init__()
        self.encoder, self.network = encoder, network

    def forward(self, frames: Tensor) -> VideoOutput:
        return self.network(self.encoder(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]))


def export_row(
    row: Row, config: BenchmarkConfig, labels: list[str], folder: Path
) -> dict[str, float]:
    """What :func:`artmodels.export.write_forms` describes, and ``network.pt`` for
    :func:`load_row`; labels are in the bank's order.
    """
    network = row.eval().network
    names = outputs_of(network)

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return named(row(frames), names)

    forms = Forms(row.encoder, WindowGraph(network), (TOKENS,), names)
    gaps = write_forms(network.config, forms, reference, labels, folder)
    stored = {"system": asdict(network.system), "config": asdict(config), "state": row.state_dict()}
    torch.save(stored | {"bank": network.bank_shape}, folder / NETWORK)
    return gaps


def load_row(folder: Path) -> Row:
    """The row in PyTorch, in evaluation mode."""
    stored = torch.load(folder / NETWORK, map_location="cpu", weights_only=True)
    config = from_dict(BenchmarkConfig, stored["config"], NETWORK)
    network = TokenNetwork(System(**stored["system"]), config, torch.zeros(stored["bank"]))
    row = Row(FrameEncoder(pretrained=False), network)
    row.load_state_dict(stored["state"])
    return row.eval()
