"""Writes the photographs that evaluate.py measures a network on, for the program to calibrate on or to be measured on.

    python degrade_photos.py --task derain --photos DIR --out rainy --sets '* rain' clean
    mprnet calibrate derain.safetensors rainy/in/*.png -o calibrated.safetensors
    mprnet eval rainy/in rainy/target --model derain.safetensors --protocol rgb

`in` holds the degraded photographs and `target`, under the same names, what they are to become, which is not always the
photograph: poor light stays poor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from degrade import quantized
from evaluate import case_options, choice_options, chosen
from training_data import load_photos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    case_options(parser, required=True)
    choice_options(parser, None)
    option("--out", type=Path, required=True, help="folder that gets `in` and `target`, a PNG in each for every pair")
    option("--frames", type=Path, help="folder of consecutive frames; the last 40 are averaged")
    args = parser.parse_args()
    folders = args.out / "in", args.out / "target"
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in chosen(args, load_photos(args.photos, 1)):
        for number, pair in enumerate(pairs):
            file = f"{name.replace(',', '').replace(' ', '_')}-{number:02}.png"
            for folder, image in zip(folders, pair, strict=True):
                Image.fromarray(quantized(image).astype(np.uint8)).save(folder / file)


if __name__ == "__main__":
    main()
