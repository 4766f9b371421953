"""Makes a model that takes as long as one likes: a chain of matrix products in a loop."""

import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FRAMES, FPS, HOP, SIZE = 4, 10.0, 2, 16
ORDER = 256
TRIAL = 300
MANIFEST = f"""\
[model]
name = "slow"

[input]
frames = {FRAMES}
fps = {FPS}
hop = {HOP}
width = {SIZE}
height = {SIZE}
layout = "NTHWC"
dtype = "uint8"

[graph]
kind = "clip"
file = "slow.onnx"

[outputs]
scores = {{ name = "logits" }}

[labels]
names = ["red", "green", "blue"]
"""


def make_slow_model(folder: Path, times: float) -> float:
    """Writes a model whose run on one thread takes `times` hops; returns how many it took.

    The number of products is taken from a shorter chain, timed on this machine. Times are those of
    the CPU, so that other work on the machine does not count.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(MANIFEST, encoding="utf-8")
    hop = HOP / FPS
    write_graph(folder / "slow.onnx", TRIAL)
    trial = time_of_a_run(folder / "slow.onnx")
    write_graph(folder / "slow.onnx", max(1, round(TRIAL * times * hop / trial)))
    return time_of_a_run(folder / "slow.onnx") / hop


def write_graph(file: Path, products: int) -> None:
    """The means of the colours, and next to nothing of a matrix that is turned again and again."""
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(ORDER, ORDER)))
    value, matrix = helper.make_tensor_value_info, [ORDER, ORDER]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["still_go_on"]),
            helper.make_node("MatMul", ["state", "turn"], ["turned"]),
        ],
        "turn_once",
        [
            value("count", TensorProto.INT64, []),
            value("go_on", TensorProto.BOOL, []),
            value("state", TensorProto.FLOAT, matrix),
        ],
        [value("still_go_on", TensorProto.BOOL, []), value("turned", TensorProto.FLOAT, matrix)],
    )
    nodes = [
        helper.make_node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["means"], ["mean"], axes=[0, 1], keepdims=0),
        helper.make_node("Add", ["turn", "mean"], ["first"]),
        helper.make_node("Loop", ["products", "", "first"], ["last"], body=body),
        helper.make_node("ReduceMean", ["last"], ["rest"], axes=[0, 1], keepdims=0),
        helper.make_node("Mul", ["rest", "little"], ["least"]),
        helper.make_node("Add", ["means", "least"], ["logits"]),
    ]
    constants = {
        "turn": turn.astype(np.float32),
        "products": np.array(products),
        "little": np.array(1e-9, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "slow",
        [value("frames", TensorProto.UINT8, [1, FRAMES, SIZE, SIZE, 3])],
        [value("logits", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), file)


def time_of_a_run(file: Path) -> float:
    """Median CPU time of three runs on one thread, in s."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
    frames = np.zeros((1, FRAMES, SIZE, SIZE, 3), np.uint8)
    took = []
    for _ in range(3):
        started = time.process_time()
        session.run(None, {"frames": frames})
        took.append(time.process_time() - started)
    return sorted(took)[1]
