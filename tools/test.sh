#!/bin/sh
# Sets up what is missing and runs every test. Arguments go to cargo test.
set -eu
cd "$(dirname "$0")/.."

# Other readers and writers that tests compare with, by a program of each package.
missing=""
command -v spirv-val >/dev/null || missing="$missing spirv-tools"
command -v tiffcp >/dev/null || missing="$missing libtiff-tools"
command -v cjpeg >/dev/null || missing="$missing libjpeg-turbo-progs"
command -v ffmpeg >/dev/null || missing="$missing ffmpeg"
# A driver that fails is a layer of Vulkan, which is compiled.
[ -e /usr/include/vulkan/vk_layer.h ] || missing="$missing libvulkan-dev"
# shellcheck disable=SC2086 # a list of packages
sh tools/setup.sh $missing
cargo test --locked "$@"
