#!/bin/sh
# Checks that the library without its default features compiles for browsers (wasm32-unknown-unknown): types only. Takes a
# minute; the folder of the toolchain that rust_src.sh makes holds what it needs. Arguments go to cargo check.
set -eu
cd "$(dirname "$0")/.."
made="$(sh tools/rust_src.sh)"
# A folder of its own, or each of the two toolchains would build anew what the other has built.
export PATH="$made/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/wasm"
cargo check --locked --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort --lib --no-default-features "$@"
