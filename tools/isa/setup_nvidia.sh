#!/bin/sh
# NVIDIA's own compiler, for nvidia.py: a virtual environment with slangc, nvcc (ptxas) and nvdisasm, and spirv-cross.
#
#   sh tools/isa/setup_nvidia.sh     into $MPRNET_ISA/nvidia, else ~/.cache/mprnet-isa/nvidia; about 700 MB, once
#
# Wants Python 3.9 or newer, and root (or sudo) where spirv-cross is not installed.
set -eu

lab="${MPRNET_ISA:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-isa}"
if ! command -v spirv-cross >/dev/null; then
    command -v apt-get >/dev/null || { echo "error: install spirv-cross first" >&2 && exit 3; }
    if [ "$(id -u)" -eq 0 ]; then apt-get install -y spirv-cross; else sudo apt-get install -y spirv-cross; fi
fi
mkdir -p "$lab"
[ -x "$lab/nvidia/bin/pip" ] || python3 -m venv "$lab/nvidia"
# slangtorch carries slangc; what it would pull in (PyTorch) is not wanted.
"$lab/nvidia/bin/pip" install -q --no-deps slangtorch==1.3.22
"$lab/nvidia/bin/pip" install -q nvidia-cuda-nvcc==13.5.37 nvidia-cuda-nvrtc==13.5.37 nvidia-cuda-cuobjdump==13.5.37 \
    nvidia-cuda-nvdisasm==13.5.37 nvidia-cuda-runtime==13.5.37 nvidia-cuda-cccl==13.3.5.0.6
chmod +x "$lab"/nvidia/lib/python3*/site-packages/slangtorch/bin/slangc
# shellcheck disable=SC2211 # the only one of its name
"$lab"/nvidia/lib/python3*/site-packages/nvidia/cu13/bin/ptxas --version | tail -n 1
