#!/bin/sh
# Checks that the program and its tests compile for macOS, on any machine: types only, nothing is linked or run. Takes a
# minute; the folder of the toolchain that rust_src.sh makes holds what it needs. Arguments go to cargo check.
set -eu
cd "$(dirname "$0")/.."
made="$(sh tools/rust_src.sh)"
# What is written in C is left out: no compiler here knows Apple's systems, and nothing is linked.
export CC_aarch64_apple_darwin=true AR_aarch64_apple_darwin=true
# A folder of its own, or each of the two toolchains would build anew what the other has built.
export PATH="$made/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/macos"
cargo check --locked --target aarch64-apple-darwin -Zbuild-std=std,panic_unwind,test --lib --bins --tests "$@"
