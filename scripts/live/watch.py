"""Runs a launch line for some time and prints what it saw as JSON.

Run by /usr/bin/python3, which has GStreamer's bindings (python3-gi). What is watched goes by name:

- `in`, any element: the frames that leave it are counted; the stream is ended there;
- `sink`, a fakesink with signal-handoffs=true: its frames are timed when it shows them, which is as
  soon as they come with sync=false, and at their time with sync=true;
- `c`, an artclassify, if there is one: its stats are read at the end;
- `source`, an rtspsrc, if there is one: the packets that it got and missed are counted.

Arrays are made at their full size beforehand, so that watching needs no memory as time goes on.
"""

import argparse
import json
import os
import sys
import time
from array import array
from collections import Counter
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

END_TIMEOUT = 60
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


class Times:
    """When frames came, and which; nanoseconds."""

    def __init__(self, room: int) -> None:
        self.at, self.pts, self.count = array("q", [0]) * room, array("q", [0]) * room, 0

    def add(self, pts: int) -> None:
        """A frame came now."""
        if self.count < len(self.at):
            self.at[self.count], self.pts[self.count] = time.monotonic_ns(), pts
        self.count += 1

    def lags(self) -> list[float]:
        """How much later than its time stamp each frame came, in ms beyond the median."""
        kept = min(self.count, len(self.at))
        lags = [self.at[n] - self.pts[n] for n in range(kept)]
        middle = sorted(lags)[kept // 2] if lags else 0
        return [(lag - middle) / 1e6 for lag in lags]

    def longest_gap(self) -> float:
        """Longest time between two frames, in s."""
        kept = min(self.count, len(self.at))
        return max((self.at[n] - self.at[n - 1] for n in range(1, kept)), default=0) / 1e9


class Watch:
    """A running pipeline and what was seen of it."""

    def __init__(self, line: str, seconds: float, rate: float, classes: bool) -> None:
        self.pipeline = Gst.parse_launch(line)
        self.seconds = seconds
        room = int(rate * seconds * 1.2) + 1000
        self.came, self.left = Times(room), Times(room)
        self.memory = array("d", [0.0]) * (2 * round(seconds + 2 * END_TIMEOUT))
        self.measured = 0
        self.labels: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.jitter_buffers: list[Gst.Element] = []
        self.loop = GLib.MainLoop()
        self.ended = ""
        self.started = time.monotonic()

        self.pipeline.get_by_name("in").get_static_pad("src").add_probe(
            Gst.PadProbeType.BUFFER, self.on_frame_in
        )
        shown = self.on_classified_frame if classes else self.on_frame_out
        self.pipeline.get_by_name("sink").connect("handoff", shown)
        if source := self.pipeline.get_by_name("source"):
            source.connect("new-manager", self.on_manager)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self.on_message)

    def on_frame_in(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """A frame goes towards the element."""
        self.came.add(info.get_buffer().pts)
        return Gst.PadProbeReturn.OK

    def on_frame_out(self, _sink: Gst.Element, frame: Gst.Buffer, _pad: Gst.Pad) -> None:
        """A frame is shown."""
        self.left.add(frame.pts)

    def on_classified_frame(self, _sink: Gst.Element, frame: Gst.Buffer, _pad: Gst.Pad) -> None:
        """A frame is shown that may carry a class."""
        self.left.add(frame.pts)
        if meta := frame.get_custom_meta("ArtActionMeta"):
            self.labels[meta.get_structure().get_string("label")] += 1

    def on_manager(self, _source: Gst.Element, manager: Gst.Element) -> None:
        """An rtspsrc has made its RTP session."""
        manager.connect(
            "new-jitterbuffer", lambda _bin, buffer, *_: self.jitter_buffers.append(buffer)
        )

    def on_message(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        """Something came over the bus."""
        if message.type == Gst.MessageType.LATENCY:
            self.pipeline.recalculate_latency()
        elif message.type == Gst.MessageType.ERROR:
            error, told = message.parse_error()
            self.end(f"{message.src.get_path_string()}: {error.message} ({told})")
        elif message.type == Gst.MessageType.EOS:
            self.end("end of stream")
        elif message.type == Gst.MessageType.ELEMENT:
            said = message.get_structure()
            if said.get_name() == "artclassify-action" and said.get_string("state") == "stop":
                self.actions[said.get_string("label")] += 1

    def end(self, why: str) -> None:
        """The pipeline has come to its end."""
        self.ended = self.ended or why
        self.loop.quit()

    def measure_memory(self) -> bool:
        """Notes the resident memory of this process."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        at = 2 * self.measured
        if at + 1 < len(self.memory):
            self.memory[at], self.memory[at + 1] = time.monotonic() - self.started, pages * PAGE_MB
            self.measured += 1
        return GLib.SOURCE_CONTINUE

    def stop(self) -> bool:
        """Ends the stream at `in`, and waits for all frames to come out."""
        sink = self.pipeline.get_by_name("in").get_static_pad("sink")
        (sink or self.pipeline).send_event(Gst.Event.new_eos())
        GLib.timeout_add_seconds(END_TIMEOUT, self.end, "no end of stream came")
        return GLib.SOURCE_REMOVE

    def run(self) -> dict[str, object]:
        """Runs to the end, and says what was seen."""
        self.pipeline.set_state(Gst.State.PLAYING)
        self.started = time.monotonic()
        GLib.timeout_add(1000, self.measure_memory)
        GLib.timeout_add(round(self.seconds * 1000), self.stop)
        self.loop.run()
        packets = [buffer.get_property("stats") for buffer in self.jitter_buffers]
        element = self.pipeline.get_by_name("c")
        seen = {
            "ended": self.ended,
            "seconds": time.monotonic() - self.started,
            "frames_in": self.came.count,
            "frames_out": self.left.count,
            "longest_gap_in": self.came.longest_gap(),
            "longest_gap_out": self.left.longest_gap(),
            "lags": self.left.lags(),
            "memory": [tuple(self.memory[at : at + 2]) for at in range(0, 2 * self.measured, 2)],
            "labels": dict(self.labels),
            "actions": dict(self.actions),
            "packets": sum(stats.get_value("num-pushed") for stats in packets),
            "lost": sum(stats.get_value("num-lost") for stats in packets),
            "stats": numbers(element.get_property("stats")) if element else {},
        }
        self.pipeline.set_state(Gst.State.NULL)
        return seen


def numbers(structure: Gst.Structure) -> dict[str, int]:
    """The fields of a structure that are whole numbers."""
    names = [structure.nth_field_name(n) for n in range(structure.n_fields())]
    values = {name: structure.get_value(name) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, int)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("line", help="launch line with elements of the names above")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float, required=True, help="frames a second to expect")
    parser.add_argument("--classes", action="store_true", help="count the classes on frames")
    args = parser.parse_args()
    Gst.init(None)
    json.dump(Watch(args.line, args.seconds, args.rate, args.classes).run(), sys.stdout)


if __name__ == "__main__":
    main()
