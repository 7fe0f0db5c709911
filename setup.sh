#!/usr/bin/env bash
# Installs what building and testing need on Debian 12 (or a system with the same package names).
# Packages that are there already are left alone, so a second call does nothing.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build flex bison pkg-config libhdf5-dev libxxhash-dev libjansson-dev libcairo2-dev)
test=(git binutils clang libcriterion-dev librandom123-dev python3 python3-venv python3-numpy python3-h5py)

missing=()
for package in "${build[@]}" "${test[@]}"; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    echo "setup: everything is installed"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run this as root, or install sudo" >&2; exit 1; }
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
