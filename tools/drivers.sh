#!/bin/sh
# Runs the gpu tests, the checks of `mprnet conformance` and a photo on every driver that runs shaders on a CPU and can be
# had, and writes CONFORMANCE.md: a table of them all.
#
#   sh tools/drivers.sh                      all drivers, one after the other: hours on two cores
#   sh tools/drivers.sh test NAME...         those; of the others the table keeps what it tells
#   sh tools/drivers.sh suite NAME...        the gpu tests alone
#   sh tools/drivers.sh check NAME...        the checks and the photo alone: minutes each
#   sh tools/drivers.sh setup NAME...        fetches what they need, and nothing else
#   sh tools/drivers.sh run NAME COMMAND...  a program of this machine on a driver, such as
#                                            `sh tools/drivers.sh run gl-sid target/release/mprnet devices`
#   sh tools/drivers.sh add NAME FOLDER      what `tools/gpu_check.sh correct` found on a GPU: OUT/vulkan or OUT/gl
#   sh tools/drivers.sh table                the table from what is there
#
# vulkan-bookworm, vulkan-trixie, vulkan-sid   Mesa's lavapipe as in that release of Debian
# vulkan-sid-128, vulkan-sid-512               the same with vectors of so many bits instead of 256, if the CPU has them
# gl-bookworm, gl-trixie, gl-sid               OpenGL: Mesa's llvmpipe
# swiftshader                                  Google's Vulkan driver, as in sid's Chromium
# wine-vulkan, wine-dx12                       what tools/windows.sh sets up
# chromium                                     WebGPU on SwiftShader, as tools/test_web.sh sets it up: tiny networks alone
#
# Drivers lie in $MPRNET_DRIVERS, else ~/.cache/mprnet-drivers, with what they were last asked; nothing is installed. Each is
# fetched once: 75 MB for a release of Debian, which become 400, and 31 MB for SwiftShader. Debian or Ubuntu, no root but
# for Wine. MPRNET_PROGRAM names a program to be taken instead of a release build.
set -eu
caller="$PWD"
cd "$(dirname "$0")/.."
LAB="${MPRNET_DRIVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-drivers}"
WINDOWS="${MPRNET_WINDOWS:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-windows}"
ALL="vulkan-bookworm vulkan-trixie vulkan-sid vulkan-sid-128 vulkan-sid-512 gl-bookworm gl-trixie gl-sid swiftshader
    wine-vulkan wine-dx12 chromium"
# What hangs is ended; longer than any program takes on two busy cores.
LIMIT="${MPRNET_DRIVERS_LIMIT:-10800}"

# The tests as developers have them, the program as users have it; each is built at most once, when it is wanted.
tests() {
    if [ -z "${tests:-}" ]; then
        cargo test --locked --test gpu --no-run --message-format=json-render-diagnostics >"$LAB/programs.json"
        tests="$(sed -n 's/.*"executable":"\([^"]*\/gpu-[^"]*\)".*/\1/p' "$LAB/programs.json" | tail -n 1)"
    fi
}

program() {
    program="${program:-${MPRNET_PROGRAM:-}}"
    if [ -z "$program" ]; then
        cargo build --locked --release
        program="${CARGO_TARGET_DIR:-target}/release/mprnet"
    fi
}

# note NAME PART WHAT STATUS: a step of the tests or the checks that ended badly; report.py tells of it.
note() {
    [ "$4" -eq 0 ] || echo "$3 ended with exit code $4" >>"$LAB/results/$1/$2.trouble"
}

# native_tests NAME: the tests on a driver of drivers/run.sh.
native_tests() {
    tests
    results="$LAB/results/$1"
    threads=""
    case "$1" in
    # All of wgpu's devices on OpenGL share a context: a thread that waits for it longer than six seconds panics.
    gl-*) threads="--test-threads=1" ;;
    esac
    status=0
    # shellcheck disable=SC2086 # an argument or none
    timeout "$LIMIT" sh tools/drivers/run.sh "$LAB" "$1" "$tests" --show-output $threads >"$results/tests.log" 2>&1 || status=$?
    # 101: tests failed, which the log tells.
    [ "$status" -eq 101 ] || note "$1" tests "the test program gpu" "$status"
}

