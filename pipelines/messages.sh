#!/bin/bash
# Prints the element messages that an application would get from the bus when actions start and stop.
# usage: pipelines/messages.sh IN MODEL
set -euo pipefail
gst-launch-1.0 --messages filesrc location="$1" ! decodebin ! artclassify model="$2" ! fakesink \
    | { grep --line-buffered artclassify-action || [ $? -eq 1 ]; } # 1: a video without an action
