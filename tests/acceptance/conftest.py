"""What the tests of the plugin from outside share. `make test` sets their environment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .launch import MODEL, STREAM, cut, launch_well, run


@pytest.fixture(scope="session", autouse=True)
def _plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plugin registry of its own for this run, in which the plugin was found."""
    registry = tmp_path_factory.mktemp("registry") / "registry.bin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GST_REGISTRY", str(registry))
        found = run("gst-inspect-1.0", "artclassify")
        assert found.status == 0, "no plugin: run make test, or set GST_PLUGIN_PATH"
        assert os.environ.get("ORT_DYLIB_PATH"), "run make test, or set ORT_DYLIB_PATH"
        yield


@pytest.fixture(scope="session")
def model() -> Path:
    """The shipped model."""
    assert (MODEL / "model.toml").exists(), f"{MODEL} is not there"
    return MODEL


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 12 seconds of the shipped stream."""
    assert STREAM.exists(), f"{STREAM} is not there"
    return cut(STREAM, 360, tmp_path_factory.mktemp("stream") / "stream.mp4")


@pytest.fixture(scope="session")
def short_stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 5 seconds of the shipped stream."""
    assert STREAM.exists(), f"{STREAM} is not there"
    return cut(STREAM, 150, tmp_path_factory.mktemp("stream") / "stream.mp4")


@pytest.fixture(scope="session")
def red_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of red, which the tiny model takes for an action."""
    to = tmp_path_factory.mktemp("red") / "red.mp4"
    launch_well(
        "videotestsrc num-buffers=90 pattern=red ! video/x-raw,width=320,height=240 "
        f"! videoconvert ! x264enc ! mp4mux ! filesink location={to}"
    )
    return to
