#!/bin/bash
# Draws what a model recognises into a video and records it as JSON Lines, in one pass over the file.
# The queue stands behind artmetaenc, where it holds lines, not pictures: however far the encoder looks ahead before it
# lets its first picture go, the queue does not fill up. Each line is in
# the file as soon as it is known.
# usage: pipelines/annotate.sh IN MODEL OUT.mp4 OUT.jsonl
set -eu
exec gst-launch-1.0 filesrc location="$1" ! decodebin ! artclassify model="$2" ! tee name=t \
    t. ! artoverlay ! videoconvert ! x264enc speed-preset=veryfast ! mp4mux ! filesink location="$3" \
    t. ! artmetaenc ! queue max-size-time=0 ! filesink location="$4" buffer-mode=unbuffered
