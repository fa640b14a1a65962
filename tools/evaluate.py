"""Measures a denoiser: PSNR on photographs with seeded Gaussian noise, rounded to 8 bits, and on clean ones.

python evaluate.py models/denoise.safetensors --photos DIR --sigma 0 15 25 50
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import mprnet_torch
from mprnet_torch import MPRNet
from train import psnr
from training_data import add_noise, load_photos, to_tensor


@torch.inference_mode()
def restore(network: MPRNet, image: Tensor) -> Tensor:
    """The image of stage 3, any size: padded by reflection on the right and at the bottom, and cropped back."""
    height, width = image.shape[2:]
    multiple = network.config.multiple
    padded = F.pad(image, (0, -width % multiple, 0, -height % multiple), mode="reflect")
    return network(padded.contiguous(memory_format=torch.channels_last))[2][..., :height, :width]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="safetensors file")
    parser.add_argument("--photos", type=Path, required=True, help="folder of clean photographs")
    parser.add_argument("--sigma", type=float, nargs="+", default=[0, 15, 25, 50], help="noise on the 0..255 scale")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = mprnet_torch.load(args.weights).to(memory_format=torch.channels_last)
    photos = load_photos(args.photos, network.config.multiple)
    for sigma in args.sigma:
        before, after = [], []
        for number, photo in enumerate(photos):
            clean = photo.astype(np.float32)
            noisy = to_tensor(add_noise(clean, sigma, True, np.random.default_rng([number, 25]))[None])
            target = to_tensor(clean[None])
            before.append(psnr(noisy, target))
            after.append(psnr(restore(network, noisy), target))
        print(
            f"sigma {sigma:g}: {np.mean(before):.2f} -> {np.mean(after):.2f} dB, {len(photos)} photographs", flush=True
        )


if __name__ == "__main__":
    main()
