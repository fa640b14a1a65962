"""Writes the degraded photographs that evaluate.py measures a network on, for the program to calibrate on or restore.

python degrade_photos.py --task derain --photos DIR --out rainy
mprnet calibrate derain rainy/*.png -o derain.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from degrade import quantized
from evaluate import case_options, cases
from training_data import load_photos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    case_options(parser, required=True)
    option("--out", type=Path, required=True, help="folder that gets a PNG for each photograph and degradation")
    option("--frames", type=Path, help="folder of consecutive frames; the last 40 are averaged")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, pairs in cases(args, load_photos(args.photos, 1)):
        for number, (degraded, _) in enumerate(pairs):
            image = Image.fromarray(quantized(degraded).astype(np.uint8))
            image.save(args.out / f"{name.replace(',', '').replace(' ', '_')}-{number:02}.png")


if __name__ == "__main__":
    main()
