#!/bin/bash
# Records the CSI camera of a Jetson with what a model recognises drawn in, and the JSON Lines beside it, until Ctrl-C. The
# camera, the conversion and the encoder are the chip's, the model runs on its GPU. The first start compiles the model for
# TensorRT, which takes minutes; progress messages tell.
# Only a Jetson has: nvarguscamerasrc nvvidconv nvv4l2h264enc
# usage: pipelines/jetson.sh MODEL OUT.mkv OUT.jsonl
set -eu
exec gst-launch-1.0 -e nvarguscamerasrc ! "video/x-raw(memory:NVMM),width=1920,height=1080,framerate=30/1" \
    ! nvvidconv ! video/x-raw,format=I420 ! artclassify model="$1" providers=tensorrt,cuda,cpu ! tee name=t \
    t. ! artoverlay ! queue ! nvvidconv ! "video/x-raw(memory:NVMM),format=NV12" ! nvv4l2h264enc bitrate=8000000 \
    ! h264parse ! matroskamux ! filesink location="$2" \
    t. ! artmetaenc ! queue ! filesink location="$3" buffer-mode=unbuffered
