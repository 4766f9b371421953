"""The table in docs/metadata.md of what elements do to metas and events is what they do."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from .launch import COLOURS, ROOT, launch_well, lines, run

SURVIVAL = ROOT / "tests/acceptance/survival.py"
DOCUMENT = ROOT / "docs/metadata.md"
VERSION = "1.22"  # of GStreamer: what the table tells of
START, END = "<!-- survival -->\n", "<!-- /survival -->\n"
HEAD = (
    "| Element | `ArtActionMeta` | Region of interest | Events | What to do |\n"
    + "| --- " * 5
    + "|\n"
)
TIMEOUT = 120

RED = (
    "videotestsrc num-buffers=30 pattern=red ! video/x-raw,format=RGB,width=320,height=240 "
    f"! artclassify model={COLOURS}"
)
WIDTH, HEIGHT = 160, 120
HALF = f"videoscale ! video/x-raw,width={WIDTH},height={HEIGHT}"

NAMED = "find the region's tracklet by its id in the `ArtActionMeta`"
SCALE = f"scale the boxes of the `ArtActionMeta` by `width` and `height`; {NAMED}"
MOVE = "put it before `artclassify`: behind it the class still holds, the boxes do not"
TURN = f"{MOVE}, nor do the regions"
SEE_THE_META = "read the `ArtActionMeta`"
NEW_PICTURES = "put it before `artclassify`, or `artoverlay` and `artmetaenc` before it"
RECORD = "record with `artmetaenc` beside it, or put its text into the file as a track"


@dataclass(frozen=True)
class Part:
    """A part of a pipeline, and what people should do where it does not keep all."""

    name: str
    description: str
    advice: str = ""


PARTS = [
    *(Part(name, name) for name in ("queue", "tee", "identity", "valve")),
    *(Part(name, name) for name in ("input-selector", "concat", "funnel", "streamsynchronizer")),
    *(Part(name, name) for name in ("timecodestamper", "artoverlay")),
    Part("videobalance", "videobalance saturation=0.5"),
    Part("gamma", "gamma gamma=2"),
    Part("videorate", "videorate ! video/x-raw,framerate=15/1"),
    Part("videoconvert", "videoconvert ! video/x-raw,format=NV12", NAMED),
    Part("videoscale", "videoscale ! video/x-raw,width=160,height=120", SCALE),
    Part("videoconvertscale", "videoconvertscale ! video/x-raw,width=160,height=120", SCALE),
    Part("videocrop", "videocrop left=40 top=20", MOVE),
    Part("videobox", "videobox left=40 top=-20", MOVE),
    Part("videoflip", "videoflip method=clockwise", TURN),
    Part("videomedian", "videomedian", SEE_THE_META),
    Part("alpha", "alpha method=green", SEE_THE_META),
    Part("deinterlace", "deinterlace mode=interlaced", NEW_PICTURES),
    Part("compositor", "compositor", NEW_PICTURES),
    *(Part(name, name) for name in ("x264enc", "vp8enc", "vp9enc", "jpegenc", "theoraenc")),
    Part("openh264enc", "openh264enc"),
    Part("h264parse", "x264enc ! h264parse"),
    Part("jpegparse", "jpegenc ! jpegparse"),
    Part("avdec_h264", "x264enc ! avdec_h264"),
    Part("vp8dec", "vp8enc ! vp8dec"),
    Part("jpegdec", "jpegenc ! jpegdec"),
    Part("x265enc", "x265enc"),
    Part("h265parse", "x265enc ! h265parse"),
    Part("rtph264pay", "x264enc ! rtph264pay", SEE_THE_META),
    Part("mp4mux", "x264enc ! mp4mux ! FILE ! qtdemux", RECORD),
    Part("matroskamux", "x264enc ! matroskamux ! FILE ! matroskademux", RECORD),
    Part("mpegtsmux", "x264enc ! h264parse ! mpegtsmux ! FILE ! tsdemux", RECORD),
]


def measured() -> str:
    """The table as the elements of this machine behave; those that behave alike share a row."""
    asked = json.dumps({part.name: part.description for part in PARTS})
    done = subprocess.run(
        ["/usr/bin/python3", SURVIVAL, COLOURS],
        check=False,
        input=asked,
        text=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows: dict[tuple[str, ...], list[str]] = {}
    for part in PARTS:
        said = found[part.name]
        row = (said["result"], said["regions"], said["events"], part.advice)
        rows.setdefault(row, []).append(f"`{part.name}`")
    return HEAD + "".join(
        f"| {', '.join(names)} | {' | '.join(row)} |\n" for row, names in rows.items()
    )


def test_the_documented_table() -> None:
    """The table between the marks is the one that is measured."""
    version = run("gst-inspect-1.0", "--version").output
    if f"GStreamer {VERSION}." not in version:
        pytest.skip(f"the table tells of GStreamer {VERSION}, this is {version}")
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text.split(START)[1].split(END)[0]
    now = measured()
    assert table == now, f"between {START.strip()} and {END.strip()} belongs\n{now}"


def boxes(processing: str, to: Path) -> list[tuple[int, ...]]:
    """What artmetaenc writes behind a part of a pipeline: x, y, width and height of each box."""
    launch_well(f"{RED} ! {processing} ! artmetaenc ! filesink location={to}")
    tracklets = [tracklet for line in lines(to.read_bytes()) for tracklet in line["tracklets"]]
    written = [box for tracklet in tracklets for box in tracklet["boxes"]]
    return [(box["x"], box["y"], box["w"], box["h"]) for box in written]


def test_boxes_are_scaled_with_the_picture(tmp_path: Path) -> None:
    """Behind a scaler to half the size, artmetaenc writes boxes of half the size."""
    whole = boxes("identity", tmp_path / "whole")
    assert whole
    assert boxes(HALF, tmp_path / "half") == [tuple(edge // 2 for edge in box) for box in whole]


def test_boxes_are_drawn_where_they_lie_in_a_scaled_picture(tmp_path: Path) -> None:
    """Behind the same scaler artoverlay draws the box where that region lies now."""
    pictures = []
    for drawing in ("identity", "artoverlay banner=none trail=0"):
        to = tmp_path / drawing.split()[0]
        launch_well(f"{RED} ! {HALF} ! {drawing} ! filesink location={to}")
        pictures.append(np.fromfile(to, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)[0].astype(int))
    drawn = np.abs(pictures[0] - pictures[1]).sum(axis=2) > 0
    (x, y, w, h), *_ = boxes(HALF, tmp_path / "lines")
    middle = drawn[y + h // 2]
    assert middle[x] and middle[x + w - 1] and drawn[y + h - 1, x + w // 2], "three sides"
    assert not middle[: x - 4].any() and not middle[x + w + 4 :].any(), "nothing beside the box"
    assert not middle[x + 4 : x + w - 4].any(), "nothing inside"
    assert not drawn[y + h + 4 :].any(), "nothing below"
