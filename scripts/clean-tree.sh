#!/bin/bash
# A maintainer's tool: tries the set-up on a fresh Debian 12 that has make, Python 3.11, a Rust toolchain and nothing
# else. It makes such a tree with debootstrap, clones the committed state of this repository into it and runs make in it.
# Needs root and the package debootstrap.
#
#   scripts/clean-tree.sh [TARGET...]         make targets, `demo` when none is given
#
#   TREE=/tmp/artclassify-clean               where the trees go; TREE/base is made once, TREE/trial each time
#   TOOLCHAIN=$(rustc --print sysroot)        the Rust toolchain, mounted into the tree
#   MIRROR=                                   a Debian mirror, debootstrap's own when empty
#
# Proxy variables and the host's settings for apt, pip, cargo and certificates are used inside too.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
TREE=${TREE:-/tmp/artclassify-clean}
TOOLCHAIN=${TOOLCHAIN:-$(rustc --print sysroot)}
base=$TREE/base trial=$TREE/trial
[ $# -gt 0 ] || set -- demo

if [ ! -e "$base/etc/debian_version" ]; then
    echo "== debootstrap"
    rm -rf "$base"
    mkdir -p "$TREE"
    debootstrap --variant=minbase --include=python3.11,make,ca-certificates bookworm "$base.part" ${MIRROR:+"$MIRROR"}
    mv "$base.part" "$base"
fi

echo "== Fresh tree $trial"
rm -rf --one-file-system "$trial"
cp -a --reflink=auto "$base" "$trial"
git clone --quiet --no-hardlinks "$repository" "$trial/srv/artclassify"
mkdir -p "$trial/opt/rust" "$trial/root/.cargo" "$trial/root/.config"
for setting in /etc/resolv.conf /etc/apt/apt.conf /etc/apt/apt.conf.d /etc/pip.conf /etc/ssl/certs/ca-certificates.crt \
    /usr/local/share/ca-certificates; do
    [ ! -e "$setting" ] || cp -rLT "$setting" "$trial$setting"
done
[ ! -e ~/.config/pip ] || cp -rLT ~/.config/pip "$trial/root/.config/pip"
[ ! -e ~/.cargo/config.toml ] || cp -L ~/.cargo/config.toml "$trial/root/.cargo"

mapfile -t settings < <(env | grep -E '^((https?|no|all|ftp)_proxy|PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TIMEOUT))=' -i)
export trial TOOLCHAIN
exec unshare --mount bash -euc '
    mount --bind "$TOOLCHAIN" "$trial/opt/rust"
    mount -t proc proc "$trial/proc"
    mount --bind /dev "$trial/dev"
    exec chroot "$trial" env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "$@" ' bash "${settings[@]}" make -C /srv/artclassify "$@"
