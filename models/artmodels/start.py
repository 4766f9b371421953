"""A start from a model that was exported before: its encoder and its head.

The graphs are read back, so that training can go on where nothing but the model's folder is at
hand.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from .encoder import TOKENS
from .folding import FoldedFrame, FoldedHead
from .model import ArtModel


def weights_of(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """All stored tensors of a graph by name."""
    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def nodes_of_tokens(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The encoder's own nodes, in order: what follows its tokens belongs to a head."""
    ends = (at for at, node in enumerate(graph.node, 1) if TOKENS in node.output)
    return list(graph.node)[: next(ends, None)]


@torch.no_grad()
def load_encoder(encoder: nn.Module, path: Path) -> None:
    """Set ``encoder`` to what ``path``, an ``encoder.onnx`` of the same network, computes.

    The export has folded every batch norm into the convolution before it; here the convolution
    takes the folded weights, and its norm is left with the bias alone.
    """
    graph = onnx.load(path).graph
    stored = weights_of(graph)
    folded = [node for node in nodes_of_tokens(graph) if node.op_type == "Conv"]
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


@torch.no_grad()
def load_folded(folded: nn.Module, path: Path, prefix: str = "") -> None:
    """Set a module of :mod:`artmodels.folding` to the weights that ``path`` has under its names;
    what is made of the text bank stays as it is.
    """
    stored = weights_of(onnx.load(path).graph)
    own = {name: value for name, value in folded.state_dict().items() if "semantics." not in name}
    for name, value in own.items():
        weight = stored.get(prefix + name)
        if weight is None or weight.shape != tuple(value.shape):
            found = "nothing" if weight is None else list(weight.shape)
            raise ValueError(
                f"{path}: {prefix}{name}: found {found}, expected {list(value.shape)}; "
                "start from a streaming ART model of the same recipe, exported by this version"
            )
        value.copy_(torch.from_numpy(weight.copy()))


@torch.no_grad()
def start_from(model: ArtModel, folder: Path) -> None:
    """Begin with the encoder and the head of the model in ``folder``.

    The export folds the text bank and leaves out what only training reads: the bank, its
    projections and the readouts stay as they are, and the classifier on ``x_cls`` alone takes its
    columns of the final one.
    """
    load_encoder(model.encoder, folder / "encoder.onnx")
    head = model.head
    frame, window = FoldedFrame(head), FoldedHead(head)
    load_folded(frame, folder / "encoder.onnx", "frame.")
    load_folded(window, folder / "head.onnx")
    frame.onto(head)
    window.onto(head)
    for name, value in head.head_video.state_dict().items():
        head.head_video.get_parameter(name).copy_(
            head.head_final.get_parameter(name)[..., : value.shape[-1]]
        )
