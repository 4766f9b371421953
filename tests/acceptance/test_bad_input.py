"""What is wrong with a model or the machine is said once, in words, and no frame passes.

Every case breaks one thing in a copy of the sound model in tests/fixtures/colours, whose window is
4 samples of 8 x 8 pixels and whose scores are the means of red, green and blue.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from .launch import COLOURS, Finished, launch

TIMEOUT = 30
SHORTEST = 60
VIDEO = "videotestsrc num-buffers=60 pattern=red ! video/x-raw,format=RGB,width=64,height=48"


def fails(
    model: Path | None, out: Path, properties: str = "", env: dict[str, str] | None = None
) -> str:
    """The one error of a pipeline that must end with it, and pass nothing before."""
    model_property = "" if model is None else f"model={model}"
    line = f"{VIDEO} ! artclassify {model_property} {properties} ! filesink location={out}"
    done = launch(line, env=env, timeout=TIMEOUT)
    assert done.status > 0, f"status {done.status}\n{done.output}"
    assert not out.exists() or out.stat().st_size == 0, f"frames passed\n{done.output}"
    return only_error(done)


def only_error(done: Finished) -> str:
    """The text of the one error of artclassify.

    It comes first. After an error in mid-stream the source may add that its data stream ended.
    """
    error, *others = done.errors() or [done.output]
    assert "/GstArtClassify:" in error, done.output
    assert all("Internal data stream error" in other for other in others), done.output
    assert "panick" not in done.output
    text = error.split(": ", 2)[2]
    print(text)
    assert len(text) >= SHORTEST
    return text


def assert_says(error: str, words: Iterable[str]) -> None:
    """Every word stands in the error."""
    missing = [word for word in words if word not in error]
    assert not missing, f"nothing of {missing} in: {error}"


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Breaks a text file."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def write(file: str, contents: bytes) -> Callable[[Path], None]:
    """Breaks a file altogether."""

    def change(folder: Path) -> None:
        (folder / file).write_bytes(contents)

    return change


def truncate(file: str) -> Callable[[Path], None]:
    """Keeps the first half of a file."""

    def change(folder: Path) -> None:
        whole = (folder / file).read_bytes()
        (folder / file).write_bytes(whole[: len(whole) // 2])

    return change


def remove(file: str) -> Callable[[Path], None]:
    """Takes a file away."""

    def change(folder: Path) -> None:
        (folder / file).unlink()

    return change


def labels_file(contents: bytes | None) -> Callable[[Path], None]:
    """Takes the labels from a file, which may be missing."""

    def change(folder: Path) -> None:
        replace("model.toml", 'names = ["red", "green", "blue"]', 'file = "labels.txt"')(folder)
        if contents is not None:
            (folder / "labels.txt").write_bytes(contents)

    return change


def rename_head_input(folder: Path) -> None:
    """Lets the head ask for what the encoder does not give."""
    head = onnx.load(folder / "head.onnx")
    head.graph.input[0].name = "features"
    for node in head.graph.node:
        node.input[:] = ["features" if name == "tokens" else name for name in node.input]
    onnx.save(head, folder / "head.onnx")


def clip_graph(nodes: list, outputs: list, constants: dict[str, object]) -> Callable[[Path], None]:
    """Replaces the model by a clip graph that makes `logits` of `means`, 0 to 1, [1, 3]."""

    def change(folder: Path) -> None:
        means = [
            helper.make_node("Cast", ["frames"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats"], ["raw"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Div", ["raw", "most"], ["means"]),
        ]
        initializers = [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in {"most": np.float32(255), **constants}.items()
        ]
        frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, [1, 4, 8, 8, 3])
        graph = helper.make_graph(means + nodes, "broken", [frames], outputs, initializers)
        opset = helper.make_opsetid("", 13)
        broken = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        onnx.checker.check_model(broken)
        onnx.save(broken, folder / "clip.onnx")
        shutil.copy(folder / "clip.toml", folder / "model.toml")

    return change


NOT_A_NUMBER = clip_graph(
    [
        helper.make_node("Sub", ["half", "means"], ["below"]),
        helper.make_node("Sqrt", ["below"], ["logits"]),
    ],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
    {"half": np.float32(0.5)},
)
SHRINKING = clip_graph(
    [
        helper.make_node("Less", ["means", "half"], ["dark"]),
        helper.make_node("Reshape", ["dark", "flat"], ["chosen"]),
        helper.make_node("Compress", ["means", "chosen"], ["logits"], axis=1),
    ],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, None])],
    {"half": np.float32(0.5), "flat": np.array([-1], np.int64)},
)


def clip_form(old: str, new: str) -> Callable[[Path], None]:
    """Breaks the manifest of the clip form, which then is the model's."""

    def change(folder: Path) -> None:
        replace("clip.toml", old, new)(folder)
        shutil.copy(folder / "clip.toml", folder / "model.toml")

    return change


