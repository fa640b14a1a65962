"""Writes the sample: a photograph, and the same photograph with seeded Gaussian noise.

python make_sample.py SITE_PACKAGES/skimage/data/chelsea.png samples
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from degrade import add_noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, help="clean photograph")
    parser.add_argument("out", type=Path, help="folder that gets clean.png and noisy.png")
    parser.add_argument("--sigma", type=float, default=30, help="noise on the 0..255 scale (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    try:
        clean = np.asarray(Image.open(args.photo).convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        sys.exit(f"cannot read {args.photo}: {error}")
    noisy = add_noise(clean.astype(np.float32), args.sigma, True, np.random.default_rng(args.seed))
    args.out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(clean).save(args.out / "clean.png", optimize=True)
    Image.fromarray(noisy.astype(np.uint8)).save(args.out / "noisy.png", optimize=True)


if __name__ == "__main__":
    main()
