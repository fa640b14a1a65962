"""Noise and JPEG for photographs, and what all degradations share: light, splats and random draws.

Images are float32 [H, W, 3] on the 0..255 scale. Every function is pure: what is random comes from the generator it is
given. Rain is in degrade_rain.py, motion blur in degrade_blur.py.
"""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

MAX_SIGMA = 75.0
SHOT = (5e-4, 0.1)
"""Variance of the photon noise of white in linear light, from base ISO in the sun to far too little light."""
RED_GAIN = (1.2, 2.6)
BLUE_GAIN = (1.2, 2.4)
JPEG_SHARE = 0.5
JPEG_QUALITY = (60, 100)


def to_linear(image: np.ndarray) -> np.ndarray:
    """sRGB on the 0..255 scale as linear light in 0..1."""
    value = np.clip(image, 0, 255).astype(np.float32) / np.float32(255)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Linear light, clipped to 0..1 as a sensor does, as sRGB on the 0..255 scale."""
    value = np.clip(light, 0, 1)
    value = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 1e-6) ** (1 / 2.4) - 0.055)
    return (value * 255).astype(np.float32)


def quantized(image: np.ndarray) -> np.ndarray:
    """Clipped and rounded to 8 bits, as a file on disk would be."""
    return np.rint(np.clip(image, 0, 255)).astype(np.float32)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after a JPEG file of that quality."""
    file = io.BytesIO()
    Image.fromarray(quantized(image).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), np.float32)


def exposed(clean: np.ndarray, most: float, generator: np.random.Generator) -> np.ndarray:
    """The picture exposed for longer, up to so many times: what was bright is white, channel by channel."""
    return quantized(to_srgb(to_linear(clean) * np.float32(generator.uniform(1, most))))


def maybe_jpeg(image: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """In `share` of the cases a JPEG of random quality, else rounded to 8 bits."""
    if generator.random() < share:
        return jpeg(image, int(generator.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1)))
    return quantized(image)


def log_uniform(low: float, high: float, generator: np.random.Generator) -> float:
    """A number whose logarithm is uniform: as often between 1 and 2 as between 2 and 4."""
    return math.exp(generator.uniform(math.log(low), math.log(high)))


def splat(y: np.ndarray, x: np.ndarray, weight: np.ndarray, height: int, width: int) -> np.ndarray:
    """Adds weights at sub-pixel positions, each shared bilinearly by its four pixels; those outside are dropped."""
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    down, right = y - top, x - left
    plane = np.zeros(height * width)
    for row, row_share in ((top, 1 - down), (top + 1, down)):
        for column, column_share in ((left, 1 - right), (left + 1, right)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            share = (weight * row_share * column_share)[inside]
            plane += np.bincount((row * width + column)[inside], share, height * width)
    return plane.reshape(height, width)


def add_noise(clean: np.ndarray, sigma: float, quantize: bool, generator: np.random.Generator) -> np.ndarray:
    """Gaussian noise on the 0..255 scale; without `quantize`, values past black and white stay."""
    noisy = clean + np.float32(sigma) * generator.standard_normal(clean.shape, np.float32)
    return quantized(noisy) if quantize else noisy


def demosaic(raw: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Bilinear interpolation of a Bayer mosaic [H, W]; `sites` [H, W, 3] says which colour each pixel sees."""
    height, width = raw.shape
    # Reflection about the border pixel keeps the mosaic's period of two.
    planes = np.pad(raw[..., None] * sites, ((1, 1), (1, 1), (0, 0)), mode="reflect")

    def shifted(down: int, right: int) -> np.ndarray:
        return planes[1 + down : 1 + down + height, 1 + right : 1 + right + width]

    beside = shifted(0, 1) + shifted(0, -1) + shifted(1, 0) + shifted(-1, 0)
    corners = shifted(1, 1) + shifted(1, -1) + shifted(-1, 1) + shifted(-1, -1)
    # Green has four neighbours at its gaps; red and blue have two beside or four at the corners.
    centre = shifted(0, 0)
    return centre + np.stack(
        [
            beside[..., 0] / 2 + corners[..., 0] / 4,
            beside[..., 1] / 4,
            beside[..., 2] / 2 + corners[..., 2] / 4,
        ],
        -1,
    )


def bayer_sites(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Which colour each pixel of an RGGB mosaic sees, [H, W, 3] of 0 and 1; the phase is random."""
    tile = np.zeros((2, 2, 3), np.float32)
    tile[0, 0, 0] = tile[0, 1, 1] = tile[1, 0, 1] = tile[1, 1, 2] = 1
    tile = np.roll(tile, tuple(generator.integers(2, size=2)), (0, 1))
    return np.tile(tile, ((height + 1) // 2, (width + 1) // 2, 1))[:height, :width]


def camera_noise(
    clean: np.ndarray, generator: np.random.Generator, shot: float | None = None, jpeg_share: float = JPEG_SHARE
) -> np.ndarray:
    """Noise as a camera makes it: photons and read-out at a Bayer sensor, demosaiced, white-balanced, sRGB, JPEG.

    Only the noise goes through the mosaic. Interpolation is linear, so this is what a camera would add to a photo
    that its own demosaicing had not softened; a softened one would teach sharpening.
    """
    shot = log_uniform(*SHOT, generator) if shot is None else shot
    light = to_linear(clean)
    gains = np.array([generator.uniform(*RED_GAIN), 1, generator.uniform(*BLUE_GAIN)], np.float32)
    sites = bayer_sites(*clean.shape[:2], generator)
    seen = (light / gains * sites).sum(-1)
    # Read-out noise grows with the amplification, but is not in step with the photon noise.
    read = shot * log_uniform(0.05, 1.0, generator)
    deviation = np.sqrt(shot * seen + read * read)
    noise = demosaic(deviation * generator.standard_normal(seen.shape, np.float32), sites) * gains
    return maybe_jpeg(to_srgb(light + noise), jpeg_share, generator)
