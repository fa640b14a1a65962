"""Writes the golden tensors that the Rust tests compare with, computed by our PyTorch reference.

    python export_golden.py golden --photo samples/noisy.png

The files that come from the original network (see golden/README.md) are not made here and are left alone; the folder
must have tiny_32x48.safetensors of them, from which the known answers are taken, and tiny_bias_slopes.safetensors.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from safetensors.numpy import save_file

import golden_networks
from golden_networks import DERAIN_SEED, SEED, draw_weights, random_image, tensors
from golden_operators import Tensors, operators
from mprnet_torch import PUBLISHED, Config
from training_data import to_tensor

CROP = 64
CROP_TOP, CROP_LEFT = 72, 128


def save(folder: Path, name: str, values: Tensors | dict[str, np.ndarray]) -> None:
    """Writes tensors; float64 ones of the reference become float32, other kinds stay as they are."""
    arrays = {}
    for key, value in values.items():
        array = value
        if isinstance(value, torch.Tensor):
            array = (value.float() if value.is_floating_point() else value).numpy()
        arrays[key] = np.ascontiguousarray(array)
    path = folder / f"{name}.safetensors"
    save_file(arrays, path)
    # The writer's files are private to their owner.
    path.chmod(0o644)
    print(f"{path}: {len(arrays)} tensors, {path.stat().st_size:,} bytes")


def sample_crop(photo: Path) -> torch.Tensor:
    """A square of the sample photo, 1x3x64x64 in 0..1."""
    try:
        pixels = np.asarray(Image.open(photo).convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        sys.exit(f"cannot read {photo}: {error}")
    crop = pixels[CROP_TOP : CROP_TOP + CROP, CROP_LEFT : CROP_LEFT + CROP]
    if crop.shape != (CROP, CROP, 3):
        sys.exit(f"{photo} is too small for a crop of {CROP}x{CROP} at row {CROP_TOP}, column {CROP_LEFT}")
    return to_tensor(crop[None]).double()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--photo", type=Path, required=True, help="the sample photo, of which a crop is restored")
    args = parser.parse_args()
    crop = sample_crop(args.photo)
    args.out.mkdir(parents=True, exist_ok=True)

    save(args.out, "operators", operators())
    save(args.out, "blocks", golden_networks.blocks())

    # For r = 4 only a few features, to keep the file small.
    shuffles = {"tiny_shuffle2": (2, 48, 80, ".*"), "tiny_shuffle4": (4, 64, 96, r"sam12\..|stage2_encoder\..|tail")}
    for name, (r, height, width, only) in shuffles.items():
        weights = draw_weights(Config(n=8, s=4, o=4, num_cab=2, shuffle=r), SEED)
        save(args.out, name, weights)
        image = random_image(name, height, width)
        save(args.out, f"{name}_{height}x{width}", tensors(weights, image, only))

    for name, height, width, trained in golden_networks.LOCAL:
        weights = golden_networks.read_weights(args.out / f"{name}.safetensors")
        file = f"{name}_local{trained}_{height}x{width}"
        save(args.out, file, tensors(weights, random_image(file, height, width), r"stage[12]_.*\.2", trained))

    derain = draw_weights(PUBLISHED["derain"], DERAIN_SEED)
    save(args.out, f"sample_derain_{CROP}x{CROP}", tensors(derain, crop, "stage[123]"))
    save(args.out, "seeded", golden_networks.seeded())
    save(args.out, "known_answers", golden_networks.known_answers(args.out))


if __name__ == "__main__":
    main()
