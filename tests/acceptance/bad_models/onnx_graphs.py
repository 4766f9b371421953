"""Broken graphs, built on the ones of the sound model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from .case import Change, clip_form

Constants = Mapping[str, Any]
Edit = Callable[[ModelProto], None]
Shape = list[int | str | None]

node = helper.make_node


def value(name: str, shape: Shape | None, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    """A declared input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


LOGITS = value("logits", [1, 3])
CLIP = value("frames", [1, 4, 8, 8, 3], TensorProto.UINT8)
FRAME = value("frames", [1, 8, 8, 3], TensorProto.UINT8)
TOKENS = value("tokens", [1, 3])


def means(axes: list[int]) -> list[NodeProto]:
    """From `frames` to `means`: 0 to 1, [1, 3]. `red` is its first number, a scalar."""
    return [
        node("Cast", ["frames"], ["floats"], to=TensorProto.FLOAT),
        node("ReduceMean", ["floats"], ["raw"], axes=axes, keepdims=0),
        node("Div", ["raw", "most"], ["means"]),
        node("Gather", ["means", "first"], ["red_of_batch"], axis=1),
        node("Squeeze", ["red_of_batch"], ["red"]),
    ]


def save(
    path: Path,
    nodes: list[NodeProto],
    inputs: list[ValueInfoProto],
    outputs: list[ValueInfoProto],
    constants: Constants,
    edit: Edit | None,
) -> None:
    """Writes a graph as it is: nothing is checked."""
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "broken", inputs, outputs, initializers)
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    if edit is not None:
        edit(model)
    path.write_bytes(model.SerializeToString())


NUMBERS = {"most": np.float32(255), "first": np.int64(0)}


def hidden(name: str) -> list[NodeProto]:
    """From `the NAME` and `NAME shape` to NAME of that shape, which only a run tells."""
    return [
        node("Sub", ["red", "red"], ["zero"]),
        node("Cast", ["zero"], ["whole zero"], to=TensorProto.INT64),
        node("Add", [f"{name} shape", "whole zero"], ["shape of a run"]),
        node("Reshape", [f"the {name}", "shape of a run"], [name]),
    ]


def clip(
    nodes: list[NodeProto],
    outputs: list[ValueInfoProto] | None = None,
    constants: Constants | None = None,
    inputs: list[ValueInfoProto] | None = None,
    edit: Edit | None = None,
) -> Change:
    """A clip graph that goes on from `means`; `edit` changes the whole model at last."""

    def change(folder: Path) -> None:
        save(
            folder / "clip.onnx",
            [*means([1, 2, 3]), *nodes],
            inputs or [CLIP],
            [LOGITS] if outputs is None else outputs,
            {**NUMBERS, **(constants or {})},
            edit,
        )

    return clip_form(change)


def encoder(
    nodes: list[NodeProto],
    output: ValueInfoProto = TOKENS,
    constants: Constants | None = None,
) -> Change:
    """An encoder that goes on from `means` to `tokens`."""

    def change(folder: Path) -> None:
        both = {**NUMBERS, **(constants or {})}
        save(folder / "encoder.onnx", [*means([1, 2]), *nodes], [FRAME], [output], both, None)

    return change


HEAD_SHAPES: dict[str, Shape] = {
    "logits": [1, 3],
    "boxes": [1, 1, 4, 4],
    "relevance": [1, 1, 4],
    "queries": [1, 1],
}
HEAD_VALUES = {
    "boxes": np.full((1, 1, 4, 4), 0.5, np.float32),
    "relevance": np.full((1, 1, 4), 0.25, np.float32),
    "queries": np.zeros((1, 1), np.int64),
}


def head(
    name: str,
    given: np.ndarray | list[NodeProto],
    declared: ValueInfoProto | None = None,
    constants: Constants | None = None,
    tokens: Shape | None = None,
) -> Change:
    """A head with another output: a constant, or what nodes make of `tokens`, `means` and `red`."""

    def change(folder: Path) -> None:
        values = {key: v for key, v in HEAD_VALUES.items() if key != name}
        nodes = [
            node("ReduceMean", ["tokens"], ["means"], axes=[1], keepdims=0),
            node("Gather", ["means", "first"], ["red_of_batch"], axis=1),
            node("Squeeze", ["red_of_batch"], ["red"]),
        ]
        if isinstance(given, np.ndarray):
            values[name] = given
        else:
            nodes += given
        if name != "logits":
            nodes.append(node("Identity", ["means"], ["logits"]))
        nodes += [node("Identity", [f"the {key}"], [key]) for key in values]
        kinds = {"queries": TensorProto.INT64}
        outputs = [
            declared
            if declared is not None and declared.name == key
            else value(key, shape, kinds.get(key, TensorProto.FLOAT))
            for key, shape in HEAD_SHAPES.items()
        ]
        if declared is not None and declared.name not in HEAD_SHAPES:
            outputs.append(declared)
        both = {**{f"the {key}": v for key, v in values.items()}, **NUMBERS, **(constants or {})}
        inputs = [value("tokens", tokens or [1, 4, 3])]
        save(folder / "head.onnx", nodes, inputs, outputs, both, None)

    return change


def edited(file: str, edit: Edit) -> Change:
    """Changes a graph of the sound model."""

    def change(folder: Path) -> None:
        model = onnx.load(folder / file)
        edit(model)
        (folder / file).write_bytes(model.SerializeToString())

    return change
