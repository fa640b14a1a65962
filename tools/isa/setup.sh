#!/bin/sh
# Makes the laboratory: a root of Debian sid with Mesa's Vulkan drivers, the Vulkan layer and the stand-in for the kernel.
#
#   sh tools/isa/setup.sh            into $MPRNET_ISA, else ~/.cache/mprnet-isa; about 1.2 GB, once
#   sh tools/isa/setup.sh --newest   takes sid's Mesa of today in the place of the one that is there
#
# Wants root (or sudo), for packages and for the root. What is there already is kept; the layer and the stand-in are
# compiled each time.
set -eu

here="$(cd "$(dirname "$0")" && pwd)"
lab="${MPRNET_ISA:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-isa}"
root="$lab/sid"

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: needs root, and there is no sudo" >&2 && exit 3; }
    exec sudo MPRNET_ISA="$lab" sh "$0" "$@"
fi

if [ "${1:-}" = --newest ]; then
    rm -rf "$root"
fi

command -v mmdebstrap >/dev/null || sh "$here/../setup.sh" mmdebstrap

# The last thing that is installed tells a whole root from one that was interrupted.
if [ ! -e "$root/isa/complete" ]; then
    rm -rf "$root"
    mkdir -p "$lab"
    mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=mesa-vulkan-drivers,libvulkan1,linux-libc-dev sid "$root"
    mkdir -p "$root/isa"
    touch "$root/isa/complete"
fi
# Where run.sh mounts what a run sees.
mkdir -p "$root/here" "$root/out" "$root/shaders" "$root/isa/program"

# Results are the caller's.
mkdir -p "$lab/out"
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" "$lab/out"

# The kernel's interfaces, for build.sh.
uapi="$lab/uapi"
rm -rf "$uapi"
mkdir -p "$uapi"
cp -r "$root"/usr/include/drm "$root"/usr/include/linux "$root"/usr/include/asm-generic "$uapi/"
cp -r "$root"/usr/include/"$(uname -m)"-linux-gnu/asm "$uapi/"
rm -f "$root/isa/standin.so"
sh "$here/build.sh"

# shellcheck disable=SC2016 # dpkg's word, not the shell's
version="$(chroot "$root" dpkg-query --showformat '${Version}' --show mesa-vulkan-drivers)"
echo "$version" >"$lab/mesa"
echo "the laboratory is in $lab, with Mesa $version"
