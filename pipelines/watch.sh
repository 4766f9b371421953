#!/bin/bash
# Shows a video with what a model recognises drawn into it. SINK is the video sink, autovideosink when unset.
# usage: pipelines/watch.sh IN MODEL
set -eu
exec gst-launch-1.0 filesrc location="$1" ! decodebin ! artclassify model="$2" ! artoverlay \
    ! videoconvert ! queue ! "${SINK:-autovideosink}"
