#!/bin/sh
# Runs a command in the root that setup.sh makes, where Wine, a Vulkan driver and a display are; the caller's MPRNET_ and
# WGPU_ variables hold there.
#
#   sh tools/windows/enter.sh LAB COMMAND...
#
# The checkout is seen at its own path, and COMMAND starts there; or in the folder that HERE names, which is /here. What is
# written into the checkout is gone afterwards.
# The programs built and the folder LAB/desk, which is /desk, can be written.
# Namespaces of its own keep mounts, processes and the display apart from the machine's: nothing of a run outlives it.
set -eu

# Within the root.
if [ "$1" = --inside ]; then
    shift
    Xvfb :9 -screen 0 640x480x24 >/dev/null 2>&1 &
    tries=0
    until [ -e /tmp/.X11-unix/X9 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "error: no display: Xvfb does not start" >&2 && exit 3; }
        sleep 0.1
    done
    if [ -n "${HERE:-}" ]; then cd /here; else cd "$CHECKOUT"; fi
    status=0
    "$@" || status=$?
    exit "$status"
fi

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: needs root, and there is no sudo" >&2 && exit 3; }
    exec sudo -E sh "$0" "$@"
fi
here="$(cd "$(dirname "$0")" && pwd)"
checkout="$(cd "$here/../.." && pwd)"
lab="$1"
shift
mkdir -p "$lab/desk" "$lab/target" "$lab/prefix" "$lab/compilers"

# Variables of the machine that would mean something else in the root, or to a program of Windows.
unset VK_DRIVER_FILES VK_ICD_FILENAMES VK_LAYER_PATH XDG_CACHE_HOME TMPDIR TEMP TMP CARGO_HOME RUSTUP_HOME
export CHECKOUT="$checkout" LAB="$lab"
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DISPLAY=:9 XDG_RUNTIME_DIR=/tmp
export WINEPREFIX=/prefix WINEDEBUG="${WINEDEBUG--all}" WINEDLLOVERRIDES="mscoree,mshtml=;d3dcompiler_47=n"
# One at a time: a prefix has one Wine.
exec flock "$lab/lock" unshare --mount --net --pid --fork --kill-child --mount-proc="$lab/root/proc" sh -euc '
    root="$LAB/root"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs none "$root/tmp"
    mkdir -p "$root/here" "$root/desk" "$root/prefix" "$root$CHECKOUT" "$root$LAB/target" "$root$LAB/compilers"
    [ -z "${HERE:-}" ] || mount --bind "$HERE" "$root/here"
    mount --bind "$LAB/desk" "$root/desk"
    mount --bind "$LAB/prefix" "$root/prefix"
    mkdir "$root/tmp/changed" "$root/tmp/work"
    mount -t overlay overlay -o "lowerdir=$CHECKOUT,upperdir=$root/tmp/changed,workdir=$root/tmp/work" "$root$CHECKOUT"
    mount --bind "$LAB/target" "$root$LAB/target"
    mount --bind "$LAB/compilers" "$root$LAB/compilers"
    exec chroot "$root" sh "$CHECKOUT/tools/windows/enter.sh" --inside "$@"' enter "$@"
