"""GstAnalytics metadata: drawn by GStreamer's own overlay, read by Python without our code."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gi
import numpy as np
import pytest

from .launch import Line, lines

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstAnalytics, GstApp  # noqa: E402, F401

SCORE = 1e-6  # JSON Lines have six decimals
DRAWN = 0.95  # part of an edge that differs from the picture, which may have its colour
BARE = 0.5  # part of a line that other boxes and tags cross, at most
NEAR = 6  # pixels
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Region:
    """A box of a frame, with what relates to it."""

    kind: str
    box: Box
    track: int
    first_seen: int
    last_seen: int
    classes: list[tuple[str, float]]


@dataclass(frozen=True)
class Entries:
    """The relation meta of a frame, read entry by entry."""

    whole: list[list[tuple[str, float]]]
    regions: list[Region]


def classes_of(found: GstAnalytics.ClsMtd) -> list[tuple[str, float]]:
    """Labels and scores."""
    return [
        (GLib.quark_to_string(found.get_quark(i)), found.get_level(i))
        for i in range(found.get_length())
    ]


def read(buffer: Gst.Buffer) -> Entries | None:
    """Everything that stands in the relation meta; none where there is no meta."""
    meta = GstAnalytics.buffer_get_analytics_relation_meta(buffer)
    if meta is None:
        return None
    ids = range(GstAnalytics.relation_get_length(meta))
    boxes, tracks, classes = {}, {}, {}
    for i in ids:
        for found, get in ((boxes, meta.get_od_mtd), (tracks, meta.get_tracking_mtd)):
            there, entry = get(i)
            if there:
                found[i] = entry
        there, entry = meta.get_cls_mtd(i)
        if there:
            classes[i] = classes_of(entry)
    assert len(boxes) + len(tracks) + len(classes) == len(ids)

    regions, related = [], set()
    kinds = GstAnalytics.RelTypes
    for i, entry in boxes.items():
        (track,) = [j for j in tracks if meta.get_relation(i, j) == kinds.RELATE_TO]
        (of,) = [j for j in classes if meta.get_relation(i, j) == kinds.RELATE_TO | kinds.CONTAIN]
        assert meta.get_relation(of, i) == kinds.IS_PART_OF
        related.add(of)
        _, *box, sure = entry.get_location()
        _, number, first_seen, last_seen, lost = tracks[track].get_info()
        assert not lost and sure == classes[of][0][1]
        kind = GLib.quark_to_string(entry.get_obj_type())
        regions.append(Region(kind, tuple(box), number, first_seen, last_seen, classes[of]))
    return Entries([found for i, found in classes.items() if i not in related], regions)


@dataclass(frozen=True)
class Frame:
    """One frame of the three branches."""

    pts: int
    plain: np.ndarray
    stock: np.ndarray
    own: np.ndarray
    entries: Entries | None
    result: Gst.Structure | None


def pixels(sample: Gst.Sample) -> np.ndarray:
    """The rows of a BGRx frame, as rows x columns x 3."""
    caps = sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    buffer = sample.get_buffer()
    data = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
    return data.reshape(height, width, 4)[:, :, :3]


def played(clip: Path, model: Path, labels: bool, to: Path) -> Iterator[Frame]:
    """The frames of a clip: plain, with the stock overlay, and with ours. Writes JSON Lines."""
    sink = "appsink sync=false max-buffers=2"
    pipeline = Gst.parse_launch(
        f"filesrc location={clip} ! qtdemux ! avdec_h264 ! videoconvert "
        f"! video/x-raw,format=BGRx ! artclassify model={model} top-k=48 ! t. "
        "tee name=t "
        f"t. ! queue ! {sink} name=plain "
        "t. ! queue ! objectdetectionoverlay "
        f"draw-labels={str(labels).lower()} ! {sink} name=stock "
        "t. ! queue ! artoverlay banner=none trail=0 min-score=0 "
        f"show-background=true ! {sink} name=own "
        f"t. ! artmetaenc ! queue max-size-time=0 ! filesink location={to}"
    )
    pipeline.set_state(Gst.State.PLAYING)
    try:
        sinks = [pipeline.get_by_name(name) for name in ("plain", "stock", "own")]
        while True:
            samples = [sink.pull_sample() for sink in sinks]
            if samples[0] is None:
                break
            plain, stock, own = map(pixels, samples)
            buffer = samples[0].get_buffer()
            meta = buffer.get_custom_meta("ArtActionMeta")
            result = meta.get_structure().copy() if meta else None
            yield Frame(buffer.pts, plain, stock, own, read(buffer), result)
        bus = pipeline.get_bus()
        end = bus.timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        assert end and end.type == Gst.MessageType.EOS
    finally:
        pipeline.set_state(Gst.State.NULL)


@pytest.fixture(scope="module", autouse=True)
def _gstreamer(_plugin: None) -> None:
    """GStreamer, with the plugin registry of the run."""
    Gst.init(None)


@dataclass(frozen=True)
class Recorded:
    """One run."""

    frames: list[Frame]
    windows: dict[int, Line]


@pytest.fixture(scope="module")
def recorded(short_stream: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The shipped model on five seconds of the shipped stream."""
    to = tmp_path_factory.mktemp("analytics") / "events.jsonl"
    frames = list(played(short_stream, model, False, to))
    windows = {line["window"]: line for line in lines(to.read_bytes())}
    assert len(frames) > 140 and len(windows) > 3
    return Recorded(frames, windows)


