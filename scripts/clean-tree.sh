#!/bin/bash
# A maintainer's tool: tries the set-up on a fresh Debian 12 that has make, Python 3.11, a Rust toolchain and nothing
# else. It makes such a tree with debootstrap, clones the committed state of this repository into it and runs make in it.
# Needs root.
#
#   scripts/clean-tree.sh [TARGET...]         make targets, `demo` when none is given
#
#   TREE=/tmp/artclassify-clean               where the trees go; TREE/base is made once, TREE/trial each time
#
# MIRROR and TOOLCHAIN: see scripts/tree.sh. Proxy variables and the host's settings for apt, pip, cargo and certificates
# are used inside too.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$scripts")
source "$scripts/tree.sh"
TREE=${TREE:-/tmp/artclassify-clean}
base=$TREE/base trial=$TREE/trial
[ $# -gt 0 ] || set -- demo

need_trees
if [ ! -e "$base/etc/debian_version" ]; then
    make_tree "$base.part" bookworm python3.11,make,ca-certificates
    mv "$base.part" "$base"
fi

echo "== Fresh tree $trial"
rm -rf --one-file-system "$trial"
cp -a --reflink=auto "$base" "$trial"
git clone --quiet --no-hardlinks "$repository" "$trial/srv/artclassify"
use_settings "$trial"
in_tree "$trial" make -C /srv/artclassify "$@"
