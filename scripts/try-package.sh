#!/bin/bash
# A maintainer's tool: installs the Debian package that `make deb` made in a bare Debian tree, as the README's section
# Install tells it, and runs the demo there. Needs root.
#
#   scripts/try-package.sh [RELEASE...]       bookworm and trixie when none is given
#
#   TREE=/tmp/artclassify-clean               where the trees go; a bare one a release is made once, another each time
#
# MIRROR and TOOLCHAIN: see scripts/tree.sh. Proxy variables and the host's settings for apt, pip and certificates are used
# inside too.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$scripts")
source "$scripts/tree.sh"
TREE=${TREE:-/tmp/artclassify-clean}
package=$(ls -t "${CARGO_TARGET_DIR:-$repository/target}"/debian/gstreamer1.0-artclassify_*.deb | head -n 1)
[ $# -gt 0 ] || set -- bookworm trixie

# What a user types, line by line from the README, without sudo.
install=$(sed -n '/^    sudo apt install \.\/gstreamer/,/^$/ { s/^    \(sudo \)\?//; s/apt install/apt install --yes/; p }' "$repository/README.md")
grep -q 'apt install --yes .*annotate.sh' <<< "${install//$'\n'/ }"

need_trees
for release in "$@"; do
    base=$TREE/minbase-$release trial=$TREE/package
    if [ ! -e "$base/etc/debian_version" ]; then
        make_tree "$base.part" "$release" ca-certificates
        mv "$base.part" "$base"
    fi

    echo "== Fresh tree of $release, $(basename "$package")"
    rm -rf --one-file-system "$trial"
    cp -a --reflink=auto "$base" "$trial"
    cp "$package" "$trial$tree_home"
    use_settings "$trial"
    # Debian 13 brings ONNX Runtime by itself.
    steps=$install
    [ "$release" != trixie ] || steps=$(grep -v '^pip ' <<< "$install")
    in_tree "$trial" bash -euxc "cd $tree_home
apt-get update
$steps
gst-inspect-1.0 artclassify | grep -A 9 'Plugin Details'
gst-inspect-1.0 artpublish > /dev/null
[ \$(grep -c '\"state\":\"stop\"' events.jsonl) -eq 8 ]
gst-launch-1.0 filesrc location=annotated.mp4 ! decodebin ! fakesink
! gst-inspect-1.0 --print-blacklist | grep artclassify"
    echo "== $release: installed, inspected, and the dives were found"
done
