#!/bin/sh
# Sets up what is missing and runs every test. Arguments go to cargo test.
set -eu
cd "$(dirname "$0")/.."

if command -v spirv-val >/dev/null; then
    sh tools/setup.sh
else
    sh tools/setup.sh spirv-tools
fi
cargo test --locked "$@"