@dataclass(frozen=True)
class Case:
    """What is broken, and what the error has to say of it: place, found, expected, what to do."""

    name: str
    change: Callable[[Path], None]
    words: tuple[str, ...]


GARBAGE = bytes(range(256)) * 16
ENCODER_SUM = '[graph.sha256]\n"encoder.onnx" = "00ff"\n\n[outputs]'
BOX = 'boxes = { name = "boxes"'
CASES = [
    Case("manifest missing", remove("model.toml"), ("model.toml", "no such", "takes a folder")),
    Case("graph missing", remove("encoder.onnx"), ("encoder.onnx", "no such", "model.toml names")),
    Case("head missing", remove("head.onnx"), ("head.onnx", "no such", "model.toml names")),
    Case(
        "truncated ONNX",
        truncate("head.onnx"),
        ("head.onnx", "bytes", "expected a complete ONNX", "again"),
    ),
    Case(
        "garbage ONNX",
        write("encoder.onnx", GARBAGE),
        ("encoder.onnx", "found 4096 bytes", "expected a complete ONNX", "again"),
    ),
    Case(
        "empty ONNX",
        write("encoder.onnx", b""),
        ("encoder.onnx", "found 0 bytes", "expected a complete ONNX", "again"),
    ),
    Case(
        "input name",
        replace("model.toml", "[graph]", '[graph]\ninput = "video"'),
        ("encoder.onnx", '"frames"', '"video"', "graph.input", "mend"),
    ),
    Case(
        "rank",
        clip_form('"NTHWC"', '"N(TC)HW"'),
        ("clip.onnx", "[1, 4, 8, 8, 3]", "[1, 12, 8, 8]", "N(TC)HW", "mend"),
    ),
    Case(
        "size",
        replace("model.toml", "width = 8", "width = 9"),
        ("encoder.onnx", "[1, 8, 8, 3]", "[1, 8, 9, 3]", "mend"),
    ),
    Case(
        "window length",
        clip_form("frames = 4", "frames = 5"),
        ("clip.onnx", "[1, 4, 8, 8, 3]", "[1, 5, 8, 8, 3]", "mend"),
    ),
    Case(
        "element type",
        replace("model.toml", '"uint8"', '"float32"'),
        ("encoder.onnx", "found uint8", "expected float32", "mend"),
    ),
    Case(
        "class count",
        replace("model.toml", '"green", ', '"green", "grey", '),
        ("head.onnx", "logits", "[1, 3]", "4 labels", "mend"),
    ),
    Case(
        "output missing",
        replace("model.toml", 'name = "logits"', 'name = "scores"'),
        ("head.onnx", '"logits"', '"scores"', "outputs.scores", "mend"),
    ),
    Case(
        "rank of boxes",
        replace("model.toml", BOX, 'boxes = { name = "relevance"'),
        ("head.onnx", "outputs.boxes", "[1, 1, 4]", "[?, ?, 4, 4]", "mend"),
    ),
    Case(
        "head input",
        rename_head_input,
        ("head.onnx", '"features"', "encoder.onnx", '"tokens"', "mend"),
    ),
    Case(
        "unknown key",
        replace("model.toml", "frames = 4", "frmaes = 4"),
        ("model.toml", "input.frmaes", "no manifest has", 'did you mean "frames"?'),
    ),
    Case(
        "key missing",
        replace("model.toml", "fps = 10.0", ""),
        ("model.toml", "missing field", "fps", "expected", "README"),
    ),
    Case(
        "type of a key",
        replace("model.toml", "frames = 4", 'frames = "four"'),
        ("model.toml", "frames", '"four"', "expected", "README"),
    ),
    Case(
        "no TOML",
        write("model.toml", b"[model\nname\n"),
        ("model.toml", "line 1", "expected TOML", "README"),
    ),
    Case(
        "binary manifest",
        write("model.toml", GARBAGE),
        ("model.toml", "byte 0x80", "expected UTF-8"),
    ),
    Case(
        "layout",
        replace("model.toml", '"NTHWC"', '"NTHWX"'),
        ("model.toml", "input.layout", "'X'", "N, C, H, W and T"),
    ),
    Case(
        "hop of the manifest",
        replace("model.toml", "hop = 2", "hop = 5"),
        ("model.toml", "input.hop", "found 5", "1 to 4"),
    ),
    Case("labels missing", labels_file(None), ("labels.txt", "no such labels", "labels.file")),
    Case(
        "labels in Latin-1",
        labels_file("red\ngrün\nblue\n".encode("latin-1")),
        ("labels.txt", "line 2", "0xfc", "expected UTF-8", "save it as UTF-8"),
    ),
    Case(
        "labels in UTF-16",
        labels_file("red\ngreen\nblue\n".encode("utf-16")),
        ("labels.txt", "UTF-16", "expected UTF-8", "save it as UTF-8"),
    ),
    Case(
        "too few labels",
        labels_file(b"red\nblue\n"),
        ("head.onnx", "logits", "[1, 3]", "2 labels", "mend"),
    ),
    Case(
        "checksum",
        replace("model.toml", "[outputs]", ENCODER_SUM),
        ("encoder.onnx", "sha256", "expected 00ff", "model.toml", "copy the file again"),
    ),
    Case(
        "no number at run time",
        NOT_A_NUMBER,
        ("clip.onnx", "logits", "NaN", "expected finite numbers", "mend"),
    ),
    Case(
        "size at run time",
        SHRINKING,
        ("clip.onnx", "logits", "[1, 2]", "expected [1, 3]", "mend"),
    ),
]


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A copy of the sound model."""
    return Path(shutil.copytree(COLOURS, tmp_path / "model"))


def test_the_sound_model_runs(colours: Path, tmp_path: Path) -> None:
    """What the cases break was whole before."""
    out = tmp_path / "out.raw"
    done = launch(f"{VIDEO} ! artclassify model={colours} ! filesink location={out}")
    assert done.status == 0 and not done.errors(), done.output
    assert out.stat().st_size == 60 * 64 * 48 * 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_broken_model(case: Case, colours: Path, tmp_path: Path) -> None:
    """One broken thing in a model."""
    case.change(colours)
    assert_says(fails(colours, tmp_path / "out.raw"), (str(colours), *case.words))


@pytest.mark.parametrize("case", [NOT_A_NUMBER, SHRINKING], ids=["no number", "size"])
def test_broken_run_in_hold(case: Callable[[Path], None], colours: Path, tmp_path: Path) -> None:
    """Without delay, frames before the first result may pass; the error is the same one."""
    case(colours)
    line = f"{VIDEO} ! artclassify model={colours} alignment=hold ! fakesink"
    done = launch(line, timeout=TIMEOUT)
    assert done.status > 0, done.output
    assert_says(only_error(done), ("clip.onnx", "logits", "expected", "mend"))


def test_no_model(tmp_path: Path) -> None:
    """The property model is not set."""
    error = fails(None, tmp_path / "out.raw")
    assert_says(error, ("property model", "found nothing", "expected a folder with a model.toml"))


def test_no_such_folder(tmp_path: Path) -> None:
    """The property model names nothing."""
    nowhere = tmp_path / "nowhere"
    error = fails(nowhere, tmp_path / "out.raw")
    assert_says(error, (str(nowhere), "no such model folder", "takes a folder with a model.toml"))


def test_hop_beyond_the_window(colours: Path, tmp_path: Path) -> None:
    """The property hop leaves samples between windows."""
    error = fails(colours, tmp_path / "out.raw", "hop=5")
    assert_says(error, ("property hop", "found 5", "expected 1 to 4", str(colours)))


def runtime(path: Path) -> dict[str, str]:
    """An environment that names another ONNX Runtime."""
    return {**os.environ, "ORT_DYLIB_PATH": str(path)}


def test_runtime_path_leads_nowhere(colours: Path, tmp_path: Path) -> None:
    """ORT_DYLIB_PATH names no file."""
    gone = tmp_path / "libonnxruntime.so"
    error = fails(colours, tmp_path / "out.raw", env=runtime(gone))
    assert_says(error, (str(gone), "no such", "ORT_DYLIB_PATH", "expected libonnxruntime.so 1.17"))


def test_runtime_is_no_library(colours: Path, tmp_path: Path) -> None:
    """ORT_DYLIB_PATH names a text file."""
    text = tmp_path / "libonnxruntime.so"
    text.write_text("This is no library.\n")
    error = fails(colours, tmp_path / "out.raw", env=runtime(text))
    assert_says(error, (str(text), "found", "expected ONNX Runtime 1.17", "set ORT_DYLIB_PATH"))


def test_runtime_is_another_library(colours: Path, tmp_path: Path) -> None:
    """ORT_DYLIB_PATH names the C library."""
    loaded = Path("/proc/self/maps").read_text().split()
    other = Path(next(word for word in loaded if Path(word).name.startswith("libc.so")))
    error = fails(colours, tmp_path / "out.raw", env=runtime(other))
    assert_says(error, (str(other), "found", "expected ONNX Runtime 1.17", "set ORT_DYLIB_PATH"))


def test_no_runtime_on_the_machine(colours: Path, tmp_path: Path) -> None:
    """No ONNX Runtime where it is looked for."""
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    del env["ORT_DYLIB_PATH"]
    env["HOME"] = str(tmp_path)
    folders = (Path("/usr/lib"), Path("/usr/local/lib"))
    system = [path for folder in folders for path in folder.rglob("libonnxruntime.so*")]
    if system:
        pytest.skip(f"this machine has {system[0]}")
    error = fails(colours, tmp_path / "out.raw", env=env)
    assert_says(error, ("found no ONNX Runtime", "libonnxruntime.so 1.17", "set ORT_DYLIB_PATH"))
