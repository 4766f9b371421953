#!/usr/bin/python3
"""Serves an RTSP camera again over RTSP, with what a model recognises drawn into the picture.

Needs Debian's packages python3-gi and gir1.2-gst-rtsp-server-1.0. The camera is opened for the
first viewer; all viewers share one pipeline, which ends with the last.

usage: pipelines/restream.py URL MODEL [PORT]
then watch rtsp://HOST:PORT/annotated; PORT is 8554 unless given
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PORT = "8554"
ANNOTATED = (
    "rtspsrc name=camera latency=200 ! application/x-rtp,media=video ! decodebin "
    "! artclassify name=classifier ! artoverlay ! videoconvert ! video/x-raw,format=I420 ! queue "
    "! x264enc tune=zerolatency speed-preset=veryfast key-int-max=60 "
    "! rtph264pay name=pay0 config-interval=-1"
)


class Annotated(GstRtspServer.RTSPMediaFactory):
    """Makes the pipeline that all viewers share."""

    def __init__(self, url: str, model: str) -> None:
        """`url` is the camera's, `model` a folder or manifest."""
        super().__init__()
        self.url, self.model = url, model
        self.set_shared(True)

    def do_create_element(self, _url: object) -> Gst.Element:
        """From the camera to the payloader."""
        pipeline = Gst.parse_bin_from_description(ANNOTATED, False)
        pipeline.get_by_name("camera").set_property("location", self.url)
        pipeline.get_by_name("classifier").set_property("model", self.model)
        return pipeline


def main() -> None:
    """Command line."""
    if len(sys.argv) not in (3, 4):
        sys.exit(f"usage: {sys.argv[0]} URL MODEL [PORT]")
    url, model, port = [*sys.argv[1:], PORT][:3]
    Gst.init(None)
    server = GstRtspServer.RTSPServer(service=port)
    server.get_mount_points().add_factory("/annotated", Annotated(url, model))
    if server.attach(None) == 0:
        sys.exit(f"port {port} is taken")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/annotated", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
