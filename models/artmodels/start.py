"""A start from a model that was exported before: its encoder and its head.

The graphs are read back, so that training can go on where nothing but the model's folder is at
hand.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .model import ArtModel

HEAD = "head."


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


def weights_of_head(path: Path) -> dict[str, Tensor]:
    """Weights of an ``ArtHead`` in ``path``, a ``head.onnx``, by their names in PyTorch.

    Matrices of linear layers lost their names when they were transposed; the bias that is added to
    the product tells which layer it is.
    """
    graph = onnx.load(path).graph
    stored = weights_of(graph)
    found = {name: value for name, value in stored.items() if name.startswith(HEAD)}
    products = {node.output[0]: node for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        bias = next((name for name in node.input if name.endswith(".bias")), None)
        product = next((products[name] for name in node.input if name in products), None)
        if node.op_type == "Add" and bias and product and product.input[1] in stored:
            found[bias.removesuffix("bias") + "weight"] = stored[product.input[1]].T
    if not found:
        raise ValueError(f"{path}: no tensor of {HEAD}*, this is no head of a streaming ART model")
    return {
        name.removeprefix(HEAD): torch.from_numpy(value.copy()) for name, value in found.items()
    }


@torch.no_grad()
def start_from(model: ArtModel, folder: Path) -> None:
    """Begin with the encoder and the head of the model in ``folder``.

    The export folds the text bank and leaves out what only training reads: the bank, its
    projections and the readouts stay as they are, and the classifier on ``x_cls`` alone takes its
    columns of the final one.
    """
    load_encoder(model.encoder, folder / "encoder.onnx")
    head = model.head
    stored = weights_of_head(folder / "head.onnx")
    own = head.state_dict()
    fresh = ("semantics.", "readout.", "embedded_readout.", "head_video.")
    lacking = [name for name in own if name not in stored and not name.startswith(fresh)]
    if lacking:
        raise ValueError(f"{folder / 'head.onnx'}: no {', '.join(lacking)}; other recipe")
    head.load_state_dict({name: stored.get(name, value) for name, value in own.items()})
    for name, value in head.head_video.state_dict().items():
        head.head_video.get_parameter(name).copy_(
            head.head_final.get_parameter(name)[..., : value.shape[-1]]
        )
