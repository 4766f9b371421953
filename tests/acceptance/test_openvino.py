"""Another execution provider than the CPU's: OpenVINO on the CPU, from its own ONNX Runtime.

The first run downloads the Python wheel onnxruntime-openvino (84 MB) and keeps its libraries in
.cache. Without a network, and on other machines than x86-64, these tests are skipped.
"""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from .launch import COLOURS, ROOT, Finished, assert_says, launch, lines, only_error, scores

VERSION = "1.24.1"
TOLERANCE = 1e-3
WHEEL = (
    "--no-deps --only-binary=:all: --python-version 3.11 --implementation cp "
    f"--platform manylinux_2_28_x86_64 onnxruntime-openvino=={VERSION}"
)


def download(to: Path) -> None:
    """Puts the libraries of the wheel into a folder."""
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(to), *WHEEL.split()]
    done = subprocess.run(words, check=False, text=True, capture_output=True, timeout=600)
    if done.returncode != 0:
        pytest.skip(f"the wheel onnxruntime-openvino cannot be had: {done.stderr.strip()[-300:]}")
    (wheel,) = to.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if name.startswith("onnxruntime/capi/lib"):
                (to / Path(name).name).write_bytes(packed.read(name))
    wheel.unlink()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of an ONNX Runtime with OpenVINO."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        pytest.skip("the wheel is for Linux on x86-64")
    folder = ROOT / ".cache/onnxruntime-openvino" / VERSION
    if not folder.exists():
        part = folder.with_name(f"{VERSION}.{os.getpid()}.part")
        part.mkdir(parents=True)
        try:
            download(part)
            part.rename(folder)
        finally:
            for left in part.glob("*"):
                left.unlink()
            if part.exists():
                part.rmdir()
    return folder / f"libonnxruntime.so.{VERSION}"


def classify(
    source: Path, model: Path, properties: str, to: Path, runtime: Path | None, cache: Path
) -> Finished:
    """Records a video with all scores, and tells what the element says of itself."""
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "GST_DEBUG": "artclassify:4"}
    if runtime is not None:
        env["ORT_DYLIB_PATH"] = str(runtime)
    return launch(
        f"-v filesrc location={source} ! decodebin ! artclassify model={model} top-k=1000 "
        f"{properties} ! artmetaenc ! filesink location={to}",
        env=env,
        timeout=300,
    )


@pytest.mark.parametrize("form", ["model.toml", "clip.toml"])
def test_same_scores_as_the_cpu(
    form: str, model: Path, short_stream: Path, runtime: Path, tmp_path: Path
) -> None:
    """Every node runs on OpenVINO, and the scores are those of ONNX Runtime's own CPU code."""
    recorded = {}
    for provider, library in (("openvino", runtime), ("cpu", None)):
        to = tmp_path / provider
        asked = f"providers={provider} strict=true"
        done = classify(short_stream, model / form, asked, to, library, tmp_path / "cache")
        assert done.status == 0, done.output
        assert f"active-provider = {provider}" in done.output, done.output
        recorded[provider] = lines(to.read_bytes())
        nodes = "openvino 2" if form == "model.toml" else "openvino 1"
        assert f"nodes: {nodes if provider == 'openvino' else 'cpu'}" in done.output, done.output
    pairs = list(zip(recorded["openvino"], recorded["cpu"], strict=True))
    assert len(pairs) > 3
    difference = max(np.abs(np.subtract(scores(a), scores(b))).max() for a, b in pairs)
    print(f"{len(pairs)} windows, scores {difference:.1e} apart")
    assert difference <= TOLERANCE
    assert all(a["label"] == b["label"] for a, b in pairs)


def test_what_was_compiled_is_kept(
    model: Path, short_stream: Path, runtime: Path, tmp_path: Path
) -> None:
    """The first start compiles and says so, the second finds the result; another model does not."""
    cache = tmp_path / "cache"
    told = []
    for form in ("model.toml", "model.toml", "clip.toml"):
        done = classify(
            short_stream, model / form, "providers=openvino", tmp_path / "out", runtime, cache
        )
        assert done.status == 0, done.output
        told.append([line for line in done.output.splitlines() if "(compile)" in line])
        assert "WARNING" not in done.output, done.output
    first, second, other = told
    assert len(first) == 2 and "which may take minutes; it is kept in" in first[0], first
    assert str(cache / "artclassify/openvino/encoder-") in first[0]
    assert "has compiled" in first[1]
    assert second == []
    assert len(other) == 2 and "/openvino/clip-" in other[0]
    assert len(list((cache / "artclassify/openvino").iterdir())) == 3


