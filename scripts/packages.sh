#!/bin/bash
# Installs those of the named Debian packages that are missing: scripts/packages.sh NAME...
set -euo pipefail

if ! command -v apt-get > /dev/null; then
    echo "No apt-get here: going on without installing packages. Needed are this system's counterparts of: $*" >&2
    exit 0
fi

missing=()
for name in "$@"; do
    state=$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2> /dev/null) || state=none
    [ "$state" = installed ] || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "== Debian packages: ${missing[*]}"
install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends)
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo > /dev/null; then
    as_root=(sudo)
else
    echo "Debian packages are missing, and this user is not root and has no sudo. Have an administrator run:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
"${as_root[@]}" apt-get update
"${as_root[@]}" "${install[@]}" "${missing[@]}"
