#!/bin/bash
# Runs a command in a Debian 13 tree, which has GStreamer 1.26, at the root of this repository:
#
#   scripts/debian-13.sh COMMAND...
#
#   TREE=.cache/debian-13       the tree: made by debootstrap when it is not there or lacks a package, then kept
#
# Needs root. MIRROR and TOOLCHAIN: see scripts/tree.sh.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$scripts")
source "$scripts/tree.sh"
TREE=${TREE:-$repository/.cache/debian-13}
inside=/srv/artclassify

# What builds the plugin; the elements of the tests; what reads GstAnalytics from Python.
packages=(
    gcc libc6-dev pkg-config libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libcairo2-dev libpango1.0-dev
    gstreamer1.0-tools gstreamer1.0-plugins-{base,good,bad,ugly} gstreamer1.0-libav fonts-dejavu-core
    python3-gi gir1.2-gst-plugins-bad-1.0 python3-numpy python3-pytest
)
# What links to GstAnalytics. Unpacked alone: it depends on all of OpenCV.
unpacked=libgstreamer-plugins-bad1.0-dev
made="trixie ${packages[*]} $unpacked"

need_trees
if [ "$(cat "$TREE/made" 2> /dev/null)" != "$made" ]; then
    make_tree "$TREE" trixie ca-certificates
    use_settings "$TREE"
    # The tree can be made anew, so it needs no writes in safety, and nobody reads in it.
    printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        'path-exclude=/usr/share/locale/*' > "$TREE/etc/dpkg/dpkg.cfg.d/tree"
    in_tree "$TREE" bash -euc '
        unpacked=$1
        shift
        apt-get update
        apt-get install --yes --no-install-recommends "$@"
        cd /tmp
        apt-get download "$unpacked"
        dpkg --extract "$unpacked"_*.deb /
        rm "$unpacked"_*.deb
        apt-get clean
    ' packages "$unpacked" "${packages[@]}" || fail "apt-get could not install what the tests need (see above)"
    echo "$made" > "$TREE/made"
fi
use_settings "$TREE"
in_tree "$TREE" --mount "$repository" "$inside" --mount "${CARGO_HOME:-$HOME/.cargo}/registry" "$tree_home/.cargo/registry" \
    env --chdir="$inside" "$@"
