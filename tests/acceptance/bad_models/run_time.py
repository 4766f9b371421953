"""Faults that a graph shows only when it runs, at first or when the picture is red."""

import numpy as np
from onnx import NodeProto, TensorProto

from .case import Case, Change, manifest, together
from .onnx_graphs import Constants, clip, encoder, head, hidden, node, value

HALF = {"half": np.float32(0.5)}
ATTENTION = 'queries = { name = "queries" }\nattention = { name = "attention" }'
FAILED = ("the model failed while it ran: found", "expected a run without an error", "export it")
BOXES = np.full((1, 1, 4, 4), 0.5, np.float32)


def scores(
    name: str, nodes: list[NodeProto], constants: Constants, shape: list, *words: str
) -> Case:
    """A clip graph that gives scores that cannot be."""
    change = clip(nodes, [value("logits", shape)], constants)
    return Case(name, change, ('clip.onnx: output "logits" of a run', "found", "mend", *words))


def fails(name: str, nodes: list[NodeProto], constants: Constants, *words: str) -> Case:
    """A clip graph whose run fails."""
    change = clip(nodes, [value("logits", [None, None])], constants)
    return Case(name, change, ("clip.onnx", *FAILED, *words))


def gives(name: str, role: str, given: np.ndarray, *words: str, shape: list | None = None) -> Case:
    """A head one of whose outputs has other values, or another shape than it declares."""
    words = (f'head.onnx: output "{role}" of a run', "found", "expected", "mend", *words)
    return Case(name, head(role, given) if shape is None else unlike(role, given, shape), words)


def unlike(role: str, given: np.ndarray, declared: list) -> Change:
    """A head one of whose outputs shows its shape only when it runs."""
    kind = TensorProto.INT64 if given.dtype == np.int64 else TensorProto.FLOAT
    constants = {f"the {role}": given, f"{role} shape": np.array(given.shape, np.int64)}
    return head(role, hidden(role), value(role, declared, kind), constants)


def tokens(
    name: str, nodes: list[NodeProto], shape: list, constants: Constants, *words: str
) -> Case:
    """An encoder that gives other tokens to a head that leaves them open."""
    change = encoder(nodes, value("tokens", shape), constants)
    words = ('encoder.onnx: output "tokens" of a run', "found shape", "expected", "mend", *words)
    return Case(name, change, words)


def attention(name: str, given: np.ndarray, *words: str) -> Case:
    """Attention maps that are not used, but wrong."""
    change: Change = together(
        manifest('queries = { name = "queries" }', ATTENTION),
        unlike("attention", given, [1, None, None, None, None]),
    )
    return Case(name, change, ('head.onnx: output "attention" of a run', "found", "mend", *words))


SQRT = [node("Sub", ["half", "means"], ["below"]), node("Sqrt", ["below"], ["logits"])]
DARK = [node("Less", ["means", "half"], ["dark"]), node("Reshape", ["dark", "flat"], ["chosen"])]
FLAT = {**HALF, "flat": np.array([-1], np.int64)}
BRIGHT = [
    node("Mul", ["red", "big"], ["large"]),
    node("Add", ["large", "least"], ["sum"]),
    node("Cast", ["sum"], ["count"], to=TensorProto.INT64),
    node("Reshape", ["count", "flat"], ["size"]),
]
"""From `red` to `size`: [least] where it is dark, [least + big] where it is red."""


def size(least: float, big: float) -> Constants:
    """What `BRIGHT` reckons with."""
    return {
        "least": np.float32(least),
        "big": np.float32(big),
        "flat": np.array([1], np.int64),
        "three": np.array([3], np.int64),
        "one": np.array([1], np.int64),
    }


def red_boxes(name: str, more: float, *words: str) -> Case:
    """Boxes to which a red picture adds this much a unit of brightness."""
    nodes = [
        node("Mul", ["red", "more"], ["far"]),
        node("Add", ["far", "usual"], ["boxes"]),
    ]
    constants = {"more": np.float32(more), "usual": BOXES}
    words = ('head.onnx: output "boxes" of a run', "found", "expected", "mend", *words)
    return Case(name, head("boxes", nodes, constants=constants), words)


