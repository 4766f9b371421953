#!/bin/bash
# Makes a folder that a browser plays: the video as MP4, its captions and its chapters as WebVTT beside it, and a page with
# all three. Browsers load captions over HTTP only, and jump to a chapter only where the server answers requests for a range
# of bytes, as nginx does; python3 -m http.server --directory FOLDER lets them play from the start.
# usage: pipelines/captions.sh IN MODEL FOLDER
set -eu
mkdir -p "$3"
cp "$(dirname "$0")/captions.html" "$3/index.html"
exec gst-launch-1.0 filesrc location="$1" ! decodebin ! artclassify model="$2" ! tee name=t \
    t. ! videoconvert ! video/x-raw,format=I420 ! x264enc speed-preset=veryfast ! mp4mux faststart=true \
    ! filesink location="$3/video.mp4" \
    t. ! artmetaenc format=webvtt ! queue max-size-time=0 ! filesink location="$3/captions.vtt" buffer-mode=unbuffered \
    t. ! artmetaenc format=webvtt cues=chapters ! queue max-size-time=0 ! filesink location="$3/chapters.vtt" buffer-mode=unbuffered
