"""A start from a model that was exported before: its encoder, and how it embeds a frame.

The graphs are read back, so that a head can be trained anew where nothing but the model's folder
is at hand.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .model import ArtModel

EMBEDDING = "head.whole.embedding."


def weights_of(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """All stored tensors of a graph by name."""
    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


@torch.no_grad()
def load_encoder(encoder: nn.Module, path: Path) -> None:
    """Set ``encoder`` to what ``path``, an ``encoder.onnx`` of the same network, computes.

    The export has folded every batch norm into the convolution before it; here the convolution
    takes the folded weights, and its norm is left with the bias alone.
    """
    graph = onnx.load(path).graph
    stored = weights_of(graph)
    folded = [node for node in graph.node if node.op_type == "Conv"]
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    if not len(folded) == len(convolutions) == len(norms):
        raise ValueError(
            f"{path}: {len(folded)} convolutions, this encoder has {len(convolutions)}; "
            "export it from the same network"
        )
    for node, convolution, norm in zip(folded, convolutions, norms, strict=True):
        weight, bias = (torch.from_numpy(stored[name].copy()) for name in node.input[1:])
        if weight.shape != convolution.weight.shape:
            raise ValueError(
                f"{path}: {node.input[1]} is {list(weight.shape)}, "
                f"this encoder has {list(convolution.weight.shape)} there"
            )
        convolution.weight.copy_(weight)
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        norm.weight.fill_(1)
        norm.bias.copy_(bias)


def embedding_of(path: Path) -> dict[str, Tensor]:
    """Weights of the frame embedding in ``path``, the ``head.onnx`` of a streaming model."""
    found = {
        name.removeprefix(EMBEDDING): torch.from_numpy(value.copy())
        for name, value in weights_of(onnx.load(path).graph).items()
        if name.startswith(EMBEDDING)
    }
    if not found:
        raise ValueError(f"{path}: no {EMBEDDING}*, this is no head of a streaming ART model")
    return found


def start_from(model: ArtModel, folder: Path) -> None:
    """Begin with the encoder and the frame embedding of the model in ``folder``; all else stays."""
    load_encoder(model.encoder, folder / "encoder.onnx")
    model.head.whole.embedding.load_state_dict(embedding_of(folder / "head.onnx"))
