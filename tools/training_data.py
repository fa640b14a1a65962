"""Photographs in memory, and the pairs of noisy and clean crops that a denoiser learns from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}


def load_photos(folder: Path, smallest: int) -> list[np.ndarray]:
    """Every photograph of a folder as u8 HxWx3, in the order of their names."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not a folder of photographs")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    photos = [photo for photo in photos if min(photo.shape[:2]) >= smallest]
    if not photos:
        raise SystemExit(f"{folder} holds no photograph of at least {smallest}x{smallest}")
    return photos


def to_tensor(images: np.ndarray) -> Tensor:
    """Images [..., H, W, 3] on the 0..255 scale as float32 [..., 3, H, W] in 0..1."""
    return torch.from_numpy(np.moveaxis(images, -1, -3).astype(np.float32) / np.float32(255))


def add_noise(clean: np.ndarray, sigma: float, quantize: bool, generator: np.random.Generator) -> np.ndarray:
    """Gaussian noise on the 0..255 scale; `quantize` clips and rounds to 8 bits, as a file on disk would be."""
    noisy = clean + np.float32(sigma) * generator.standard_normal(clean.shape, np.float32)
    return np.rint(np.clip(noisy, 0, 255)) if quantize else noisy


class DenoisingCrops:
    """An endless, seeded supply of pairs of noisy and clean crops."""

    def __init__(self, photos: list[np.ndarray], max_sigma: float, clean_share: float, seed: int) -> None:
        self.photos = photos
        self.max_sigma = max_sigma
        self.clean_share = clean_share
        self.generator = np.random.default_rng(seed)
        # A photo is drawn as often as its area says, so that every pixel is equally likely.
        areas = np.array([photo.shape[0] * photo.shape[1] for photo in photos], np.float64)
        self.shares = areas / areas.sum()

    def crop(self, size: int) -> np.ndarray:
        """A random square of a random photo, flipped and turned at random."""
        photo = self.photos[self.generator.choice(len(self.photos), p=self.shares)]
        top = self.generator.integers(photo.shape[0] - size + 1)
        left = self.generator.integers(photo.shape[1] - size + 1)
        square = photo[top : top + size, left : left + size]
        if self.generator.random() < 0.5:
            square = square[:, ::-1]
        return np.rot90(square, self.generator.integers(4))

    def batch(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Noisy and clean crops, [count, 3, size, size] each."""
        clean = [self.crop(size).astype(np.float32) for _ in range(count)]
        noisy = [self.degrade(crop) for crop in clean]
        return to_tensor(np.stack(noisy)), to_tensor(np.stack(clean))

    def degrade(self, clean: np.ndarray) -> np.ndarray:
        """Noise of a random strength; none in `clean_share` of the crops, so that clean photos stay as they are."""
        if self.generator.random() < self.clean_share:
            return clean
        sigma = self.generator.uniform(0, self.max_sigma)
        # Half of the crops keep values past black and white: rounded 8-bit files are what is restored in the end,
        # but clipping hides that the noise is symmetric.
        return add_noise(clean, sigma, self.generator.random() < 0.5, self.generator)


def validation_pairs(folder: Path, count: int, size: int, sigma: float) -> list[tuple[Tensor, Tensor]]:
    """Noisy and clean middles of the first photographs, the noise seeded and rounded to 8 bits."""
    pairs = []
    for number, photo in enumerate(load_photos(folder, size)[:count]):
        top, left = (photo.shape[0] - size) // 2, (photo.shape[1] - size) // 2
        clean = photo[top : top + size, left : left + size].astype(np.float32)
        noisy = add_noise(clean, sigma, True, np.random.default_rng([number, 25]))
        pairs.append((to_tensor(noisy[None]), to_tensor(clean[None])))
    return pairs
