#!/bin/bash
# Puts the ONNX Runtime library of the Python wheel at a path: scripts/onnxruntime.sh PYTHON VERSION LIBRARY
set -euo pipefail
python=$1 version=$2 library=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$work" "onnxruntime==$version"
"$python" -m zipfile -e "$work"/onnxruntime-*.whl "$work"

folder=$(dirname "$library")
mkdir -p "$folder"
cp "$work"/onnxruntime/{LICENSE,ThirdPartyNotices.txt} "$folder"
cp "$work/onnxruntime/capi/libonnxruntime.so.$version" "$library.part"
mv "$library.part" "$library"
