"""Rain as training sees it: in every direction, at its heaviest over half of the picture, with mist that thickens with
distance and drops out of focus, and days that are hazy without rain; images as in degrade.py.

degrade_rain.py draws the streaks. Networks are judged with some of it (judging.py): whoever changes what is drawn
measures all rows of models/README.md anew.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from degrade import log_uniform, quantized
from degrade_blur import convolve, path_kernel
from degrade_rain import ADDED, COVERAGE, Layer, blend, draw_layers, photographed, random_coverage, random_rain, streaks

KNOWN_SHARE = 0.5
"""Share of the rain of degrade_rain.py."""
HEAVIEST = 0.65
"""The most coverage that is asked for (degrade_rain.py); 0.55 is the mean opacity of what is drawn then."""
ANY_DIRECTION_SHARE = 0.4
WIDEST, LONGEST = 7.0, 140.0
GRAIN_SHARE = 0.35
MIST_SHARE, THICKEST = 0.3, 1.2
DROPS_SHARE, JPEG_SHARE = 0.15, 0.25
WALLS = (15.0, 245.0)
"""Mean brightness of walls."""
MOST_EXPOSED = 1.8
"""Factor of the light of a hazy day at most: skies and walls become white."""


def layer_at_large(layer: Layer, generator: np.random.Generator) -> Layer:
    """The layer wider and longer in places, and in any direction in a share of the pictures."""
    stretch = log_uniform(1, 3, generator)
    layer = replace(layer, length=min(layer.length * stretch, LONGEST), width=min(layer.width * stretch, WIDEST))
    if generator.random() < ANY_DIRECTION_SHARE:
        layer = replace(layer, slant=generator.uniform(-math.pi / 2, math.pi / 2))
    return layer


def grain(coverage: float, height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Opacity [H, W] of rain as picture editors make it: bright specks, smeared along a line."""
    size, length = log_uniform(0.4, 2, generator), log_uniform(8, 60, generator)
    angle = generator.normal(math.pi / 2, 0.5)
    line = np.exp(1j * angle) * np.linspace(-0.5, 0.5, max(8, math.ceil(2 * length))) * length
    kernel = path_kernel(line)
    radius = kernel.shape[0] // 2
    # The border that reflects lies outside of the picture.
    sides = height + 2 * radius, width + 2 * radius
    specks = generator.standard_normal((*sides, 1)).astype(np.float32)
    steps = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * (steps / size) ** 2)
    smeared = convolve(convolve(specks, bell[:, None] * bell), kernel)[radius:-radius, radius:-radius, 0]
    # Above the level at which the share of the picture that shows rain is about twice its mean opacity.
    level = np.quantile(smeared, max(1 - 2 * coverage, 0.05))
    bright = np.clip(smeared - level, 0, None)
    return np.clip(bright * (coverage / max(float(bright.mean()), 1e-6)), 0, 1)


def mist(image: np.ndarray, thickest: float, generator: np.random.Generator) -> np.ndarray:
    """The opacity [H, W, 1] of mist: it thickens with the distance, which grows upwards and where it is bright."""
    height, width = image.shape[:2]
    y, x = np.linspace(1, -1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    lean = generator.normal(0, 0.3, 2)
    wave = generator.uniform(0, 2 * math.pi, 2)
    distance = 0.5 + (0.5 + lean[0]) * y + lean[1] * x + 0.2 * np.sin(2 * y + wave[0]) * np.sin(2 * x + wave[1])
    distance = distance + generator.uniform(0, 0.6) * (image.max(-1) - 0.5)
    return -np.expm1(-generator.uniform(0, thickest) * np.clip(distance, 0, None))[..., None]


def hazy(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A bright or hazy day on which it does not rain: it looks like mist, and is to be left alone."""
    image = np.clip(clean / np.float32(255) * generator.uniform(1, MOST_EXPOSED), 0, 1)
    light = generator.uniform(0.6, 1.0) + generator.uniform(-0.04, 0.04, 3)
    return quantized(blend(image, mist(image, generator.uniform(0, THICKEST), generator), light, "over") * 255)


def plain(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A wall in place of a picture, or what is left of the picture on one: smooth, of any brightness, to be left alone.

    In a picture that shows nothing else it looks like mist.
    """
    height, width = clean.shape[:2]
    level = generator.uniform(*WALLS) + generator.normal(0, 8, 3)
    y, x = np.linspace(-1, 1, height)[:, None, None], np.linspace(-1, 1, width)[None, :, None]
    slope = generator.normal(0, 12, 2)
    relief = (clean - clean.mean((0, 1))) * (generator.uniform(0, 1) * (generator.random() < 0.6))
    grain = generator.normal(0, generator.uniform(0, 3), (height, width, 1))
    return quantized((level + slope[0] * y + slope[1] * x + relief + grain).astype(np.float32))


def storm(clean: np.ndarray, coverage: float, generator: np.random.Generator) -> np.ndarray:
    """Rain of that coverage, with mist, drops, noise and JPEG in a share of the pictures each."""
    height, width = clean.shape[:2]
    image = clean / np.float32(255)
    light = generator.uniform(0.5, 1.0) + generator.uniform(-0.04, 0.04, 3)
    if generator.random() < MIST_SHARE:
        # As in degrade_rain.py: little rain brings little mist.
        thickest = THICKEST * math.sqrt(coverage / HEAVIEST)
        image = blend(image, mist(image, thickest, generator), light, "over")
    mode = str(generator.choice(["screen", "add", "over"], p=[0.35, 0.4, 0.25]))
    coverage = coverage * ADDED if mode == "add" else coverage
    if generator.random() < GRAIN_SHARE:
        part = coverage * generator.uniform(0.2, 1)
        image = blend(image, grain(part, height, width, generator)[..., None], light, mode)
        coverage -= part
    if coverage > COVERAGE[0]:
        for layer in draw_layers(coverage, generator):
            opacity = streaks(layer_at_large(layer, generator), height, width, generator)
            image = blend(image, opacity[..., None], light * generator.uniform(0.8, 1), mode)
    return photographed(image, light, DROPS_SHARE, JPEG_SHARE, generator)


def random_storm(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Rain of a random strength; a share of it as degrade_rain.py draws it."""
    if generator.random() < KNOWN_SHARE:
        return random_rain(clean, generator)
    return storm(clean, random_coverage(COVERAGE[0], HEAVIEST, generator), generator)
