#!/bin/bash
# Draws what a model recognises into a video and records it as JSON Lines, in one pass over the file.
# usage: pipelines/annotate.sh IN MODEL OUT.mp4 OUT.jsonl
set -eu
exec gst-launch-1.0 filesrc location="$1" ! decodebin ! artclassify model="$2" ! tee name=t \
    t. ! artoverlay ! videoconvert ! x264enc speed-preset=veryfast ! mp4mux ! filesink location="$3" async=false \
    t. ! artmetaenc ! filesink location="$4" async=false
