# Debian trees beside this system, for scripts to source that have set `scripts` to this folder. They need root.

# The home folder of who works in a tree.
tree_home=/root

# Ends the script with a message when trees cannot be made here.
need_trees() {
    [ "$(id -u)" -eq 0 ] || fail "a Debian tree is made with debootstrap and chroot, which need root"
    "$scripts/packages.sh" debootstrap
    command -v debootstrap > /dev/null || fail "debootstrap was not found: install it"
    unshare --mount true || fail "this system allows no mounts: in a container, give it CAP_SYS_ADMIN"
}

fail() {
    echo "$0: $*" >&2
    exit 1
}

# make_tree TREE SUITE PACKAGES: a bare tree of a Debian release, with packages separated by commas. MIRROR is a
# Debian mirror, debootstrap's own when empty.
make_tree() {
    echo "== Debian tree $1, $2"
    rm -rf --one-file-system "$1"
    mkdir -p "$1"
    debootstrap --variant=minbase --include="$3" "$2" "$1" ${MIRROR:+"$MIRROR"} ||
        fail "debootstrap could not make $1 (see above and $1/debootstrap/debootstrap.log)"
}

# use_settings TREE: gives a tree this system's settings for names, apt, pip, cargo and certificates.
use_settings() {
    local setting
    mkdir -p "$1$tree_home/.cargo" "$1$tree_home/.config"
    for setting in /etc/resolv.conf /etc/apt/apt.conf /etc/apt/apt.conf.d /etc/pip.conf \
        /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates; do
        [ ! -e "$setting" ] || cp -rLT "$setting" "$1$setting"
    done
    [ ! -e ~/.config/pip ] || cp -rLT ~/.config/pip "$1$tree_home/.config/pip"
    [ ! -e ~/.cargo/config.toml ] || cp -L ~/.cargo/config.toml "$1$tree_home/.cargo"
}

# in_tree TREE [--mount FROM TO]... COMMAND...: runs a command in a tree, with this system's Rust toolchain, proxy
# variables and the folders mounted that are named. TOOLCHAIN is the Rust toolchain, that of rustc when empty.
in_tree() {
    local tree=$1 mounts=() settings
    shift
    mounts+=("${TOOLCHAIN:-$(rustc --print sysroot)}" /opt/rust)
    while [ "${1:-}" = --mount ]; do
        mounts+=("$2" "$3")
        shift 3
    done
    mapfile -t settings < <(env |
        grep -iE '^((https?|no|all|ftp)_proxy|PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TIMEOUT))=')
    # The mounts are seen by this command alone, and end with it.
    unshare --mount bash -euc '
        tree=$1 home=$2 count=$3
        shift 3
        for ((; count > 0; count--)); do
            mkdir -p "$1" "$tree$2"
            mount --bind "$1" "$tree$2"
            shift 2
        done
        mount -t proc proc "$tree/proc"
        mount --rbind /dev "$tree/dev"
        exec chroot "$tree" env -i HOME="$home" TERM="${TERM:-dumb}" LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
    ' in_tree "$tree" "$tree_home" $((${#mounts[@]} / 2)) "${mounts[@]}" "${settings[@]}" "$@"
}
