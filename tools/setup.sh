#!/bin/sh
# Installs what a Debian or Ubuntu machine lacks: a linker for Rust and a Vulkan driver (Mesa's lavapipe, which runs
# shaders on the CPU, where no driver is installed). Further packages may be named as arguments.
set -eu
# Where ldconfig is; not on the path of ordinary users.
PATH="$PATH:/sbin:/usr/sbin"

missing="$*"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
ldconfig -p | grep -q libvulkan.so.1 || missing="$missing libvulkan1"
driver=""
for folder in /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/share/vulkan/icd.d "${HOME:-/root}/.local/share/vulkan/icd.d"; do
    for manifest in "$folder"/*.json; do
        [ -e "$manifest" ] && driver="$manifest"
    done
done
[ -n "$driver" ] || [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] || missing="$missing mesa-vulkan-drivers"
[ -n "${missing# }" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "install with this system's package manager:$missing" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" != 0 ]; then
    sudo="sudo"
fi
echo "installing:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
