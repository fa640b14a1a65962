#!/bin/sh
# Everything that wants a real GPU, in one command of about eight minutes, with a program and test binaries that
# were built elsewhere: neither a compiler nor the network is needed where it runs.
#
#   sh tools/gpu_check.sh build FOLDER     where there is a Rust toolchain: puts what is needed into FOLDER
#   sh FOLDER/gpu_check.sh run [OUT]       on the machine with the GPU; results go to OUT (benches/results)
#   sh FOLDER/gpu_check.sh correct [OUT]   only whether it computes right, on Vulkan and OpenGL; may run beside other work
#   sh FOLDER/gpu_check.sh speed [OUT]     only how fast it is; nothing else may use the GPU meanwhile
#
# `tools/drivers.sh add NAME OUT/vulkan` puts what the second found into CONFORMANCE.md.
#
# It needs a Vulkan driver and its loader (libvulkan.so.1), and libEGL.so.1 for OpenGL. With Python, PyTorch and CUDA
# there it also compares with them; without, it says so and goes on. Adapters are chosen by WGPU_ADAPTER_NAME; a
# software adapter is refused.
set -eu

seconds() { date +%s; }

build() {
    folder="$1"
    root="$(cd "$(dirname "$0")/.." && pwd)"
    mkdir -p "$folder"
    cd "$root"
    cargo build --release --locked
    cp target/release/mprnet "$folder/"
    cargo test --release --locked --test gpu --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\/gpu-[^"]*\)".*/\1/p' | tail -n 1 | xargs -I{} cp {} "$folder/gpu-tests"
    cp tools/gpu_check.sh "$folder/"
    # Golden tensors are found where the test binary was built: their path goes along.
    printf '%s\n' "$root" >"$folder/root"
    cp -r golden models samples "$folder/"
    mkdir -p "$folder/tools"
    cp -r tools/compare.py tools/peers tools/mprnet_torch.py tools/seeded_weights.py "$folder/tools/"
    echo "copy $folder, and run there: sh gpu_check.sh run"
}

step() {
    name="$1"
    shift
    begin="$(seconds)"
    if "$@" >"$out/$name.log" 2>&1; then result="ok"; else result="FAILED"; failed="$failed $name"; fi
    printf '%-28s %s, %s s\n' "$name" "$result" "$(($(seconds) - begin))"
}

# on_gpu: whether the backend of WGPU_BACKEND leads to a GPU.
on_gpu() {
    told="$("$mprnet" bench --kernel gate --channels 4 --size 64x64 --rounds 1 2>&1)" || return 1
    case "$told" in *"no GPU is used"*) return 1 ;; esac
}

# Every variant, operator and network against the CPU twin and PyTorch's golden tensors, f32 and f16; what the adapter
# is; how far every operator is from exact; a photo. Files are named as tools/drivers.sh names them.
correct() {
    for backend in vulkan gl; do
        mkdir -p "$out/$backend"
        export WGPU_BACKEND="$backend"
        if ! on_gpu; then
            echo "$backend                       left out: it leads to no GPU here"
            continue
        fi
        threads=""
        # All of wgpu's devices on OpenGL share a context, which one thread has at a time.
        [ "$backend" = vulkan ] || threads="--test-threads=1"
        step "$backend/doctor" timeout 60 "$mprnet" doctor
        step "$backend/conformance" timeout 120 "$mprnet" -q conformance --golden "$here/golden" \
            -o "$out/$backend/conformance.json"
        step "$backend/photo" timeout 60 "$mprnet" -q denoise "$here/samples/noisy.png" --strip-metadata --tune off \
            -o "$out/$backend/photo.tiff" --overwrite
        # shellcheck disable=SC2086 # an argument or none
        step "$backend/tests" timeout 240 "$here/gpu-tests" --show-output $threads
    done
    unset WGPU_BACKEND
}

speed() {
    # The ladder, by widths of the published configurations, and the other kernels.
    widths=40,80,128,144
    step ladder_f32 timeout 90 "$mprnet" bench --kernel conv3x3 --variant all --channels "$widths" --size 512x512 --rounds 5 --format md
    step ladder_f16 timeout 60 "$mprnet" bench --kernel conv3x3 --variant all --channels "$widths" --size 512x512 --rounds 5 --precision f16 --format md
    for kernel in conv1x1 gate pool-cells; do
        step "kernel_$kernel" timeout 20 "$mprnet" bench --kernel "$kernel" --channels 80 --size 1280x720 --precision f32,f16 --format md
    done
    # Networks, by rule and tuned, and where the time goes.
    step networks timeout 150 "$mprnet" bench --config derain,deblur --size 1280x720 --precision f32,f16 --rounds 5 --tune on --format md
    for precision in f32 f16; do
        step "profile_$precision" timeout 30 "$mprnet" profile --config deblur --size 1280x720 --precision "$precision" -o "$out/profile_$precision.html"
        step "profile_${precision}_json" timeout 30 "$mprnet" profile --config deblur --size 1280x720 --precision "$precision" -o "$out/profile_$precision.json"
    done
    if python3 -c 'import torch; raise SystemExit(not torch.cuda.is_available())' 2>/dev/null; then
        step peers timeout 150 python3 "$here/tools/compare.py" derain:640x360 --mprnet "$mprnet" --runs-per-turn 3 \
            --peers mprnet mprnet-f16 'torch-cuda-*-channels-last' --markdown "$out/peers.md" --json "$out/peers.json"
    else
        echo "peers                        left out: no PyTorch with CUDA here"
    fi
}

run() {
    what="$1"
    here="$(cd "$(dirname "$0")" && pwd)"
    out="${2:-$here/benches/results}"
    mkdir -p "$out"
    failed=""
    mprnet="$here/mprnet"
    "$mprnet" devices | tee "$out/devices.txt"
    if ! on_gpu; then
        echo "no GPU is used here: install its Vulkan driver, or name the adapter with WGPU_ADAPTER_NAME" >&2
        exit 3
    fi
    # The tests look for golden/ where they were built.
    root="$(cat "$here/root")"
    if [ ! -e "$root" ]; then
        mkdir -p "$(dirname "$root")" && ln -s "$here" "$root"
    fi
    [ "$what" = speed ] || correct
    [ "$what" = correct ] || speed
    if [ -n "$failed" ]; then
        echo "failed:$failed; their logs are in $out" >&2
        exit 1
    fi
    echo "results are in $out"
}

case "${1:-}" in
build) build "${2:?a folder to build into}" ;;
run | correct | speed) run "$@" ;;
*)
    sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
