#!/usr/bin/python3
"""Prints what a model recognises in a video, as an application in Python gets it.

Windows come from the results that frames carry, actions from messages on the bus. Needs Debian's
package python3-gi and nothing of the plugin's. The lines are those of read.c.

usage: pipelines/read.py IN MODEL
"""

import sys
import warnings
from collections.abc import Iterator

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

# PyGObject reads GstValueArray fields through GObject.ValueArray, which GLib calls deprecated.
warnings.filterwarnings("ignore", "GObject.ValueArray", DeprecationWarning)

WATCHED = Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM
ENDS = Gst.MessageType.EOS | Gst.MessageType.ERROR


def tell(*values: object) -> None:
    """Prints a line with tabs between its values, in one piece: two threads print."""
    sys.stdout.write("\t".join(map(str, values)) + "\n")


def number(s: Gst.Structure, field: str) -> int:
    """A time, a window's number or a tracklet's id."""
    return s.get_uint64(field).value


def decimal(s: Gst.Structure, field: str) -> str:
    """A number with six decimals."""
    return f"{s.get_double(field).value:.6f}"


def named(s: Gst.Structure) -> tuple[int, str, str]:
    """The class that a structure tells of: index, score and label."""
    return s.get_int("label-id").value, decimal(s, "score"), s.get_string("label")


def entries(s: Gst.Structure, field: str) -> Iterator[Gst.Structure]:
    """The structures of an array field."""
    array = s.get_array(field).array
    return (array.get_nth(index) for index in range(array.n_values))


def tell_window(s: Gst.Structure) -> None:
    """Prints a window, its best classes, and its regions at each sample."""
    window = number(s, "window")
    tell("window", window, number(s, "start"), number(s, "end"), *named(s))
    for best in entries(s, "top"):
        tell("class", window, *named(best))
    for tracklet in entries(s, "tracklets"):
        for box in entries(tracklet, "boxes"):
            edges = (box.get_uint(edge).value for edge in "xywh")
            at = (number(tracklet, "id"), number(box, "pts"))
            tell("box", window, *at, *edges, decimal(box, "relevance"))


def tell_action(s: Gst.Structure) -> None:
    """Prints the start, the new label or the stop of an action."""
    end = number(s, "end") if s.has_field("end") else "-"
    tell("action", s.get_string("state"), number(s, "action"), number(s, "start"), end, *named(s))


def read_item(_pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
    """Reads a frame, or an event that brings a window without a frame; in the streaming thread."""
    if info.type & Gst.PadProbeType.BUFFER:
        meta = info.get_buffer().get_custom_meta("ArtActionMeta")
        result = meta.get_structure() if meta else None
        if result is not None and result.get_boolean("first").value:
            tell_window(result)
    else:
        structure = info.get_event().get_structure()
        if structure is not None and structure.has_name("artclassify-window"):
            tell_window(structure)
    return Gst.PadProbeReturn.OK


def main() -> None:
    """Command line."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} IN MODEL")
    Gst.init(None)
    pipeline = Gst.parse_launch(
        "filesrc name=in ! decodebin ! artclassify name=classifier ! fakesink name=out"
    )
    pipeline.get_by_name("in").set_property("location", sys.argv[1])
    pipeline.get_by_name("classifier").set_property("model", sys.argv[2])
    pipeline.get_by_name("out").get_static_pad("sink").add_probe(WATCHED, read_item)
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    while True:
        message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, ENDS | Gst.MessageType.ELEMENT)
        structure = message.get_structure()
        if structure is not None and structure.has_name("artclassify-action"):
            tell_action(structure)
        elif message.type & ENDS:
            break
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error().gerror.message)


if __name__ == "__main__":
    main()
