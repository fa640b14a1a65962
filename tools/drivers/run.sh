#!/bin/sh
# Runs a program of this machine on a driver that setup.sh has fetched, with the C library that the driver wants: the
# release's own loader starts the program, so that nothing has to be installed or mounted.
#
#   sh tools/drivers/run.sh LAB NAME PROGRAM [ARGUMENT...]
set -eu
lab="$1"
name="$2"
program="$(command -v "$3")" || { echo "error: there is no program $3" >&2 && exit 3; }
shift 3

suite="${name#*-}"
suite="${suite%%-*}"
[ "$name" != swiftshader ] || suite=sid
root="$lab/$suite"
machine="$(uname -m)-linux-gnu"
libraries="$root/usr/lib/$machine:$root/lib/$machine"
loader=""
for file in "$root/usr/lib/$machine"/ld-linux*.so.? "$root/lib/$machine"/ld-linux*.so.?; do
    [ ! -e "$file" ] || loader="$file"
done
[ -n "$loader" ] || { echo "error: $name has not been set up: sh tools/drivers.sh setup $name" >&2 && exit 3; }

# What the caller has set for drivers of its own; layers of the machine would want the machine's C library.
unset VK_DRIVER_FILES VK_ICD_FILENAMES VK_LAYER_PATH VK_INSTANCE_LAYERS LD_LIBRARY_PATH LD_PRELOAD
unset WGPU_BACKEND WGPU_ADAPTER_NAME GALLIUM_DRIVER LP_NATIVE_VECTOR_WIDTH MPRNET_SHADERS
export NODEVICE_SELECT=1 VK_LOADER_LAYERS_DISABLE="~implicit~"
export MPRNET_CACHE="$lab/caches/$name" MESA_SHADER_CACHE_DIR="$lab/caches/$name"
case "$name" in
vulkan-*) VK_DRIVER_FILES="$(echo "$root"/usr/share/vulkan/icd.d/lvp_icd*.json)" && export VK_DRIVER_FILES ;;
swiftshader) export VK_DRIVER_FILES="$lab/swiftshader/vk_swiftshader_icd.json" ;;
gl-*)
    export __EGL_VENDOR_LIBRARY_FILENAMES="$root/usr/share/glvnd/egl_vendor.d/50_mesa.json"
    export LIBGL_DRIVERS_PATH="$root/usr/lib/$machine/dri" GBM_BACKENDS_PATH="$root/usr/lib/$machine/gbm"
    export WGPU_BACKEND=gl LIBGL_ALWAYS_SOFTWARE=1
    ;;
esac
case "$name" in
vulkan-*-*) export LP_NATIVE_VECTOR_WIDTH="${name##*-}" ;;
esac
[ "${WGPU_BACKEND:-}" = gl ] || export WGPU_BACKEND=vulkan
mkdir -p "$lab/caches/$name"
exec "$loader" --library-path "$libraries" "$program" "$@"
