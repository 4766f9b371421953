#!/bin/bash
# Shows what a model recognises in the picture of an RTSP camera, and records it as JSON Lines until Ctrl-C. SINK is the
# video sink, autovideosink when unset. Packets are waited for 200 ms at most, over UDP, or TCP where UDP does not come
# through. Each line is in the file as soon as it is known.
# usage: pipelines/rtsp.sh URL MODEL OUT.jsonl
set -eu
exec gst-launch-1.0 rtspsrc location="$1" latency=200 ! application/x-rtp,media=video \
    ! decodebin ! artclassify model="$2" ! tee name=t \
    t. ! artoverlay ! videoconvert ! queue ! "${SINK:-autovideosink}" \
    t. ! artmetaenc ! queue ! filesink location="$3" buffer-mode=unbuffered
