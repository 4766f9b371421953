"""From a PyTorch module to an ONNX graph, and from a graph to a session."""

import io
import warnings
from pathlib import Path

import onnx
import onnxruntime
import onnxscript.optimizer
import torch
from torch import Tensor, nn

OPSET = 17  # the newest that ONNX Runtime 1.13 (JetPack 5) still loads; IR version 8


def to_onnx(
    module: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    dynamic: bool = False,
) -> bytes:
    """The serialised graph of a module that takes ``example``, one tensor or several; with
    ``dynamic`` its first axis, everywhere, is named N, all else is fixed.

    The TorchScript exporter is used on purpose: it writes opset 17, which runtimes on older Jetsons
    load, and folds batch normalisation into the convolutions.
    """
    examples = (example,) if isinstance(example, Tensor) else example
    buffer = io.BytesIO()
    axes = {name: {0: "N"} for name in [*inputs, *outputs]} if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            examples,
            buffer,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            dynamic_axes=axes,
            dynamo=False,
        )
    with torch.no_grad():
        results = module(*examples)
    results = [results] if isinstance(results, Tensor) else results
    graph = onnx.load_from_string(buffer.getvalue())
    del graph.graph.value_info[:]  # inferred from the example: its batch size would be folded in
    graph = onnxscript.optimizer.optimize(graph)
    for value, tensor in zip(
        [*graph.graph.input, *graph.graph.output], [*examples, *results], strict=True
    ):
        _state_shape(value, tensor, dynamic)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def _state_shape(value: onnx.ValueInfoProto, tensor: Tensor, dynamic: bool) -> None:
    """Write the true shape into a graph's input or output, where the exporter leaves names of its
    own.
    """
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    for axis, size in enumerate(tensor.shape):
        dim = shape.dim.add()
        if axis == 0 and dynamic:
            dim.dim_param = "N"
        else:
            dim.dim_value = size


def session(model: bytes | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A CPU session of a graph in memory or in a file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