# native_checks NAME: the checks and the photo.
native_checks() {
    program
    results="$LAB/results/$1"
    # The first result is to be a first one.
    rm -rf "$LAB/caches/$1"
    status=0
    timeout "$LIMIT" sh tools/drivers/run.sh "$LAB" "$1" "$program" -q conformance --golden golden \
        -o "$results/conformance.json" >"$results/conformance.log" 2>&1 || status=$?
    note "$1" checks "conformance" "$status"
    status=0
    timeout "$LIMIT" sh tools/drivers/run.sh "$LAB" "$1" "$program" -q denoise samples/noisy.png --strip-metadata \
        --tune off -o "$results/photo.tiff" >"$results/photo.log" 2>&1 || status=$?
    note "$1" checks "the photo" "$status"
    cat "$LAB/swiftshader/packages" >"$results/packages" 2>/dev/null || true
}

# wine_tests NAME: the same by tools/windows.sh, whose test programs are those of Windows.
wine_tests() {
    results="$LAB/results/$1"
    sh tools/windows.sh test "${1#wine-}" >"$results/windows.log" 2>&1 || true
    cp "$WINDOWS/desk/gpu-${1#wine-}.log" "$results/tests.log" ||
        echo "the test program gpu did not run" >>"$results/tests.trouble"
}

wine_checks() {
    results="$LAB/results/$1"
    cp samples/noisy.png "$results/"
    cp -r golden "$results/"
    for step in "conformance --golden golden -o conformance.json" \
        "denoise noisy.png --strip-metadata --tune off -o photo.tiff"; do
        status=0
        # shellcheck disable=SC2086 # a list of arguments
        (root="$PWD" && cd "$results" && WGPU_BACKEND="${1#wine-}" sh "$root/tools/windows.sh" run -q $step) \
            >>"$results/windows.log" 2>&1 || status=$?
        note "$1" checks "${step%% *}" "$status"
    done
    rm -rf "$results/noisy.png" "$results/golden"
}

# in_browser NAME: networks whose weights are files, in a browser; nothing else runs there.
in_browser() {
    status=0
    timeout "$LIMIT" sh tools/test_web.sh golden >"$LAB/results/$1/conformance.log" 2>&1 || status=$?
    note "$1" checks "conformance" "$status"
    [ "$status" -ne 0 ] || cp "${MPRNET_WEB:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-web}/out/conformance.json" "$LAB/results/$1"
}

test_driver() {
    echo "$1: results go to $LAB/results/$1"
    rm -rf "$LAB/results/$1"
    mkdir -p "$LAB/results/$1"
    if ! sh tools/drivers/setup.sh "$LAB" "$1" >"$LAB/results/$1/absent"; then
        echo "$1: left out: $(cat "$LAB/results/$1/absent")"
        return
    fi
    rm "$LAB/results/$1/absent"
    case "$1" in
    wine-*)
        [ "$action" = check ] || wine_tests "$1"
        [ "$action" = suite ] || wine_checks "$1"
        ;;
    chromium) [ "$action" = suite ] || in_browser "$1" ;;
    *)
        [ "$action" = check ] || native_tests "$1"
        [ "$action" = suite ] || native_checks "$1"
        ;;
    esac
}

table() {
    # It puts the reports of several drivers side by side.
    [ -z "$(find "$LAB/results" -name conformance.json)" ] || program
    # shellcheck disable=SC2086 # a list of names
    # Names besides those are of GPUs, of which the page tells what it told.
    python3 tools/drivers/report.py "$LAB/results" "${program:-none}" CONFORMANCE.md $ALL "$@" >CONFORMANCE.md.tmp
    mv CONFORMANCE.md.tmp CONFORMANCE.md
    echo "CONFORMANCE.md is written"
}

mkdir -p "$LAB/results"
LAB="$(cd "$LAB" && pwd)"
action="${1:-test}"
[ $# -eq 0 ] || shift
# shellcheck disable=SC2086 # a list of names
case "$action" in test | suite | check | setup) [ $# -gt 0 ] || set -- $ALL ;; esac
case "$action" in
test | suite | check)
    for name in "$@"; do
        test_driver "$name"
    done
    table
    ;;
setup) for name in "$@"; do sh tools/drivers/setup.sh "$LAB" "$name"; done ;;
run)
    here="$PWD"
    cd "$caller"
    exec sh "$here/tools/drivers/run.sh" "$LAB" "$@"
    ;;
add)
    rm -rf "$LAB/results/$1"
    cp -r "$(cd "$caller" && realpath "$2")" "$LAB/results/$1"
    table "$1"
    ;;
table) table ;;
*)
    sed -n '4,14s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
