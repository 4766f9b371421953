"""One coloured picture in many raw formats, at a size with odd rows and columns."""

from pathlib import Path

import numpy as np
import pytest

from .launch import COLOURS, lines, record, scores
from .reader import softmax

COLOUR = (192, 128, 64)
GREY = (128, 128, 128)
TOLERANCE = 0.01


def classify(colour: tuple[int, int, int], caps: str, to: Path) -> list[list[float]]:
    """Scores of the windows of two seconds of one colour, which the tiny model sees as means."""
    red, green, blue = colour
    source = (
        "videotestsrc num-buffers=60 pattern=solid-color "
        f"foreground-color={0xFF000000 | red << 16 | green << 8 | blue} "
        f"! video/x-raw,format=RGB ! videoconvert ! video/x-raw,{caps},width=333,height=241"
    )
    recorded = record(source, f"model={COLOURS}", to)
    return [scores(window) for window in lines(recorded)]


def expected(colour: tuple[int, int, int]) -> np.ndarray:
    """What the tiny model says of a colour: its logits are the means, 0 to 8."""
    return softmax(np.array(colour) * 8 / 255)


@pytest.mark.parametrize(
    "raw",
    ["I420", "NV12", "YUY2", "UYVY", "RGB", "BGRx", "I420_10LE", "P010_10LE", "v210"],
)
def test_colour(raw: str, tmp_path: Path) -> None:
    """Every format gives the scores of the colour itself."""
    found = np.array(classify(COLOUR, f"format={raw}", tmp_path / "events.jsonl"))
    assert found.shape == (9, 3)
    assert np.abs(found - expected(COLOUR)).max() <= TOLERANCE


def test_grey(tmp_path: Path) -> None:
    """Grey pictures have equal means."""
    found = np.array(classify(GREY, "format=GRAY8", tmp_path / "events.jsonl"))
    assert found.shape == (9, 3)
    assert np.abs(found - expected(GREY)).max() <= TOLERANCE


def test_wide_colours_of_high_definition(tmp_path: Path) -> None:
    """BT.709 is not read as BT.601: that would be off by more than the tolerance."""
    caps = "format=I420,colorimetry=bt709"
    found = np.array(classify(COLOUR, caps, tmp_path / "events.jsonl"))
    assert np.abs(found - expected(COLOUR)).max() <= TOLERANCE
