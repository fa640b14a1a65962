#!/bin/sh
# Makes the strips of README.md and models/README.md: what each embedded model does to a photograph, beside the
# photograph as it was.
#
#   sh tools/make_strips.sh [PYTHON]   with a PYTHON that has tools/requirements.txt, also those that show where models fail
set -eu
cd "$(dirname "$0")/.."

cargo build --release --locked
program="${CARGO_TARGET_DIR:-target}/release/mprnet"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir -p samples/strips
# strip TASK PHOTO NAME: of a degraded sample photograph.
strip() {
    "$program" "$1" "$2" -o "$out/restored.png" --compare "samples/strips/$3.jpg" --target samples/clean.png
}
strip derain samples/rainy.png derain
strip denoise samples/noisy.png denoise
strip deblur samples/blurred.png deblur

[ $# -gt 0 ] || exit 0
mkdir "$out/clean"
cp samples/clean.png "$out/clean"
for task in derain denoise deblur; do
    "$1" tools/degrade_photos.py --task "$task" --photos "$out/clean" --out "$out/degraded"
done
strip derain "$out/degraded/storm-00.png" storm
strip denoise "$out/degraded/sigma_75-00.png" sigma_75
strip deblur "$out/degraded/path_of_40_pixels-00.png" path_40
