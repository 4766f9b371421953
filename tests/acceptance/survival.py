"""Tells which elements keep metas and events: pushes frames of `artclassify` through each.

Run by /usr/bin/python3, whose package python3-gi it needs. Standard input is a JSON object of names
and launch descriptions, standard output one of names and findings. A description with ` ! FILE ! `
writes a file and reads it again:

    echo '{"queue": "queue", "mp4mux": "x264enc ! mp4mux ! FILE ! qtdemux"}' \
        | /usr/bin/python3 tests/acceptance/survival.py tests/fixtures/colours

The frames are 1.5 s of red, which the tiny model takes for an action, and 1.5 s of blue, which it
takes for background. Each has an ArtActionMeta and a region of interest; an action starts and stops
among them.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402

WIDTH, HEIGHT, RATE = 320, 240, 30
RAW = f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={RATE}/1"
SHOTS = {"red": 45, "blue": 45}
SAME_TIME = 2 * Gst.MSECOND  # containers round
REGIONS = range(4)
FILE = " ! FILE ! "
OUT = "fakesink name=out sync=false async=false"
TIMEOUT = 20 * Gst.SECOND
WATCHED = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST | Gst.PadProbeType.EVENT_DOWNSTREAM

Rect = tuple[int, int, int, int]


@dataclass(frozen=True)
class Frame:
    """What a frame says."""

    time: int  # running time in nanoseconds, -1 without a time
    result: str | None
    regions: dict[int, tuple[Rect, str]]  # by id: rectangle and parameters


@dataclass
class Flow:
    """What flows into a pad, in order."""

    items: list[Gst.Buffer | Gst.Event] = field(default_factory=list)
    heard: list[Frame | str] = field(default_factory=list)
    head: dict[Gst.EventType, Gst.Event] = field(default_factory=dict)

    def watch(self, pad: Gst.Pad) -> None:
        """Takes down all that comes from now on."""
        pad.add_probe(WATCHED, self._take)

    def _take(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        if info.type & Gst.PadProbeType.BUFFER:
            self._hear(info.get_buffer())
        elif info.type & Gst.PadProbeType.BUFFER_LIST:
            several = info.get_buffer_list()
            for index in range(several.length()):
                self._hear(several.get(index))
        else:
            event = info.get_event()
            if event.type == Gst.EventType.CUSTOM_DOWNSTREAM:
                self.items.append(event)
                self.heard.append(event.get_structure().to_string())
            else:
                self.head[event.type] = event
        return Gst.PadProbeReturn.OK

    def _hear(self, buffer: Gst.Buffer) -> None:
        segment = self.head[Gst.EventType.SEGMENT].parse_segment()
        timed = segment.format == Gst.Format.TIME and buffer.pts != Gst.CLOCK_TIME_NONE
        time = segment.to_running_time(Gst.Format.TIME, buffer.pts) if timed else buffer.pts
        meta = buffer.get_custom_meta("ArtActionMeta")
        result = meta.get_structure().to_string() if meta else None
        self.items.append(buffer)
        self.heard.append(Frame(time, result, dict(regions(buffer))))

    def frames(self) -> list[Frame]:
        """The frames."""
        return [item for item in self.heard if isinstance(item, Frame)]

    def events(self) -> list[tuple[str, set[int]]]:
        """The events, each with the times of the frames before it."""
        times: set[int] = set()
        found = []
        for item in self.heard:
            if isinstance(item, Frame):
                times.add(item.time)
            else:
                found.append((item, set(times)))
        return found

    def size(self) -> tuple[int, int]:
        """Width and height of the pictures, where the caps tell."""
        caps = self.head[Gst.EventType.CAPS].parse_caps().get_structure(0)
        (wide, width), (high, height) = caps.get_int("width"), caps.get_int("height")
        return (width, height) if wide and high else (WIDTH, HEIGHT)


def regions(buffer: Gst.Buffer) -> Iterator[tuple[int, tuple[Rect, str]]]:
    """Regions of interest by their id."""
    for number in REGIONS:
        region = GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, number)
        if region is not None:
            parameters = region.get_param("artclassify")
            rect = (region.x, region.y, region.w, region.h)
            yield number, (rect, parameters.to_string() if parameters else "")


def finish(pipeline: Gst.Pipeline) -> None:
    """Waits for the end of the stream."""
    ends = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(TIMEOUT, ends)
    pipeline.set_state(Gst.State.NULL)
    if message is None:
        sys.exit("the pipeline does not end")
    if message.type == Gst.MessageType.ERROR:
        sys.exit(" ".join(map(str, message.parse_error())))


def watched(pipeline: Gst.Pipeline) -> Flow:
    """What will reach the sink of a pipeline."""
    flow = Flow()
    flow.watch(pipeline.get_by_name("out").get_static_pad("sink"))
    return flow


def played(description: str) -> Flow:
    """What reaches the sink of a pipeline that plays."""
    pipeline = Gst.parse_launch(description)
    flow = watched(pipeline)
    pipeline.set_state(Gst.State.PLAYING)
    finish(pipeline)
    return flow


def classified(model: str) -> Flow:
    """What leaves artclassify."""
    shots = " ".join(
        f"videotestsrc num-buffers={frames} pattern={pattern} ! {RAW} ! queue ! c."
        for pattern, frames in SHOTS.items()
    )
    return played(
        f"concat name=c ! identity single-segment=true ! artclassify model={model} ! {OUT} {shots}"
    )


def through(description: str, flow: Flow) -> Flow:
    """What a part of a pipeline makes of it."""
    *writing, reading = description.split(FILE)
    if not writing:
        return pushed_through(f"{description} ! {OUT}", flow)
    with tempfile.NamedTemporaryFile() as file:
        pushed_through(f"{writing[0]} ! filesink name=out location={file.name}", flow)
        return played(f"filesrc location={file.name} ! {reading} ! {OUT}")


def pushed_through(description: str, flow: Flow) -> Flow:
    """What reaches the end of a part of a pipeline when frames and events are pushed into it."""
    pipeline = Gst.parse_launch(f"identity name=in ! {description}")
    entry = Gst.GhostPad.new("sink", pipeline.get_by_name("in").get_static_pad("sink"))
    pipeline.add_pad(entry)
    entry.set_active(True)
    left = watched(pipeline)
    source = Gst.Pad.new("src", Gst.PadDirection.SRC)
    source.set_active(True)
    source.link(entry)
    pipeline.set_state(Gst.State.PLAYING)
    for kind in (Gst.EventType.STREAM_START, Gst.EventType.CAPS, Gst.EventType.SEGMENT):
        source.push_event(flow.head[kind])
    for item in flow.items:
        if isinstance(item, Gst.Event):
            source.push_event(item)
        elif source.push(item) != Gst.FlowReturn.OK:
            break
    source.push_event(Gst.Event.new_eos())
    finish(pipeline)
    return left


def pairs(before: Flow, after: Flow) -> list[tuple[Frame, Frame]]:
    """Frames that came out, each with the one that went in with the same running time."""
    found = []
    for frame in after.frames():
        nearest = min(before.frames(), key=lambda other: abs(other.time - frame.time))
        if abs(nearest.time - frame.time) <= SAME_TIME:
            found.append((nearest, frame))
    return found


def of_results(both: list[tuple[Frame, Frame]]) -> str:
    """What became of the ArtActionMeta."""
    same = sum(before.result == after.result for before, after in both)
    some = sum(after.result is not None for _, after in both)
    if same == len(both):
        return "kept"
    return "lost" if some == 0 else f"kept on {same} of {len(both)} frames"


def of_regions(both: list[tuple[Frame, Frame]], scale: tuple[float, float]) -> str:
    """What became of the regions of interest, after a change of the picture's size by `scale`."""
    if not any(after.regions for _, after in both):
        return "lost"
    if all(before.regions == after.regions for before, after in both):
        return "kept"
    across, down = scale
    for before, after in both:
        for number, ((x, y, w, h), _) in before.regions.items():
            rect = (x * across, y * down, w * across, h * down)
            if number not in after.regions or after.regions[number][0] != rect:
                return "changed"
    parameters = any(told for _, after in both for _, told in after.regions.values())
    return ("kept" if scale == (1, 1) else "scaled") + ("" if parameters else ", no parameters")


