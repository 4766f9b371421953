"""A camera for tests: serves an MP4 file of H.264 over RTSP on loopback, and loses RTP packets.

Run by /usr/bin/python3, whose packages python3-gi and gir1.2-gst-rtsp-server-1.0 it needs:

    /usr/bin/python3 tests/acceptance/rtsp_server.py CLIP.mp4 --loss 0.02 --times 10

It prints its URL when it is ready, ends when its standard input is closed, and then says how many
packets it lost. Each client sees the clip from the start, in real time, and the end of the stream
after the last repetition. Packets are lost behind the payloader: their numbers are missing at the
client.
"""

import argparse
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


class Camera(GstRtspServer.RTSPMediaFactory):
    """Makes the pipeline of a client."""

    def __init__(self, clip: Path, loss: float, times: int) -> None:
        """`loss` is the share of packets that are lost, `times` how often the clip is played."""
        super().__init__()
        self.clip, self.loss, self.times = clip, loss, times
        self.made = self.sent = 0

    def do_create_element(self, url: GstRtsp.RTSPUrl) -> Gst.Element:
        """The clip again and again, and a payloader with a gap."""
        # With queues the pads of concat are asked for here, and not by all demuxers at once.
        sources = f"filesrc location={self.clip} ! qtdemux ! queue ! c. " * self.times
        camera = Gst.parse_bin_from_description(f"concat name=c {sources}", False)
        lossy = Gst.parse_bin_from_description(
            f"rtph264pay config-interval=-1 ! identity name=air drop-probability={self.loss}", True
        )
        lossy.set_name("pay0")
        camera.add(lossy)
        camera.get_by_name("c").link(lossy)
        air = lossy.get_by_name("air")
        air.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.count_made)
        air.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.count_sent)
        return camera

    def count_made(self, _pad: Gst.Pad, _info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Counts packets of the payloader."""
        self.made += 1
        return Gst.PadProbeReturn.OK

    def count_sent(self, _pad: Gst.Pad, _info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Counts packets that are sent."""
        self.sent += 1
        return Gst.PadProbeReturn.OK


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--loss", type=float, default=0.0, help="share of RTP packets to lose")
    parser.add_argument("--times", type=int, default=1, help="how often to play the clip")
    args = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service="0")
    factory = Camera(args.clip, args.loss, args.times)
    factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
    server.get_mount_points().add_factory("/camera", factory)
    if server.attach(None) == 0:
        sys.exit("no port for the RTSP server")
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/camera", flush=True)
    loop.run()
    print(f"lost {factory.made - factory.sent} of {factory.made} packets", flush=True)


if __name__ == "__main__":
    main()
