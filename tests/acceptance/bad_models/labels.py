"""Faults of the labels."""

import os
from pathlib import Path

from .case import Case, Change, manifest, together, write

NAMES = 'names = ["red", "green", "blue"]'
FROM_FILE = manifest(NAMES, 'file = "labels.txt"')


def text(name: str, contents: bytes, *words: str) -> Case:
    """A labels file with these bytes."""
    change = together(FROM_FILE, write("labels.txt", contents))
    return Case(name, change, ("labels.txt", "found", "expected", *words))


def names(name: str, new: str, *words: str) -> Case:
    """Other labels in the manifest."""
    return Case(name, manifest(NAMES, new), ("model.toml", "found", "expected", *words))


def special(name: str, make: Change, *words: str) -> Case:
    """Something that is no file where the labels file should be."""
    return Case(name, together(FROM_FILE, make), ("labels.txt", "labels.file names it", *words))


def count(name: str, names: str, *words: str) -> Case:
    """More or fewer labels than the scores have classes."""
    change = manifest(NAMES, f"names = {names}")
    return Case(name, change, ("head.onnx", "logits", "float32 [1, 3]", "mend", *words))


def folder(path: Path) -> None:
    """A folder in the place of the labels file."""
    (path / "labels.txt").mkdir()


def pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path / "labels.txt")


def loop(path: Path) -> None:
    """A link to itself."""
    (path / "labels.txt").symlink_to("labels.txt")


CASES = [
    Case("labels missing", FROM_FILE, ("labels.txt", "no such labels", "labels.file names it")),
    special("labels are a folder", folder, "found a folder", "expected a labels file"),
    special("labels are a pipe", pipe, "no regular file", "expected a labels file"),
    special("labels are a loop of links", loop, "cannot be read: found", "symbolic links"),
    text("labels in Latin-1", "red\ngrün\nblue\n".encode("latin-1"), "line 2", "0xfc", "as UTF-8"),
    text("labels in UTF-16", "red\ngreen\nblue\n".encode("utf-16"), "UTF-16", "save it as UTF-8"),
    text("empty labels file", b"", "labels: found none", "a label for each class"),
    text("blank labels file", b"\xef\xbb\xbf\r\n \r\n", "labels: found none"),
    text("blank line", b"red\n\nblue\n", "label 2 of 3: found nothing", "fill it in"),
    text("label with NUL", b"red\ngr\0een\nblue\n", "label 2 of 3", "a control character"),
    text("lines of old Macs", b"red\rgreen\rblue\r", "label 1 of 1", "a control character"),
    text("label with escapes", b"red\n\x1b[31mgreen\nblue\n", "label 2 of 3", "control character"),
    text("label twice", b"red\nblue\nred\n", "label 3 of 3", '"red", which is label 1 too'),
    text("endless label", b"red\ngreen\n" + b"x" * 9999, "label 3 of 3", "at most 500 characters"),
    text("too many labels", b"".join(b"%d\n" % n for n in range(65537)), "65537", "at most 65536"),
    text("labels of a GIF", b"GIF89a\xff\xff\xff\x00", "line 1", "0xff", "not UTF-8"),
    names("no names", "names = []", "labels: found none", "a label for each class"),
    names("empty name", 'names = ["red", "", "blue"]', "label 2 of 3: found nothing"),
    names("label twice in the manifest", 'names = ["red", "blue", "blue"]', "which is label 2 too"),
    names("name with NUL", 'names = ["red", "gr\\u0000n", "blue"]', "a control character"),
    names("background is no label", 'names = ["red", "green", "bleu"]', '"blue"', 'such as "bleu"'),
    count("too few labels", '["red", "blue"]', "2 labels"),
    count("another label", '["red", "green", "grey", "blue"]', "4 labels"),
    Case(
        "every label is background",
        manifest('background = ["blue"]', 'background = ["red", "green", "blue"]'),
        ("model.toml: labels.background: found every label", "at least one label", "leave it out"),
    ),
]