def test_python_reads_what_json_lines_say(recorded: Recorded) -> None:
    """Classes, scores and regions of each frame are those of the line of its window."""
    boxes = 0
    for frame in recorded.frames:
        assert frame.entries and frame.result
        window = recorded.windows[frame.result.get_uint64("window").value]
        top = [(entry["label"], entry["score"]) for entry in window["top"]]
        of_all = [*frame.entries.whole, *(region.classes for region in frame.entries.regions)]
        assert len(frame.entries.whole) == 1
        for classes in of_all:
            assert [label for label, _ in classes] == [label for label, _ in top]
            scores = [score for _, score in classes]
            assert np.allclose(scores, [score for _, score in top], atol=SCORE, rtol=0)
            assert scores == sorted(scores, reverse=True)
        tracklets = {tracklet["id"]: tracklet for tracklet in window["tracklets"]}
        assert {region.track for region in frame.entries.regions} <= set(tracklets)
        for region in frame.entries.regions:
            assert region.kind == window["label"]
            assert region.first_seen <= window["start"] and region.last_seen == frame.pts
            for box in tracklets[region.track]["boxes"]:
                if box["pts"] == frame.pts:
                    assert region.box == (box["x"], box["y"], box["w"], box["h"])
                    boxes += 1
    assert boxes > 20


def test_tracks_are_first_seen_once(recorded: Recorded) -> None:
    """A track has one beginning, the start of the window that it is first in."""
    starts: dict[int, int] = {}
    for window in recorded.windows.values():
        for tracklet in window["tracklets"]:
            starts.setdefault(tracklet["id"], window["start"])
    regions = [region for frame in recorded.frames for region in frame.entries.regions]
    assert regions
    assert all(region.first_seen == starts[region.track] for region in regions)


def edges(box: Box, outer: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the left, right and bottom edge of a box, so many pixels outside of it.

    Corners are left out, and the top edge, where our tag may stand.
    """
    x, y, w, h = box
    rows, columns = slice(y + 4, y + h - 4), slice(x + 4, x + w - 4)
    left, right, bottom = x - outer, x + w - 1 + outer, y + h - 1 + outer
    return [
        (rows, slice(left, left + 1)),
        (rows, slice(right, right + 1)),
        (slice(bottom, bottom + 1), columns),
    ]


def drawn(frame: Frame, drawing: np.ndarray, box: Box, outer: int) -> list[float]:
    """The part of each edge that differs from the plain picture."""
    changed = (drawing != frame.plain).any(axis=2)
    return [float(changed[where].mean()) for where in edges(box, outer)]


def near(box: Box, other: Box) -> bool:
    """Whether an edge of the other box may lie where beyond an edge of the box is nothing."""
    (x, y, w, h), (ox, oy, ow, oh) = box, other
    pairs = [(x, ox), (x, ox + ow), (x + w, ox), (x + w, ox + ow), (y + h, oy), (y + h, oy + oh)]
    return any(abs(a - b) < NEAR for a, b in pairs)


def test_the_stock_overlay_draws_our_boxes(recorded: Recorded) -> None:
    """Its lines, two pixels wide, lie on the boundary of the boxes that artoverlay draws.

    The outermost pixels of artoverlay's lines are the outermost ones of the box; the stock
    overlay's lie one outside of them. Beyond is nothing, where no edge of another box is near.
    """
    compared = bare = 0
    for frame in recorded.frames:
        height, width, _ = frame.plain.shape
        regions = [region.box for region in frame.entries.regions]
        for box in regions:
            x, y, w, h = box
            if min(w, h) < 20 or min(x, y) < NEAR or x + w > width - NEAR or y + h > height - NEAR:
                continue
            compared += 1
            assert min(drawn(frame, frame.own, box, 0)) > DRAWN, (frame.pts, box)
            assert min(drawn(frame, frame.stock, box, 0)) > DRAWN, (frame.pts, box)
            assert min(drawn(frame, frame.stock, box, 1)) > DRAWN, (frame.pts, box)
            if not any(near(box, other) for other in regions if other != box):
                bare += 1
                assert max(drawn(frame, frame.own, box, 1)) < BARE, (frame.pts, box)
                assert max(drawn(frame, frame.stock, box, 2)) < BARE, (frame.pts, box)
    assert compared > 50 and bare > 20, (compared, bare)


def test_the_stock_overlay_draws_our_labels(
    recorded: Recorded, short_stream: Path, model: Path, tmp_path: Path
) -> None:
    """Above each box stands a text that is not there without labels."""
    labelled = list(played(short_stream, model, True, tmp_path / "events.jsonl"))
    told = 0
    for with_text, without in zip(labelled, recorded.frames, strict=True):
        text = (with_text.stock != without.stock).any(axis=2)
        boxes = [region.box for region in without.entries.regions if region.box[1] > 24]
        for x, y, _, _ in boxes:
            assert text[y - 24 : y, x : x + 60].sum() > 60, (without.pts, boxes)
            told += 1
        assert not without.entries.regions or text.any()
    assert told > 50
