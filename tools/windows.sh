#!/bin/sh
# mprnet for Windows, built and run on this Linux machine: Wine runs it on Vulkan and on DX12, both over Mesa's lavapipe,
# DX12 with Microsoft's own FXC. docs/development.md says when to run this.
#
#   sh tools/windows.sh build          builds mprnet.exe and prints its path
#   sh tools/windows.sh test           runs everything below, prints a table; exit code 1 if anything failed
#   sh tools/windows.sh test PART...   cpu, cli, image_files: that test program; vulkan, dx12: the test program gpu there;
#                                      hlsl: every kernel through FXC and DXC; photos: the samples beside Linux's results
#   sh tools/windows.sh run ARGS...    runs mprnet.exe ARGS in the folder where one is, whose files alone it sees;
#                                      WGPU_BACKEND chooses vulkan (as if not given) or dx12
#
# Everything lies in $MPRNET_WINDOWS, else ~/.cache/mprnet-windows (and the toolchain where rust_src.sh puts it); each step
# is skipped once it is done, and says what it downloads: 0.5 GB in all, which become 6 GB. Wants Rust, Python with pip, and
# root (or sudo) for the folder in which Wine runs.
set -eu
caller="$PWD"
cd "$(dirname "$0")/.."
LAB="${MPRNET_WINDOWS:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-windows}"
TARGET=x86_64-pc-windows-gnu
EXE="$LAB/target/$TARGET/release/mprnet.exe"

# The toolchain, with what Windows needs besides the standard library's source: the objects that programs begin and end with.
toolchain() {
    made="$(sh tools/rust_src.sh)"
    objects="$made/lib/rustlib/$TARGET/lib"
    mkdir -p "$objects"
    for object in rsbegin rsend; do
        [ -e "$objects/$object.o" ] || RUSTC_BOOTSTRAP=1 "$made/bin/rustc" --target "$TARGET" --emit=obj \
            -o "$objects/$object.o" "$made/lib/rustlib/src/rust/library/rtstartup/$object.rs"
    done
    sh tools/windows/setup.sh "$LAB" linker
    export PATH="$made/bin:$LAB/mingw/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$LAB/target"
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
}

# cargo COMMAND for Windows; the standard library is built too.
cargo_windows() {
    command="$1"
    shift
    cargo "$command" --locked --release --target "$TARGET" -Zbuild-std=std,panic_unwind,test "$@"
}

wine_root() {
    for step in root compilers prefix; do
        sh tools/windows/setup.sh "$LAB" "$step"
    done
}

case "${1:-}" in
build)
    toolchain
    cargo_windows build
    echo "$EXE"
    ;;
test)
    shift
    [ $# -gt 0 ] || set -- cpu cli image_files hlsl vulkan dx12 photos
    case " $* " in
    # Linux's own, before the toolchain is another.
    *" photos "*) cargo build --locked ;;
    esac
    toolchain
    wine_root
    cargo_windows build
    cargo_windows test --no-run --test cpu --test cli --test gpu --test image_files \
        --message-format=json-render-diagnostics >"$LAB/programs.json"
    # Those that print their names, each with its path.
    sed -n 's/.*"kind":\["test"\].*"name":"\([a-z_]*\)","src_path".*"executable":"\([^"]*\)".*/\1 \2/p' \
        "$LAB/programs.json" >"$LAB/programs"
    sh tools/windows/test.sh "$LAB" "$EXE" "$@"
    ;;
run)
    shift
    toolchain
    [ -e "$EXE" ] || cargo_windows build
    wine_root
    HERE="$caller" WGPU_BACKEND="${WGPU_BACKEND:-vulkan}" exec sh tools/windows/enter.sh "$LAB" wine "$EXE" "$@"
    ;;
*)
    sed -n '5,10s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
