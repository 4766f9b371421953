"""A row behind its encoder as a model folder that the `artclassify` element reads."""

from pathlib import Path

import torch
from torch import Tensor

from ..encoder import FrameEncoder
from ..export import TOKENS, Forms, write_forms
from ..video.export import WindowGraph, named, outputs_of
from .systems import TokenNetwork


def export_row(
    network: TokenNetwork, encoder: FrameEncoder, labels: list[str], folder: Path
) -> dict[str, float]:
    """What :func:`artmodels.export.write_forms` describes; labels are in the bank's order."""
    network.eval()
    encoder.eval()
    names = outputs_of(network)

    def reference(frames: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            tokens = encoder(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
            return named(network(tokens), names)

    forms = Forms(encoder, WindowGraph(network), TOKENS, names)
    return write_forms(network.config, forms, reference, labels, folder)
