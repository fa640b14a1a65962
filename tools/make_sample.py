"""Writes the samples: a photograph, and the same photograph with Gaussian noise, rain and motion blur from seeds.

python make_sample.py SITE_PACKAGES/skimage/data/chelsea.png samples
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from degrade import add_noise
from degrade_blur import finish, shake
from degrade_rain import rain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, help="clean photograph")
    parser.add_argument("out", type=Path, help="folder that gets clean.png, noisy.png, rainy.png and blurred.png")
    parser.add_argument("--sigma", type=float, default=30, help="noise on the 0..255 scale (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the noise (%(default)s)")
    parser.add_argument("--coverage", type=float, default=0.25, help="coverage of the rain (%(default)s)")
    parser.add_argument("--rain-seed", type=int, default=7, help="(%(default)s)")
    parser.add_argument("--blur-seed", type=int, default=4, help="seed of the camera shake (%(default)s)")
    args = parser.parse_args()
    try:
        clean = np.asarray(Image.open(args.photo).convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        sys.exit(f"cannot read {args.photo}: {error}")
    photo = clean.astype(np.float32)
    shaking = np.random.default_rng(args.blur_seed)
    blurred, _ = shake(photo, shaking)
    samples = {
        "clean": clean,
        "noisy": add_noise(photo, args.sigma, True, np.random.default_rng(args.seed)),
        "rainy": rain(photo, args.coverage, np.random.default_rng(args.rain_seed), extras=False),
        "blurred": finish(blurred, shaking),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    for name, image in samples.items():
        Image.fromarray(image.astype(np.uint8)).save(args.out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
