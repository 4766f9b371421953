"""Faults that a graph shows before it runs: of its structure, and against the manifest."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, TypeProto, helper

from .case import Case, Change, clip_form, manifest, together, write
from .onnx_graphs import CLIP, LOGITS, clip, edited, encoder, head, node, value

BOX = 'boxes = { name = "boxes"'
ATTENTION = 'queries = { name = "queries" }\nattention = { name = "attention" }'
ML = "ai.onnx.ml"
COPY = [node("Identity", ["means"], ["logits"])]
FLOAT_ROW = helper.make_tensor_type_proto(TensorProto.FLOAT, [1, 3])


def refused(name: str, nodes: list[NodeProto], *words: str, **more: object) -> Case:
    """A clip graph that ONNX Runtime does not take."""
    change = clip(nodes, **more)
    return Case(name, change, ("clip.onnx", "ONNX Runtime cannot load", "found", "model: ", *words))


def stamped(name: str, edit: Callable[[ModelProto], None], *words: str) -> Case:
    """A clip graph whose head of the file is wrong."""
    return refused(name, COPY, *words, edit=edit)


def contract(name: str, change: Change, file: str, *words: str) -> Case:
    """A graph that is not what its manifest says."""
    return Case(name, change, (file, "found", "expected", "mend", *words))


def scores(name: str, kind: int, *words: str) -> Case:
    """Scores of another type."""
    nodes = [node("Cast", ["means"], ["logits"], to=kind)]
    change = clip(nodes, [value("logits", [1, 3], kind)])
    return contract(name, change, "clip.onnx", "outputs.scores", "float32, float16", *words)


def output(name: str, shape: list, *words: str) -> Case:
    """An output of the head of another declared shape."""
    change = head(name, np.zeros(shape, np.float32), value(name, shape))
    return contract(f"{name} {shape}", change, "head.onnx", f"outputs.{name}", *words)


def promised(name: str, role: str, shape: list, *words: str) -> Case:
    """An output of the head that no memory holds."""
    nodes = [node("Expand", ["red", "shape"], [role])]
    change = head(role, nodes, value(role, shape), {"shape": np.array(shape, np.int64)})
    return contract(name, change, "head.onnx", f"outputs.{role}", *words)


def tokens(name: str, kind: int, shape: list, *words: str) -> Case:
    """An encoder that gives other tokens."""
    nodes = [
        node("Cast", ["red"], ["cast"], to=kind),
        node("Expand", ["cast", "shape"], ["tokens"]),
    ]
    declared = value("tokens", shape, kind)
    change = encoder(nodes, declared, {"shape": np.array(shape, np.int64)})
    return Case(name, change, ('"tokens"', "found", "expected", "mend", *words))


def map_from(key: int) -> TypeProto:
    """A map to numbers."""
    kind = TypeProto()
    kind.map_type.key_type = key
    kind.map_type.value_type.CopyFrom(helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    return kind


def typed(name: str, kind: TypeProto) -> onnx.ValueInfoProto:
    """A declared input or output of any type."""
    return helper.make_value_info(name, kind)


def constant(*inputs: onnx.ValueInfoProto) -> Change:
    """A clip graph that does not look at its inputs."""
    nodes = [node("Constant", [], ["zeros"], value_floats=[0.0] * 3)]
    nodes.append(node("Unsqueeze", ["zeros", "first"], ["logits"]))

    def edit(model: ModelProto) -> None:
        kept = [each for each in model.graph.initializer if each.name == "first"]
        row = helper.make_graph(nodes, "constant", inputs, [LOGITS], kept)
        row.initializer[0].dims[:] = [1]
        model.graph.CopyFrom(row)

    return clip([], edit=edit)


def without_time(model: ModelProto) -> None:
    """Lets the head take the tokens of one sample."""
    model.graph.input[0].CopyFrom(value("tokens", [1, 3]))
    model.graph.node[0].CopyFrom(node("Identity", ["tokens"], ["logits"]))


def rename_head_input(model: ModelProto) -> None:
    """Lets the head ask for what the encoder does not give."""
    model.graph.input[0].name = "features"
    for each in model.graph.node:
        each.input[:] = ["features" if name == "tokens" else name for name in each.input]


def add_head_input(model: ModelProto) -> None:
    """Lets the head need a second input."""
    model.graph.input.append(value("mask", [1, 4]))


def wrong_branches() -> list[NodeProto]:
    """An If one of whose branches gives nothing."""
    row = value("row", [1, 3])
    branch = helper.make_graph([node("Identity", ["means"], ["row"])], "then", [], [row])
    empty = helper.make_graph([], "else", [], [])
    dark = node("Less", ["red", "most"], ["dark"])
    return [dark, node("If", ["dark"], ["logits"], then_branch=branch, else_branch=empty)]


def field(number: int, contents: bytes) -> bytes:
    """A field of a protobuf message that holds a message."""
    size, length = len(contents), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + contents


def nested(depth: int) -> bytes:
    """A model of graphs in attributes of nodes of graphs, deeper than parsers go."""
    graph = b""
    for _ in range(depth):
        graph = field(1, field(5, field(6, graph)))
    return b"\x08\x08" + field(7, graph)


def initializer(dims: list[int], kind: int = TensorProto.FLOAT) -> Callable[[ModelProto], None]:
    """Adds weights of which the file has no bytes."""

    def edit(model: ModelProto) -> None:
        model.graph.initializer.append(TensorProto(name="weights", data_type=kind, dims=dims))

    return edit


def opset(version: int) -> Callable[[ModelProto], None]:
    """Asks for a version of the standard operators."""

    def edit(model: ModelProto) -> None:
        model.opset_import[0].version = version

    return edit


def no_opset(model: ModelProto) -> None:
    """Tells no version of the operators."""
    model.ClearField("opset_import")


def new_format(model: ModelProto) -> None:
    """Claims a version of the file format that does not exist."""
    model.ir_version = 99


def unknown_type(model: ModelProto) -> None:
    """Gives an output an element type that does not exist."""
    model.graph.output[0].type.tensor_type.elem_type = 99


def no_type(model: ModelProto) -> None:
    """Tells nothing of the input but its name."""
    model.graph.input[0].ClearField("type")


def no_graph(model: ModelProto) -> None:
    """Leaves the graph out."""
    model.ClearField("graph")


WEIGHTED = [node("Add", ["means", "weights"], ["logits"])]
OLDER = "an older opset"
STRUCTURE = [
    refused("unknown operator", [node("Frob", ["means"], ["logits"])], "Frob", OLDER),
    refused("unknown domain", [node("Frob", ["means"], ["logits"], domain="com.acme")], "com.acme"),
    stamped("opset to come", opset(99), "Opset 99", OLDER),
    stamped("opset 0", opset(0), "found"),
    stamped("no opset", no_opset, "opset", OLDER),
    stamped("format to come", new_format, "99", OLDER),
    stamped("unknown element type", unknown_type, "99"),
    stamped("input without a type", no_type, "frames"),
    stamped("no graph", no_graph, "expected a complete ONNX model"),
    refused(
        "cycle",
        [
            node("Add", ["means", "b"], ["a"]),
            node("Neg", ["a"], ["b"]),
            node("Neg", ["b"], ["logits"]),
        ],
        "acyclic",
    ),
    refused("name from nowhere", [node("Neg", ["nowhere"], ["logits"])], "nowhere"),
    refused("name twice", [*COPY, *COPY], "logits"),
    refused("output from nowhere", [], "logits"),
    refused("unknown attribute", [node("Neg", ["means"], ["logits"], slope=2)], "slope"),
    refused("too many inputs", [node("Neg", ["means", "means"], ["logits"])], "Neg"),
    refused("types that do not mix", [node("Add", ["means", "first"], ["logits"])], "Type"),
    refused(
        "sizes that do not mix",
        [node("MatMul", ["means", "weights"], ["logits"])],
        "MatMul",
        constants={"weights": np.zeros((4, 3), np.float32)},
    ),
    refused("branch without a result", wrong_branches(), "If"),
    Case(
        "too deep",
        clip_form(write("clip.onnx", nested(2000))),
        ("clip.onnx", "ONNX Runtime cannot load", "found", "again"),
    ),
    refused("weights without bytes", WEIGHTED, edit=initializer([1, 3])),
    refused("weights of negative size", WEIGHTED, edit=initializer([-1, 3])),
    refused("weights of exabytes", WEIGHTED, edit=initializer([1 << 40, 1 << 20])),
    refused("complex numbers", COPY, inputs=[CLIP, value("wave", [1], TensorProto.COMPLEX64)]),
    refused(
        "sequence of sequences",
        COPY,
        "seq(seq(",
        inputs=[
            CLIP,
            typed("q", helper.make_sequence_type_proto(helper.make_sequence_type_proto(FLOAT_ROW))),
        ],
    ),
]
INPUTS = [
    contract(
        "input name",
        manifest("[graph]", '[graph]\ninput = "video"'),
        "encoder.onnx",
        '"frames"',
        '"video" (graph.input)',
    ),
    contract(
        "rank",
        clip_form(manifest('"NTHWC"', '"N(TC)HW"')),
        "clip.onnx",
        "[1, 4, 8, 8, 3]",
        "[1, 12, 8, 8] (N(TC)HW)",
    ),
    contract(
        "size",
        manifest("width = 8", "width = 9"),
        "encoder.onnx",
        "[1, 8, 8, 3]",
        "[1, 8, 9, 3]",
    ),
    contract(
        "window length",
        clip_form(manifest("frames = 4", "frames = 5")),
        "clip.onnx",
        "[1, 4, 8, 8, 3]",
        "[1, 5, 8, 8, 3]",
    ),
    contract(
        "order of axes",
        clip_form(manifest('"NTHWC"', '"NCTHW"')),
        "clip.onnx",
        "uint8 [1, 3, 4, 8, 8] (NCTHW)",
    ),
    contract(
        "channels",
        manifest('dtype = "uint8"', 'dtype = "uint8"\ncolor = "gray"'),
        "encoder.onnx",
        "[1, 8, 8, 1]",
    ),
    contract(
        "element type",
        manifest('"uint8"', '"float32"'),
        "encoder.onnx",
        "found uint8",
        "expected float32",
    ),
    contract(
        "frames as int64",
        clip(COPY, inputs=[value("frames", [1, 4, 8, 8, 3], TensorProto.INT64)]),
        "clip.onnx",
        "found int64",
        "expected uint8",
    ),
    contract(
        "frames without dimensions",
        clip(COPY, inputs=[value("frames", None, TensorProto.UINT8)]),
        "clip.onnx",
        "uint8 without dimensions",
    ),
    contract(
        "batch of 2",
        clip(COPY, inputs=[value("frames", [2, 4, 8, 8, 3], TensorProto.UINT8)]),
        "clip.onnx",
        "[2, 4, 8, 8, 3]",
        "[1, 4, 8, 8, 3]",
    ),
    contract(
        "no column",
        clip(COPY, inputs=[value("frames", [1, 4, 8, 0, 3], TensorProto.UINT8)]),
        "clip.onnx",
        "[1, 4, 8, 0, 3]",
    ),
    contract(
        "no input",
        constant(),
        "clip.onnx",
        "inputs: found none",
        "one input",
    ),
    contract(
        "two inputs",
        clip(COPY, inputs=[CLIP, value("mask", [1])]),
        "clip.onnx",
        'found "frames", "mask"',
        "graph.input to name it",
    ),
    contract(
        "two inputs, one named",
        together(
            clip(COPY, inputs=[CLIP, value("mask", [1])]),
            manifest("[graph]", '[graph]\ninput = "frames"'),
        ),
        "clip.onnx",
        "no input but the frames",
    ),
    contract(
        "frames as a sequence",
        constant(typed("frames", helper.make_sequence_type_proto(FLOAT_ROW))),
        "clip.onnx",
        "Sequence",
        "expected uint8",
    ),
    contract(
        "frames as a map",
        constant(typed("frames", map_from(TensorProto.STRING))),
        "clip.onnx",
        "Map",
        "expected uint8",
    ),
]
BETWEEN = [
    contract(
        "head input",
        edited("head.onnx", rename_head_input),
        "head.onnx",
        '"features"',
        "encoder.onnx",
        '"tokens"',
    ),
    contract(
        "head with one input more",
        edited("head.onnx", add_head_input),
        "head.onnx",
        'input "mask": found no output of that name',
        '"tokens"',
    ),
    tokens("tokens that do not fit", TensorProto.FLOAT, [1, 5], "[1, 4, 3]", "[1, 4, 5]"),
    tokens("tokens of another rank", TensorProto.FLOAT, [1, 1, 3], "[1, 4, 1, 3]"),
    tokens("tokens of another type", TensorProto.DOUBLE, [1, 3], "found float32", "float64"),
    tokens("tokens of no use", TensorProto.BOOL, [1, 3], "encoder.onnx", "found bool [1, 3]"),
    tokens("tokens of two", TensorProto.FLOAT, [2, 3], "encoder.onnx", "found float32 [2, 3]"),
    tokens("tokens of nothing", TensorProto.FLOAT, [1, 0], "encoder.onnx", "at least 1"),
    tokens("tokens without end", TensorProto.FLOAT, [1, 1 << 34], "encoder.onnx", "536870912"),
    contract(
        "tokens without time",
        edited("head.onnx", without_time),
        "head.onnx",
        "found float32 [1, 3]",
        "[1, 4, 3]",
    ),
    contract(
        "split form with a clip graph",
        manifest('encoder = "encoder.onnx"', 'encoder = "clip.onnx"'),
        "clip.onnx",
        "found uint8 [1, 4, 8, 8, 3]",
        "[1, 8, 8, 3] (NHWC)",
    ),
    contract(
        "head and encoder the wrong way round",
        together(
            manifest('"encoder.onnx"', '"x"'),
            manifest('"head.onnx"', '"encoder.onnx"'),
            manifest('"x"', '"head.onnx"'),
        ),
        "head.onnx",
        'input "tokens": found float32',
    ),
]
OUTPUTS = [
    contract(
        "class count",
        clip([node("Concat", ["means", "means"], ["logits"], axis=1)], [value("logits", [1, 6])]),
        "clip.onnx",
        "float32 [1, 6]",
        "3 labels",
    ),
    contract(
        "output missing",
        manifest('name = "logits"', 'name = "scores"'),
        "head.onnx",
        '"logits"',
        '"scores" (outputs.scores)',
    ),
    contract(
        "attention missing",
        manifest('queries = { name = "queries" }', ATTENTION),
        "head.onnx",
        '"attention" (outputs.attention)',
    ),
    contract(
        "no outputs",
        clip(COPY, []),
        "clip.onnx",
        "outputs: found none",
    ),
    contract(
        "rank of boxes",
        manifest(BOX, 'boxes = { name = "relevance"'),
        "head.onnx",
        "outputs.boxes",
        "[1, 1, 4]",
        "[?, ?, 4, 4]",
    ),
    scores("scores as int64", TensorProto.INT64, "found int64 [1, 3]"),
    scores("scores as int32", TensorProto.INT32, "found int32 [1, 3]"),
    scores("scores as truth values", TensorProto.BOOL, "found bool [1, 3]"),
    scores("scores as text", TensorProto.STRING, "found String [1, 3]"),
    scores("scores as bfloat16", TensorProto.BFLOAT16, "found bf16 [1, 3]"),
    contract(
        "scores as a sequence",
        clip(
            [node("SequenceConstruct", ["means"], ["logits"])],
            [typed("logits", helper.make_sequence_type_proto(FLOAT_ROW))],
        ),
        "clip.onnx",
        "outputs.scores",
        "found Sequence",
    ),
    contract(
        "scores as an optional",
        clip(
            [node("Optional", ["means"], ["logits"])],
            [typed("logits", helper.make_optional_type_proto(FLOAT_ROW))],
            edit=opset(15),
        ),
        "clip.onnx",
        "outputs.scores",
        "found Option",
    ),
    contract(
        "scores as maps",
        clip(
            [node("ZipMap", ["means"], ["logits"], domain=ML, classlabels_int64s=[0, 1, 2])],
            [typed("logits", helper.make_sequence_type_proto(map_from(TensorProto.INT64)))],
            edit=lambda model: model.opset_import.append(helper.make_opsetid(ML, 1)),
        ),
        "clip.onnx",
        "outputs.scores",
        "Map",
    ),
    contract(
        "one score",
        clip([node("Identity", ["red"], ["logits"])], [value("logits", [])]),
        "clip.onnx",
        "float32 without dimensions",
        "[?, 3]",
    ),
    contract(
        "scores over time",
        clip(
            [node("Reshape", ["means", "shape"], ["logits"])],
            [value("logits", [1, 1, 3])],
            {"shape": np.array([1, 1, 3], np.int64)},
        ),
        "clip.onnx",
        "[1, 1, 3]",
        "[?, 3]",
    ),
    output("boxes", [1, 1, 4, 5], "[1, 1, 4, 5]", "[?, ?, 4, 4]"),
    output("boxes", [1, 1, 5, 4], "[1, 1, 5, 4]"),
    output("boxes", [1, 4, 4], "[1, 4, 4]"),
    output("boxes", [2, 1, 4, 4], "[2, 1, 4, 4]", "a batch of 1"),
    output("boxes", [1, 0, 4, 4], "[1, 0, 4, 4]", "at least 1 in each dimension"),
    output("boxes", [1, 257, 4, 4], "[1, 257, 4, 4]", "at most 256 regions"),
    output("relevance", [1, 1, 3], "[1, 1, 3]", "[?, ?, 4]"),
    output("relevance", [1, 1, 4, 1], "[1, 1, 4, 1]"),
    output("queries", [1, 1], "found float32 [1, 1]", "int64 or int32"),
    promised("boxes of terabytes", "boxes", [1, 1 << 40, 4, 4], "at most 536870912 bytes"),
    promised("relevance of terabytes", "relevance", [1, 1 << 40, 4], "at most 536870912 bytes"),
    contract(
        "attention of terabytes",
        together(
            manifest('queries = { name = "queries" }', ATTENTION),
            head(
                "attention",
                [node("Expand", ["red", "shape"], ["attention"])],
                value("attention", [1, 1, 4, 1 << 20, 1 << 20]),
                {"shape": np.array([1, 1, 4, 1 << 20, 1 << 20], np.int64)},
            ),
        ),
        "head.onnx",
        "outputs.attention",
        "at most 536870912 bytes",
    ),
    contract(
        "rank of attention",
        together(
            manifest('queries = { name = "queries" }', ATTENTION),
            head(
                "attention",
                np.zeros((1, 1, 4), np.float32),
                value("attention", [1, 1, 4]),
            ),
        ),
        "head.onnx",
        "outputs.attention",
        "[?, ?, 4, ?, ?]",
    ),
]
CASES = [*STRUCTURE, *INPUTS, *BETWEEN, *OUTPUTS]
