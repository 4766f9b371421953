"""The LATENCY answer beside the measured age of frames, for each alignment and policy, as Markdown.

    /usr/bin/python3 scripts/live/latency.py MODEL [--fps 60] [--seconds 10]

Run by /usr/bin/python3, which has GStreamer's bindings (python3-gi). The age of a frame is the
pipeline's clock minus the frame's running time as it leaves the element; the element's own answer
is its LATENCY answer without that of the source. The first third of the time, in which the first
window fills, is left out.
"""

import argparse
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    Gst.init(None)
    print("| alignment | policy | own answer | oldest frame | 99 % of frames | one frame |")
    print("| --- | --- | --- | --- | --- | --- |")
    for alignment in ("delay", "hold"):
        for policy in ("block", "drop"):
            answer, ages = measure(args, f"alignment={alignment} policy={policy}")
            most = ages[int(len(ages) * 0.99)]
            print(
                f"| {alignment} | {policy} | {answer:.1f} ms | {ages[-1]:.1f} ms | {most:.1f} ms "
                f"| {1000 / args.fps:.1f} ms |"
            )


def measure(args: argparse.Namespace, properties: str) -> tuple[float, list[float]]:
    """The element's own answer and the sorted ages of frames, in ms."""
    pipeline = Gst.parse_launch(
        "videotestsrc is-live=true "
        f"! video/x-raw,width=320,height=240,framerate={args.fps}/1 "
        f"! artclassify name=c model={args.model} {properties} ! fakesink sync=false"
    )
    source, sink = (pipeline.get_by_name("c").get_static_pad(name) for name in ("src", "sink"))
    ages: list[float] = []

    def on_frame(_pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        now = pipeline.get_clock().get_time() - pipeline.get_base_time()
        ages.append((now - info.get_buffer().pts) / 1e6)
        return Gst.PadProbeReturn.OK

    source.add_probe(Gst.PadProbeType.BUFFER, on_frame)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    end = time.monotonic() + args.seconds
    while time.monotonic() < end:
        kinds = Gst.MessageType.ERROR | Gst.MessageType.LATENCY
        message = bus.timed_pop_filtered(100 * Gst.MSECOND, kinds)
        if message and message.type == Gst.MessageType.ERROR:
            raise SystemExit(message.parse_error().gerror.message)
        if message:
            pipeline.recalculate_latency()
    answer = latency(source) - latency(sink.get_peer())
    pipeline.set_state(Gst.State.NULL)
    return answer, sorted(ages[len(ages) // 3 :])


def latency(pad: Gst.Pad) -> float:
    """What a pad answers to a LATENCY query, in ms."""
    query = Gst.Query.new_latency()
    if not pad.query(query):
        raise SystemExit(f"{pad.get_path_string()} answers no LATENCY query")
    return query.parse_latency().min_latency / 1e6


if __name__ == "__main__":
    main()
