#!/bin/sh
# Compiles the laboratory's own parts, the Vulkan layer and the stand-in for the kernel, where their sources are newer.
# Another run may be using those that are there: they are replaced, never written over.
set -eu

here="$(cd "$(dirname "$0")" && pwd)"
lab="${MPRNET_ISA:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-isa}"
isa="$lab/sid/isa"
layer="$isa/layer/libVkLayer_mprnet_isa.so"
standin="$isa/standin.so"

if [ -e "$layer" ] && [ -e "$standin" ]; then
    newer="$(find "$here/layer" "$here/standin" "$here/build.sh" -type f \( -newer "$layer" -o -newer "$standin" \))"
    [ -n "$newer" ] || exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: needs root, and there is no sudo" >&2 && exit 3; }
    exec sudo MPRNET_ISA="$lab" sh "$0"
fi

missing=""
[ -e /usr/include/vulkan/vk_layer.h ] || missing="$missing libvulkan-dev"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list of packages
    sh "$here/../setup.sh" $missing
fi

# Usage: library FILE FLAGS_AND_SOURCES...
library() {
    file="$1"
    shift
    cc -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -o "$file.$$" "$@"
    mv "$file.$$" "$file"
}

mkdir -p "$isa/layer"
cp "$here/layer/VkLayer_mprnet_isa.json" "$isa/layer/"
# The kernel's interfaces as the root's drivers know them, not those of the machine's own headers.
library "$standin" -isystem "$lab/uapi" "$here"/standin/*.c
library "$layer" "$here"/layer/*.c
