#!/bin/sh
# Runs a command on a GPU that is not there, and writes down what its driver's compiler makes of every pipeline.
#
#   sh tools/isa/run.sh [-o FOLDER] DEVICE COMMAND...
#
#   sh tools/isa/run.sh gfx1100 mprnet devices
#   sh tools/isa/run.sh -o out/dg2 dg2 mprnet denoise samples/noisy.png -o /out/restored.png --tune off
#
# DEVICE   AMD: gfx900 gfx908 gfx1010 gfx1030 gfx1100 gfx1102 gfx1151 gfx1201; Intel: cfl tgl adl dg2 mtl lnl bmg;
#          NVIDIA: pascal volta turing ampere ada blackwell; Qualcomm: a618 a630 a650 a660 a740 a750 x185; Apple: m1 m2
# FOLDER   is emptied of earlier results; without it $MPRNET_ISA/out/DEVICE. The command sees it as /out.
# COMMAND  runs in the laboratory's root (setup.sh) and in the current folder, which is there as /here; other paths of
#          this machine are not there. `mprnet` is $MPRNET_PROGRAM, else the newer of target/release and target/debug.
#
# Wants root (or sudo): every run mounts a /dev, a /sys and folders of its own over the root's, in a mount namespace
# that ends with it, so that runs do not meet. Where MPRNET_SHADERS names a folder, a debug build reads shaders there.
set -eu

here="$(cd "$(dirname "$0")" && pwd)"
lab="${MPRNET_ISA:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-isa}"
root="$lab/sid"

usage() {
    sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Kernel driver, its name for the chip, the Vulkan driver, and what sysfs says: a PCI vendor and device, or a platform.
describe() {
    case "$1" in
    dg2) set -- i915 0x56a0 ;; mtl) set -- i915 0x7d55 ;; tgl) set -- i915 0x9a49 ;;
    adl) set -- i915 0x46a6 ;; cfl) set -- i915 0x3e92 ;;
    lnl) set -- xe 0x64a0 ;; bmg) set -- xe 0xe20b ;;
    pascal) set -- nouveau 0x134 0x1b80 ;; volta) set -- nouveau 0x140 0x1d81 ;; turing) set -- nouveau 0x162 0x1e04 ;;
    ampere) set -- nouveau 0x172 0x2204 ;; ada) set -- nouveau 0x192 0x2684 ;; blackwell) set -- nouveau 0x1b2 0x2b85 ;;
    a618) set -- msm 0x060108ff ;; a630) set -- msm 0x060300ff ;; a650) set -- msm 0x06050002 ;;
    a660) set -- msm 0x06060001 ;; a740) set -- msm 0x43050a01 ;; a750) set -- msm 0x43051401 ;; x185) set -- msm 0x43050c01 ;;
    m1) set -- asahi 0x8103 ;; m2) set -- asahi 0x8112 ;;
    gfx900 | gfx908 | gfx1010 | gfx1030 | gfx1100 | gfx1102 | gfx1151 | gfx1201) set -- amdgpu "0x${1#gfx}" ;;
    *) echo "error: no device is called $1" >&2 && usage ;;
    esac
    kernel="$1" chip="$2"
    case "$kernel" in
    i915 | xe) icd=intel sysfs="pci 0x8086 $chip" ;;
    nouveau) icd=nouveau sysfs="pci 0x10de $3" ;;
    amdgpu) icd=radeon sysfs="pci 0x1002 0x744c" ;;
    msm) icd=freedreno sysfs="platform qcom,adreno" ;;
    asahi) icd=asahi sysfs="platform apple,agx" ;;
    esac
}

