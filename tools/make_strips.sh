#!/bin/sh
# Makes the strips of README.md and models/README.md: what each embedded model does to a photograph, beside the
# photograph as it was.
#
#   sh tools/make_strips.sh [PYTHON]   with a PYTHON that has tools/requirements.txt, also those that show where models fail
set -eu
# A PYTHON in a folder is relative to where the caller is.
python="${1:-}"
case "$python" in
    /* | "") ;;
    */*) python="$PWD/$python" ;;
esac
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

[ -n "$python" ] || exit 0
mkdir "$out/clean"
cp samples/clean.png "$out/clean"
# hard TASK SET NAME: the strip of what is too hard for the model.
hard() {
    "$python" tools/degrade_photos.py --task "$1" --photos "$out/clean" --sets "$2" --out "$out/$3"
    strip "$1" "$out/$3"/in/*.png "$3"
}
hard derain storm storm
hard denoise "sigma 75" sigma_75
hard deblur "path of 40 pixels" path_40
