#!/bin/bash
# Records what a model recognises in a video as JSON Lines; nothing is drawn or encoded.
# Each line is in the file as soon as it is known.
# usage: pipelines/record.sh IN MODEL OUT.jsonl
set -eu
exec gst-launch-1.0 filesrc location="$1" ! decodebin ! artclassify model="$2" ! artmetaenc ! filesink location="$3" buffer-mode=unbuffered
