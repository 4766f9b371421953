#!/bin/bash
# Writes the frame that a video shows at a time as a PNG. The compositor drops what comes before its start time.
# usage: pipelines/still.sh IN NANOSECONDS OUT.png
set -eu
exec gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert \
    ! compositor start-time-selection=set start-time="$2" ! pngenc snapshot=true ! filesink location="$3"
