#!/bin/sh
# Everything that wants a real GPU, in one command of about eight minutes, with a program and test binaries that
# were built elsewhere: neither a compiler nor the network is needed where it runs.
#
#   sh tools/gpu_check.sh build FOLDER     where there is a Rust toolchain: puts what is needed into FOLDER
#   sh FOLDER/gpu_check.sh run [OUT]       on the machine with the GPU; results go to OUT (benches/results)
#
# `run` needs a Vulkan driver and its loader (libvulkan.so.1). With Python, PyTorch and CUDA there it also compares
# with them; without, it says so and goes on. Adapters are chosen by WGPU_ADAPTER_NAME; a software adapter is refused.
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

run() {
    here="$(cd "$(dirname "$0")" && pwd)"
    out="${1:-$here/benches/results}"
    mkdir -p "$out"
    failed=""
    mprnet="$here/mprnet"
    "$mprnet" devices | tee "$out/devices.txt"
    if "$mprnet" bench --kernel gate --channels 4 --size 64x64 --rounds 1 2>&1 | grep -q "no GPU is used"; then
        echo "no GPU is used here: install its Vulkan driver, or name the adapter with WGPU_ADAPTER_NAME" >&2
        exit 3
    fi
    # The tests look for golden/ where they were built.
    root="$(cat "$here/root")"
    if [ ! -e "$root" ]; then
        mkdir -p "$(dirname "$root")" && ln -s "$here" "$root"
    fi
    # Every variant, operator and network against the CPU twin and PyTorch's golden tensors, f32 and f16.
    step tests timeout 150 "$here/gpu-tests"
    # What this adapter is, whether it restores right, and how far every operator is from exact.
    step doctor timeout 60 "$mprnet" doctor
    step conformance timeout 60 "$mprnet" -q conformance --golden "$here/golden" -o "$out/conformance.json"
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
            --peers mprnet mprnet-f16 'torch-cuda-*' --markdown "$out/peers.md" --json "$out/peers.json"
    else
        echo "peers                        left out: no PyTorch with CUDA here"
    fi
    if [ -n "$failed" ]; then
        echo "failed:$failed; their logs are in $out" >&2
        exit 1
    fi
    echo "results are in $out"
}

case "${1:-}" in
build) build "${2:?a folder to build into}" ;;
run) shift && run "$@" ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
