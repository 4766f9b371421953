#!/bin/bash
# Shows what a model recognises in the picture of an RTSP camera, and records it as JSON Lines. SINK is the video sink,
# autovideosink when unset. Ctrl-C ends it like the end of the stream.
# The camera may send over UDP or TCP; packets are waited for 200 ms at most. Each line is in the file as soon as it is known.
# usage: pipelines/rtsp.sh URL MODEL OUT.jsonl
set -eu
exec gst-launch-1.0 -e rtspsrc location="$1" latency=200 drop-on-latency=true ! application/x-rtp,media=video \
    ! decodebin ! artclassify model="$2" ! tee name=t \
    t. ! artoverlay ! videoconvert ! queue ! "${SINK:-autovideosink}" \
    t. ! artmetaenc ! queue ! filesink location="$3" buffer-mode=unbuffered
