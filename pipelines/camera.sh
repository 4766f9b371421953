#!/bin/bash
# Shows the picture of a Video4Linux camera, such as /dev/video0, with what a model recognises drawn into it. SINK is the
# video sink, autovideosink when unset.
# usage: pipelines/camera.sh DEVICE MODEL
set -eu
exec gst-launch-1.0 v4l2src device="$1" ! decodebin ! artclassify model="$2" ! artoverlay \
    ! videoconvert ! queue ! "${SINK:-autovideosink}"
