#!/bin/sh
# Makes the README's strips: what each embedded model does to its sample, beside the photograph as it was.
set -eu
cd "$(dirname "$0")/.."

cargo build --release --locked
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir -p samples/strips
strip() {
    target/release/mprnet "$1" "samples/$2.png" -o "$out/$1.png" --compare "samples/strips/$1.jpg" --target samples/clean.png
}
strip derain rainy
strip denoise noisy
strip deblur blurred