def test_a_cache_that_cannot_be_written(
    model: Path, short_stream: Path, runtime: Path, tmp_path: Path
) -> None:
    """It is told, and the model runs nonetheless."""
    cache = tmp_path / "cache"
    cache.write_text("a file where a folder should be\n")
    out = tmp_path / "out"
    done = classify(short_stream, model, "providers=openvino", out, runtime, cache)
    assert done.status == 0 and lines(out.read_bytes()), done.output
    assert "active-provider = openvino" in done.output
    (warning,) = [line for line in done.output.splitlines() if line.startswith("WARNING: from")]
    assert_says(warning, (str(cache), "each start compiles anew", "set XDG_CACHE_HOME"))


def colours(model: Path, properties: str, runtime: Path, cache: Path) -> Finished:
    """Runs a tiny model over red pictures."""
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "ORT_DYLIB_PATH": str(runtime)}
    return launch(
        "-v videotestsrc num-buffers=30 pattern=red ! video/x-raw,format=RGB,width=64,height=48 "
        f"! artclassify model={model} {properties} ! fakesink",
        env=env,
    )


def test_a_graph_that_it_cannot_compile(runtime: Path, tmp_path: Path) -> None:
    """OpenVINO takes the graph and then fails: the CPU runs the model, and nothing is kept."""
    for _ in range(2):
        done = colours(COLOURS / "slow.toml", "providers=openvino,cpu", runtime, tmp_path)
        assert done.status == 0, done.output
        assert "active-provider = cpu" in done.output
        told = [line for line in done.output.splitlines() if "(compile)" in line]
        assert len(told) == 2 and "could not compile" in told[1], done.output
        (warning,) = [line for line in done.output.splitlines() if line.startswith("WARNING: from")]
        assert_says(warning, ("found openvino", "slow.toml", "cpu is tried"))
        assert list((tmp_path / "artclassify/openvino").iterdir()) == []


def test_a_graph_that_it_runs_in_part(runtime: Path, tmp_path: Path) -> None:
    """An operator that OpenVINO does not have runs on the CPU, and that is told."""
    model = Path(shutil.copytree(COLOURS, tmp_path / "model"))
    unique = helper.make_node("Unique", ["logits"], ["values", "first", "back"], axis=1)
    again = helper.make_node("Gather", ["values", "back"], ["again"], axis=1)
    graph = onnx.load(model / "clip.onnx")
    graph.graph.node.extend([unique, again])
    graph.graph.output[0].name = "again"
    onnx.save(graph, model / "clip.onnx")
    text = (model / "clip.toml").read_text().replace('"logits"', '"again"')
    (model / "clip.toml").write_text(text)
    done = colours(model / "clip.toml", "providers=openvino strict=true", runtime, tmp_path)
    assert done.status == 0, done.output
    assert "active-provider = openvino" in done.output
    assert "leaves nodes of the model to others" in done.output, done.output
    assert "nodes by provider: openvino 2, cpu 1" in done.output


def test_a_device_that_is_not_there(
    model: Path, short_stream: Path, runtime: Path, tmp_path: Path
) -> None:
    """The provider is in the library but cannot be set up: the next is taken, or strict fails."""
    out, asked = tmp_path / "out", "providers=openvino:GPU.7,cpu"
    done = classify(short_stream, model, asked, out, runtime, tmp_path)
    assert done.status == 0 and lines(out.read_bytes()), done.output
    assert "active-provider = cpu" in done.output
    (warning,) = [line for line in done.output.splitlines() if line.startswith("WARNING: from")]
    words = ("property providers", "found openvino:GPU.7", "expected", "onnxruntime-openvino")
    assert_says(warning, (*words, "cpu is tried"))

    strict = classify(short_stream, model, f"{asked} strict=true", out, runtime, tmp_path)
    assert strict.status > 0
    assert_says(only_error(strict), (*words, "set strict=false"))
