"""Noise as it is found in pictures rather than at the sensor: strong, coarse, partly common to the channels, clipped
at black, with chroma blotches, bands and hot pixels, before and after JPEG; images as in degrade.py.

Networks are judged with some of it (judging.py): whoever changes what is drawn measures all rows of models/README.md
anew.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from degrade import jpeg, log_uniform, quantized, to_linear, to_srgb

DEVIATION = (3.0, 65.0)
"""Standard deviation on the 0..255 scale."""
DARK_SHARE, DARKEST = 0.5, 0.15
"""Pictures taken in poor light, where most of the noise is clipped at black."""
COMMON = 0.6
"""Largest share of the variance that all channels have in common."""
NEIGHBOURS = 0.35
"""Largest weight of a neighbour; 0.14 makes the correlation 0.27 that a phone's pictures in poor light have."""
COARSE_SHARE, COARSEST = 0.3, 3.0
CHROMA_SHARE, CHROMA_SCALE = 0.4, (1.5, 8.0)
BANDS_SHARE, BANDS = 0.1, 5.0
HOT_SHARE, HOT = 0.1, (1e-4, 3e-3)
LINEAR_SHARE = 0.35
DARK_GREY_SLOPE = 0.3
"""Linear light per sRGB where a twentieth of the light of white is seen."""
BEFORE_SHARE, AFTER_SHARE, QUALITY = 0.2, 0.5, (35, 98)


def enlarged(noise: np.ndarray, height: int, width: int) -> np.ndarray:
    """Noise [h, w] interpolated to a size, its variance kept."""
    picture = np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))
    return picture * (noise.std() / max(float(picture.std()), 1e-6))


def coarse(scale: float, height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Noise [H, W] of variance one whose grains are `scale` pixels wide."""
    sides = max(round(height / scale), 2), max(round(width / scale), 2)
    return enlarged(generator.standard_normal(sides, np.float32), height, width)


def correlated(noise: np.ndarray, weight: float) -> np.ndarray:
    """White noise [H + 2, W + 2, C] of which each pixel takes that much from its neighbours: [H, W, C]."""
    rows = noise[1:-1] + weight * (noise[:-2] + noise[2:])
    both = rows[:, 1:-1] + weight * (rows[:, :-2] + rows[:, 2:])
    return both / np.float32(1 + 2 * weight * weight)


def unit_noise(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Noise [H, W, 3] of about variance one: its own in each channel, and common to them."""
    share = generator.uniform(0, COMMON)
    if generator.random() < COARSE_SHARE:
        scale = generator.uniform(1, COARSEST)
        planes = np.stack([coarse(scale, height, width, generator) for _ in range(4)], -1)
    else:
        white = generator.standard_normal((height + 2, width + 2, 4), np.float32)
        planes = correlated(white, generator.uniform(0, NEIGHBOURS))
    noise = np.sqrt(1 - share) * planes[..., :3] + np.sqrt(share) * planes[..., 3:]
    if generator.random() < CHROMA_SHARE:
        # Blotches of colour without light: the noise that cameras leave when they smooth luminance alone.
        scale = log_uniform(*CHROMA_SCALE, generator)
        blotches = np.stack([coarse(scale, height, width, generator) for _ in range(3)], -1)
        noise += generator.uniform(0.2, 0.9) * (blotches - blotches.mean(-1, keepdims=True))
    return noise.astype(np.float32)


def faults(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Bands along rows or columns, and hot pixels, on the 0..255 scale."""
    added = np.zeros((height, width, 3), np.float32)
    if generator.random() < BANDS_SHARE:
        bands = generator.uniform(0.5, BANDS) * generator.standard_normal((height, 1, 1), np.float32)
        added += bands if generator.random() < 0.5 or height != width else bands.swapaxes(0, 1)
    if generator.random() < HOT_SHARE:
        hot = generator.random((height, width, 3)) < log_uniform(*HOT, generator)
        added += hot * generator.uniform(40, 255, (height, width, 3)).astype(np.float32)
    return added


def deviations(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The standard deviation of each channel of each pixel: stronger or weaker in the light."""
    deviation = log_uniform(*DEVIATION, generator) * np.exp(generator.normal(0, 0.15, 3))
    slope = generator.uniform(-0.4, 0.6)
    return (deviation * (1 + slope * (clean / 255 - 0.5))).astype(np.float32)


def grainy(clean: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A noisy picture, and the same without noise: darker than it was in a share of the cases."""
    height, width = clean.shape[:2]
    if generator.random() < DARK_SHARE:
        clean = to_srgb(to_linear(clean) * np.float32(log_uniform(DARKEST, 1, generator)))
    seen = jpeg(clean, int(generator.integers(60, 96))) if generator.random() < BEFORE_SHARE else clean
    noise = deviations(clean, generator) * unit_noise(height, width, generator) + faults(height, width, generator)
    if generator.random() < LINEAR_SHARE:
        # Before the tone curve, which stretches the darks: as strong as said in a dark grey, stronger below.
        noisy = to_srgb(to_linear(seen) + noise * np.float32(DARK_GREY_SLOPE / 255))
    else:
        noisy = seen + noise
    if generator.random() < AFTER_SHARE:
        return jpeg(noisy, int(generator.integers(*QUALITY))), clean
    return quantized(noisy), clean
