"""Faults of the files themselves: what is missing, no file, damaged, or of another kind."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from .case import Case, Change, remove, together, write
from .onnx_graphs import LOGITS, clip

GARBAGE = bytes(range(256)) * 16
AGAIN = "export it again or copy it again in full"


def instead(file: str, make: Callable[[Path], None]) -> Change:
    """Puts something else where a file was."""

    def change(folder: Path) -> None:
        (folder / file).unlink()
        make(folder / file)

    return change


def loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to("gone")


def sparse(path: Path) -> None:
    """Three gigabytes of zeros that take no room."""
    with path.open("wb") as file:
        file.truncate(3 << 30)


def locked(file: str) -> Change:
    """Takes the right to read away."""

    def change(folder: Path) -> None:
        (folder / file).chmod(0)

    return change


def truncated(size: Callable[[int], int]) -> Change:
    """Keeps the first bytes of the head; `size` tells how many of all."""

    def change(folder: Path) -> None:
        whole = (folder / "head.onnx").read_bytes()
        (folder / "head.onnx").write_bytes(whole[: size(len(whole))])

    return change


def flipped(every: int) -> Change:
    """Turns over the bits of every so many bytes of the head."""

    def change(folder: Path) -> None:
        whole = bytearray((folder / "head.onnx").read_bytes())
        whole[::every] = bytes(byte ^ 0xFF for byte in whole[::every])
        (folder / "head.onnx").write_bytes(whole)

    return change


def cut(name: str, size: Callable[[int], int]) -> Case:
    """A head of which only the start is there."""
    return Case(
        f"ONNX cut {name}", truncated(size), ("head.onnx", "bytes", "expected a complete ONNX")
    )


def other(name: str, start: bytes, *words: str) -> Case:
    """A file of another kind named like a graph."""
    change = write("encoder.onnx", start + GARBAGE)
    return Case(name, change, ("encoder.onnx", "found", "expected a complete ONNX model", *words))


def external(location: str, size: int = 12) -> Callable[[ModelProto], None]:
    """Lets the weights of a clip graph lie in a data file."""

    def edit(model: ModelProto) -> None:
        weights = model.graph.initializer.add()
        weights.CopyFrom(numpy_helper.from_array(np.zeros((1, 3), np.float32), "weights"))
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, "length": str(size)}.items():
            weights.external_data.add(key=key, value=value)

    return edit


def outside(name: str, edit: Callable[[ModelProto], None], word: str, *others: Change) -> Case:
    """A clip graph whose data file is not as it should be."""
    nodes = [helper.make_node("Add", ["means", "weights"], ["logits"])]
    change = together(clip(nodes, [LOGITS], edit=edit), *others)
    return Case(name, change, ("clip.onnx", "expected a complete ONNX model", word))


MANIFEST = ("model.toml", "the property model takes a folder with a model.toml")
HEAD = ("head.onnx", "model.toml names it")
CASES = [
    Case("manifest missing", remove("model.toml"), (*MANIFEST, "no such manifest")),
    Case("manifest is a folder", instead("model.toml", Path.mkdir), (*MANIFEST, "found a folder")),
    Case("manifest is a pipe", instead("model.toml", os.mkfifo), (*MANIFEST, "no regular file")),
    Case(
        "manifest is a loop of links",
        instead("model.toml", loop),
        (*MANIFEST, "cannot be read: found", "symbolic links"),
    ),
    Case("manifest is a dead link", instead("model.toml", dangling), (*MANIFEST, "no such")),
    Case(
        "manifest of megabytes",
        write("model.toml", b"#" * (2 << 20)),
        (*MANIFEST, "found more than 1048576 bytes", "expected a manifest of at most"),
    ),
    Case(
        "manifest may not be read",
        locked("model.toml"),
        (*MANIFEST, "cannot be read: found Permission denied"),
        needs_user=True,
    ),
    Case(
        "the property names the graph",
        together(),
        ("clip.onnx", "UTF-8 text in TOML", "the property model takes a folder with a model.toml"),
        location="clip.onnx",
    ),
    Case("nothing there", together(), (*MANIFEST[1:], "no such model folder"), location="gone"),
    Case("encoder missing", remove("encoder.onnx"), ("encoder.onnx", "no such", "names it")),
    Case("head missing", remove("head.onnx"), (*HEAD, "no such graph file")),
    Case("head is a folder", instead("head.onnx", Path.mkdir), (*HEAD, "found a folder")),
    Case("head is a pipe", instead("head.onnx", os.mkfifo), (*HEAD, "no regular file")),
    Case("head is a loop of links", instead("head.onnx", loop), (*HEAD, "symbolic links")),
    Case("head is a dead link", instead("head.onnx", dangling), (*HEAD, "no such graph file")),
    Case(
        "head may not be read",
        locked("head.onnx"),
        (*HEAD, "cannot be read: found Permission denied"),
        needs_user=True,
    ),
    Case(
        "gigabytes of zeros",
        instead("head.onnx", sparse),
        ("head.onnx", "found 3221225472 bytes", "expected a complete ONNX model"),
    ),
    Case("empty ONNX", write("head.onnx", b""), ("head.onnx", "found 0 bytes", AGAIN)),
    Case("garbage", write("head.onnx", GARBAGE), ("head.onnx", "found 4096 bytes", AGAIN)),
    Case("text", write("head.onnx", b"no graph\n"), ("head.onnx", "found 9 bytes", AGAIN)),
    Case("bits turned over", flipped(7), ("head.onnx", "expected a complete ONNX", AGAIN)),
    cut("after a byte", lambda _: 1),
    cut("after 9 bytes", lambda _: 9),
    cut("in its first half", lambda whole: whole // 3),
    cut("in the middle", lambda whole: whole // 2),
    cut("in its second half", lambda whole: whole * 4 // 5),
    cut("before its last byte", lambda whole: whole - 1),
    other("PyTorch file", b"PK\x03\x04", "a ZIP archive", "torch.onnx.export"),
    other("pickle", b"\x80\x02}q\x00", "a Python pickle", "torch.onnx.export"),
    other("Keras file", b"\x89HDF\r\n\x1a\n", "an HDF5 file", "tf2onnx"),
    other("TensorFlow Lite", b"\x1c\0\0\0TFL3", "a TensorFlow Lite model", "tf2onnx"),
    other("gzip", b"\x1f\x8b\x08\0", "a gzip archive", "unpack it first"),
    other("Git LFS", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    other("web page", b"<!DOCTYPE html>", "a web page", "download the file itself"),
    outside("data file missing", external("weights.bin"), "copy the data file"),
    outside(
        "data file elsewhere", external("../../../../../../../etc/passwd"), "copy the data file"
    ),
    outside(
        "data file short",
        external("weights.bin"),
        "copy the data file",
        write("weights.bin", b"\0\0"),
    ),
    outside(
        "data file is a pipe",
        external("weights.bin"),
        "a regular file",
        lambda folder: os.mkfifo(folder / "weights.bin"),
    ),
]
