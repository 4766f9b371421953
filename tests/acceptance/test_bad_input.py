"""What is wrong with a property or with the machine is said once, in words, and no frame passes.

What is wrong with a model is in test_bad_models.py.
"""

import os
from pathlib import Path

import pytest

from .launch import COLOURS, assert_says, launch, only_error

TIMEOUT = 30
MODEL = f"model={COLOURS}"
VIDEO = "videotestsrc num-buffers=60 pattern=red ! video/x-raw,format=RGB,width=64,height=48"


def fails(properties: str, out: Path, env: dict[str, str] | None = None) -> str:
    """The one error of a pipeline that must end with it, and pass nothing before."""
    line = f"{VIDEO} ! artclassify {properties} ! filesink location={out}"
    done = launch(line, env=env, timeout=TIMEOUT)
    assert done.status > 0, f"status {done.status}\n{done.output}"
    assert not out.exists() or out.stat().st_size == 0, f"frames passed\n{done.output}"
    return only_error(done)


def test_no_model(tmp_path: Path) -> None:
    """The property model is not set."""
    error = fails("", tmp_path / "out.raw")
    assert_says(error, ("property model", "found nothing", "expected a folder with a model.toml"))


def test_empty_model(tmp_path: Path) -> None:
    """The property model is an empty text."""
    error = fails('model=""', tmp_path / "out.raw")
    assert_says(error, ("property model", "found an empty", "expected a folder with a model.toml"))


def test_hop_beyond_the_window(tmp_path: Path) -> None:
    """The property hop leaves samples between windows."""
    error = fails(f"{MODEL} hop=5", tmp_path / "out.raw")
    assert_says(error, ("property hop", "found 5", "expected 1 to 4", str(COLOURS)))


def runtime(path: Path) -> dict[str, str]:
    """An environment that names another ONNX Runtime."""
    return {**os.environ, "ORT_DYLIB_PATH": str(path)}


def test_runtime_path_leads_nowhere(tmp_path: Path) -> None:
    """ORT_DYLIB_PATH names no file."""
    gone = tmp_path / "libonnxruntime.so"
    error = fails(MODEL, tmp_path / "out.raw", runtime(gone))
    assert_says(error, (str(gone), "no such", "ORT_DYLIB_PATH", "expected libonnxruntime.so 1.17"))


def test_runtime_is_no_library(tmp_path: Path) -> None:
    """ORT_DYLIB_PATH names a text file."""
    text = tmp_path / "libonnxruntime.so"
    text.write_text("This is no library.\n")
    error = fails(MODEL, tmp_path / "out.raw", runtime(text))
    assert_says(error, (str(text), "found", "expected ONNX Runtime 1.17", "set ORT_DYLIB_PATH"))


def test_runtime_is_another_library(tmp_path: Path) -> None:
    """ORT_DYLIB_PATH names the C library."""
    loaded = Path("/proc/self/maps").read_text().split()
    other = Path(next(word for word in loaded if Path(word).name.startswith("libc.so")))
    error = fails(MODEL, tmp_path / "out.raw", runtime(other))
    assert_says(error, (str(other), "found", "expected ONNX Runtime 1.17", "set ORT_DYLIB_PATH"))


def test_no_runtime_on_the_machine(tmp_path: Path) -> None:
    """No ONNX Runtime where it is looked for."""
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    del env["ORT_DYLIB_PATH"]
    env["HOME"] = str(tmp_path)
    folders = (Path("/usr/lib"), Path("/usr/local/lib"))
    system = [path for folder in folders for path in folder.rglob("libonnxruntime.so*")]
    if system:
        pytest.skip(f"this machine has {system[0]}")
    error = fails(MODEL, tmp_path / "out.raw", env)
    assert_says(error, ("found no ONNX Runtime", "libonnxruntime.so 1.17", "set ORT_DYLIB_PATH"))