def of_events(before: Flow, after: Flow, both: list[tuple[Frame, Frame]]) -> str:
    """What became of the events."""
    if not after.events():
        return "lost"
    went, came = before.events(), after.events()
    if [event for event, _ in went] != [event for event, _ in came]:
        return "changed"
    off = 0
    for (_, earlier), (_, times) in zip(went, came, strict=True):
        ahead = {inner.time for inner, outer in both if outer.time in times}
        here = {inner.time for inner, _ in both}
        off = max(off, len(ahead ^ (earlier & here)))
    return "kept" if off == 0 else f"kept, {off} frame{'s' if off > 1 else ''} off"


def finding(before: Flow, after: Flow) -> dict[str, object]:
    """What became of metas and events."""
    both = pairs(before, after)
    if len(both) < len(before.frames()) / 3:
        sys.exit(f"only {len(both)} frames have a time of one before")
    width, height = after.size()
    return {
        "frames": len(both),
        "result": of_results(both),
        "regions": of_regions(both, (width / WIDTH, height / HEIGHT)),
        "events": of_events(before, after, both),
    }


def main() -> None:
    """Command line."""
    Gst.init(None)
    flow = classified(sys.argv[1])
    parts = json.load(sys.stdin)
    print(json.dumps({name: finding(flow, through(part, flow)) for name, part in parts.items()}))


if __name__ == "__main__":
    main()