SCORES = [
    scores("no number", SQRT, HALF, [1, 3], "NaN at element 0", "finite numbers"),
    scores(
        "infinite",
        [node("Sub", ["means", "one"], ["below"]), node("Reciprocal", ["below"], ["logits"])],
        {"one": np.float32(1)},
        [1, 3],
        "inf at element 0",
        "finite numbers",
    ),
    scores(
        "minus infinity",
        [node("Sub", ["one", "means"], ["below"]), node("Log", ["below"], ["logits"])],
        {"one": np.float32(1)},
        [1, 3],
        "-inf at element 0",
        "finite numbers",
    ),
    scores(
        "never a number",
        [node("Mul", ["means", "nan"], ["logits"])],
        {"nan": np.float32(np.nan)},
        [1, 3],
        "NaN at element 0",
    ),
    Case(
        "float16 that overflows",
        clip(
            [
                node("Cast", ["raw"], ["small"], to=TensorProto.FLOAT16),
                node("Mul", ["small", "large"], ["logits"]),
            ],
            [value("logits", [1, 3], TensorProto.FLOAT16)],
            {"large": np.float16(60000)},
        ),
        ("clip.onnx", "found inf", "a model in float16 may have overflowed", "mend"),
    ),
    Case(
        "float64 beyond float32",
        clip(
            [
                node("Cast", ["means"], ["long"], to=TensorProto.DOUBLE),
                node("Mul", ["long", "large"], ["logits"]),
            ],
            [value("logits", [1, 3], TensorProto.DOUBLE)],
            {"large": np.float64(1e300)},
        ),
        ("clip.onnx", "found inf", "expected finite numbers", "mend"),
    ),
    scores(
        "shrinking scores",
        [*DARK, node("Compress", ["means", "chosen"], ["logits"], axis=1)],
        FLAT,
        [1, None],
        "[1, 2]",
        "expected [1, 3]",
    ),
    scores(
        "growing batch",
        [
            *BRIGHT,
            node("Concat", ["size", "three"], ["shape"], axis=0),
            node("Expand", ["means", "shape"], ["logits"]),
        ],
        size(1, 1),
        [None, 3],
        "[2, 3]",
        "expected [1, 3]",
    ),
    scores(
        "shape other than declared",
        [
            *BRIGHT,
            node("Concat", ["size", "size"], ["shape"], axis=0),
            node("Expand", ["red", "shape"], ["logits"]),
        ],
        size(2, 0),
        ["n", "c"],
        "shape [2, 2]",
        "expected [1, 3]",
    ),
]
FAILING = [
    fails(
        "Gather out of range",
        [
            node("Cast", ["red"], ["index"], to=TensorProto.INT64),
            node("Gather", ["table", "index"], ["logits"], axis=0),
        ],
        {"table": np.zeros((1, 1, 3), np.float32)},
        "Gather",
    ),
    fails(
        "Reshape that does not add up",
        [
            *BRIGHT,
            node("Reshape", ["means", "size"], ["list"]),
            node("Unsqueeze", ["list", "axis"], ["logits"]),
        ],
        {**size(3, 1), "axis": np.array([0], np.int64)},
        "Reshape",
    ),
    fails(
        "Reshape that never adds up",
        [
            node("Cast", ["means"], ["as_sizes"], to=TensorProto.INT64),
            node("Reshape", ["as_sizes", "flat"], ["sizes"]),
            node("Add", ["sizes", "seven"], ["shape"]),
            node("Reshape", ["means", "shape"], ["logits"]),
        ],
        {"flat": np.array([-1], np.int64), "seven": np.array([7], np.int64)},
        "Reshape",
    ),
    fails(
        "terabytes at run time",
        [
            *BRIGHT,
            node("ConstantOfShape", ["size"], ["zeros"]),
            node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
            node("Add", ["means", "nothing"], ["logits"]),
        ],
        size(1, 4e12),
        "memory",
    ),
    fails(
        "terabytes at once",
        [
            *BRIGHT,
            node("ConstantOfShape", ["size"], ["zeros"]),
            node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
            node("Add", ["means", "nothing"], ["logits"]),
        ],
        size(4e12, 0),
        "memory",
    ),
    fails(
        "negative size",
        [
            *BRIGHT,
            node("ConstantOfShape", ["size"], ["zeros"]),
            node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
            node("Add", ["means", "nothing"], ["logits"]),
        ],
        size(1, -9),
        "ConstantOfShape",
    ),
    fails(
        "division by zero",
        [
            *BRIGHT,
            node("Sub", ["size", "one"], ["nothing"]),
            node("Div", ["one", "nothing"], ["ratio"]),
            node("Cast", ["ratio"], ["float"], to=TensorProto.FLOAT),
            node("Add", ["means", "float"], ["logits"]),
        ],
        size(2, -1),
        "division by zero",
    ),
    Case(
        "encoder fails",
        encoder(
            [
                node("Cast", ["red"], ["index"], to=TensorProto.INT64),
                node("Gather", ["table", "index"], ["tokens"], axis=0),
            ],
            constants={"table": np.zeros((1, 1, 3), np.float32)},
        ),
        ("encoder.onnx", *FAILED, "Gather"),
    ),
    Case(
        "head fails",
        head(
            "logits",
            [
                node("Cast", ["red"], ["index"], to=TensorProto.INT64),
                node("Gather", ["table", "index"], ["logits"], axis=0),
            ],
            constants={"table": np.zeros((1, 1, 3), np.float32)},
        ),
        ("head.onnx", *FAILED, "Gather"),
    ),
]
TOKENS = [
    tokens(
        "tokens that do not fit at run time",
        [
            *BRIGHT,
            node("Concat", ["one", "size"], ["shape"], axis=0),
            node("Expand", ["red", "shape"], ["tokens"]),
        ],
        [1, None],
        size(6, 0),
        "[1, 6]",
        "[1, 3], which the head takes",
    ),
    tokens(
        "tokens that shrink",
        [*DARK, node("Compress", ["means", "chosen"], ["tokens"], axis=1)],
        [1, None],
        FLAT,
        "[1, 2]",
        "[1, 3]",
    ),
    tokens(
        "tokens that multiply",
        [
            *BRIGHT,
            node("Concat", ["size", "three"], ["shape"], axis=0),
            node("Expand", ["means", "shape"], ["tokens"]),
        ],
        [None, 3],
        size(1, 1),
        "[2, 3]",
        "[1, 3], its shape in the run before",
    ),
    Case(
        "tokens of gigabytes",
        together(
            encoder(
                [
                    *BRIGHT,
                    node("Concat", ["one", "size"], ["shape"], axis=0),
                    node("ConstantOfShape", ["shape"], ["tokens"]),
                ],
                value("tokens", [1, None]),
                size(4e7, 0),
            ),
            head(
                "logits",
                [node("Slice", ["means", "start", "end", "axis"], ["logits"])],
                constants={
                    "start": np.array([0], np.int64),
                    "end": np.array([3], np.int64),
                    "axis": np.array([1], np.int64),
                },
                tokens=[1, 4, None],
            ),
        ),
        ("encoder.onnx", "found shape [1, 40000000]", "1 to 536870912 bytes over the 4 samples"),
    ),
]
OPEN_BOXES = [None, None, None, None]
REGIONS = [
    gives("boxes are no numbers", "boxes", BOXES * np.nan, "NaN at element 0", "finite numbers"),
    gives("boxes in pixels", "boxes", BOXES * 640, "320 at element 0", "are they pixels?"),
    red_boxes("boxes run away", 1e9, "0 to 1 of the model's input"),
    red_boxes("boxes overflow", 3e38, "found"),
    gives(
        "boxes of 5", "boxes", np.zeros((1, 1, 4, 5), np.float32), "[1, 1, 4, 5]", shape=OPEN_BOXES
    ),
    gives(
        "boxes over 3 samples",
        "boxes",
        np.zeros((1, 1, 3, 4), np.float32),
        "[1, 1, 3, 4]",
        "[1, 1, 4, 4]",
        shape=OPEN_BOXES,
    ),
    gives(
        "boxes of thousands",
        "boxes",
        np.zeros((1, 5000, 4, 4), np.float32),
        "at most 256 regions",
        shape=OPEN_BOXES,
    ),
    gives(
        "relevance of two",
        "relevance",
        np.zeros((1, 2, 4), np.float32),
        "[1, 2, 4]",
        "[1, 1, 4]",
        shape=[1, None, 4],
    ),
    gives(
        "relevance declared of two",
        "relevance",
        np.zeros((1, 2, 4), np.float32),
        "[1, 1, 4]",
        shape=[1, 2, 4],
    ),
    gives(
        "relevance without end",
        "relevance",
        np.full((1, 1, 4), np.inf, np.float32),
        "inf at element 0",
    ),
    gives("query beyond the labels", "queries", np.array([[3]]), "label id 3", "0 to 2"),
    gives("query below the labels", "queries", np.array([[-1]]), "label id -1", "0 to 2"),
    gives("queries of two", "queries", np.array([[0, 1]]), "[1, 2]", "[1, 1]", shape=[1, None]),
    attention("attention over 3 samples", np.zeros((1, 1, 3, 2, 2), np.float32), "[1, ?, 4, ?, ?]"),
    attention("attention is no number", np.full((1, 1, 4, 2, 2), np.nan, np.float32), "NaN"),
    Case(
        "relevance alone is wrong",
        together(
            manifest('boxes = { name = "boxes", format = "cxcywh" }\n', ""),
            head("relevance", np.full((1, 1, 4), np.nan, np.float32)),
        ),
        ('head.onnx: output "relevance" of a run', "NaN at element 0", "mend"),
    ),
]
CASES = [*SCORES, *FAILING, *TOKENS, *REGIONS]
