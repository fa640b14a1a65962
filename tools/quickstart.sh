#!/bin/sh
# Sets up what is missing, builds, and restores the sample photo with the model inside the program.
set -eu
cd "$(dirname "$0")/.."

sh tools/setup.sh
cargo build --release --locked
"${CARGO_TARGET_DIR:-target}/release/mprnet" restore samples/noisy.png -o restored.png
echo "samples/noisy.png is restored: look at $(pwd)/restored.png"
