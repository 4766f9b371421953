#!/bin/bash
# Cuts the actions out of a video: a file for each, with a second before it and half a second behind it, named by time and
# label, and FOLDER/events.jsonl beside them. Clips start at keyframes, so key-int-max=30 frames bounds how much
# earlier than asked they start. async-handling lets the pipeline play before the first clip is there.
# usage: pipelines/highlights.sh IN MODEL FOLDER
set -eu
mkdir -p "$3"
exec gst-launch-1.0 filesrc location="$1" ! decodebin ! artclassify model="$2" ! tee name=t \
    t. ! videoconvert ! x264enc key-int-max=30 speed-preset=veryfast ! artgate pre-roll=1000000000 post-roll=500000000 \
    ! splitmuxsink async-handling=true muxer=mp4mux location="$3/%05d.mp4" \
    t. ! artmetaenc ! queue max-size-time=0 ! filesink location="$3/events.jsonl" buffer-mode=unbuffered