# The render node, and the files by which libdrm finds out what it is.
fake_files() {
    mount -t tmpfs none "$root/dev"
    mount -t tmpfs none "$root/sys"
    mount -t tmpfs none "$root/tmp"
    for device in null zero random urandom; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir -p "$root/dev/dri" "$root/dev/shm"
    mknod -m 666 "$root/dev/dri/renderD128" c 226 128
    node="$root/sys/dev/char/226:128/device"
    mkdir -p "$node/drm/renderD128" "$root/sys/bus/$1"
    ln -s "/sys/bus/$1" "$node/subsystem"
    if [ "$1" = platform ]; then
        printf 'OF_FULLNAME=/soc/gpu\nOF_COMPATIBLE_N=1\nOF_COMPATIBLE_0=%s\n' "$2" >"$node/uevent"
        return
    fi
    printf 'DRIVER=none\nPCI_CLASS=30000\nPCI_ID=%s:%s\nPCI_SUBSYS_ID=1028:075B\nPCI_SLOT_NAME=0000:01:00.0\n' \
        "${2#0x}" "${3#0x}" >"$node/uevent"
    echo "$2" >"$node/vendor"
    echo "$3" >"$node/device"
    echo 0x1028 >"$node/subsystem_vendor"
    echo 0x075b >"$node/subsystem_device"
    echo 0x00 >"$node/revision"
    head -c 64 /dev/zero >"$node/config"
}

# In the namespace: mounts, and then the command.
inside() {
    # One word for each part of what describe() said.
    # shellcheck disable=SC2086
    fake_files $sysfs
    mount --bind "$PWD" "$root/here"
    mount --bind "$out" "$root/out"
    mount -t tmpfs none "$root/isa/program"
    if [ -e "$program" ]; then
        touch "$root/isa/program/mprnet"
        mount --bind "$program" "$root/isa/program/mprnet"
    fi
    if [ -n "${MPRNET_SHADERS:-}" ]; then
        mount --bind "$MPRNET_SHADERS" "$root/shaders"
        export MPRNET_SHADERS=/shaders
    fi
    case "$icd" in
    # Apple's compiler tells its assembly to nobody but the terminal.
    asahi) export ISA_CAPTURE=1 AGX_MESA_DEBUG=shaders ;;
    esac
    # Without labels no pipeline could be told from another; without a cache every one is compiled.
    exec nice -n 10 chroot "$root" /usr/bin/env -C /here HOME=/tmp XDG_RUNTIME_DIR=/tmp XDG_CACHE_HOME=/tmp \
        PATH=/isa/program:/usr/bin:/bin NODEVICE_SELECT=1 WGPU_DEBUG=1 MESA_SHADER_CACHE_DISABLE=true \
        VK_DRIVER_FILES="/usr/share/vulkan/icd.d/${icd}_icd.json" VK_LAYER_PATH=/isa/layer \
        VK_INSTANCE_LAYERS=VK_LAYER_MPRNET_isa ISA_OUT=/out ISA_NOOP=1 \
        STANDIN_DRIVER="$kernel" STANDIN_ID="$chip" LD_PRELOAD=/isa/standin.so "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    describe "$1"
    shift
    inside "$@"
fi

out=""
if [ "${1:-}" = -o ]; then
    out="${2:?a folder}"
    shift 2
fi
[ $# -ge 2 ] || usage
describe "$1"
[ -e "$root/isa/standin.so" ] || { echo "error: there is no laboratory in $lab: sh tools/isa/setup.sh" >&2 && exit 3; }
out="${out:-$lab/out/$1}"
mkdir -p "$out"
out="$(cd "$out" && pwd)"
rm -f "$out"/[0-9]*.txt "$out"/[0-9]*.spv "$out"/index.tsv "$out"/dispatches.tsv "$out"/device.txt "$out"/compiling.log

program="${MPRNET_PROGRAM:-}"
if [ -z "$program" ]; then
    target="${CARGO_TARGET_DIR:-$here/../../target}"
    program="$target/release/mprnet"
    if [ ! -e "$program" ] || [ "$target/debug/mprnet" -nt "$program" ]; then
        program="$target/debug/mprnet"
    fi
fi
if [ "$2" = mprnet ] && [ ! -x "$program" ]; then
    echo "error: there is no program $program: cargo build, or name one by MPRNET_PROGRAM" >&2
    exit 3
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: needs root, and there is no sudo" >&2 && exit 3; }
    as_root="sudo --preserve-env"
fi
export out program MPRNET_ISA="$lab"
exec $as_root unshare --mount sh "$0" --inside "$@"
