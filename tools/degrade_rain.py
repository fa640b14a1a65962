"""Rain for photographs: layers of streaks, a veil, and drops out of focus; images as in degrade.py."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from degrade import add_noise, log_uniform, maybe_jpeg, quantized, splat

COVERAGE = (0.004, 0.5)
"""What rain is asked for, from a few streaks to a downpour: the opacity that its streaks would have if they were spread
evenly. They lie over one another instead, where more hides little more, so that the mean opacity of what is drawn is
0.75 to 0.87 times that, the lower the lighter the rain."""
HEAVY = 0.4
"""A coverage at which 12 to 14 dB of most photographs remain."""
ADDED = 0.7
"""Share of the coverage where streaks are added: they whiten bright places entirely, which screening never does."""
POWER = 1.25
"""Of the law by which training's coverages are drawn: 1 draws all alike, more the heavy ones less often."""
MAX_LAYERS = 4
MAX_SLANT = math.radians(45)
LENGTH = (5.0, 80.0)
WIDTH = (0.4, 3.0)
OPACITY = (0.25, 1.0)
VEIL_SHARE, MAX_VEIL = 0.25, 0.3
DROPS_SHARE, MAX_DROPS = 0.1, 6
NOISE_SHARE, JPEG_SHARE = 0.15, 0.2
SPACING = 0.6
"""Distance in pixels of the samples that a streak is drawn with."""


@dataclass(frozen=True)
class Layer:
    """Streaks at one distance from the camera: mean sizes in pixels, angles in radians from the vertical."""

    coverage: float
    slant: float
    jitter: float
    length: float
    width: float
    opacity: float
    taper: float
    """Exponent of the fading towards both ends: 1 fades all along, 8 only at the ends."""


def draw_layers(coverage: float, generator: np.random.Generator) -> list[Layer]:
    """Layers that cover that much together; they share a direction in half of the pictures."""
    count = int(generator.integers(1, MAX_LAYERS + 1))
    shares = generator.dirichlet(np.full(count, 2.0))
    together, common = generator.random() < 0.5, generator.uniform(-MAX_SLANT, MAX_SLANT)
    layers = []
    for share in shares:
        slant = common + generator.normal(0, 0.05) if together else generator.uniform(-MAX_SLANT, MAX_SLANT)
        length = log_uniform(*LENGTH, generator)
        layers.append(
            Layer(
                # Opacities combine as 1 - product of (1 - m); in logarithms the layers' shares add up.
                coverage=1 - (1 - coverage) ** share,
                slant=float(np.clip(slant, -MAX_SLANT, MAX_SLANT)),
                jitter=math.radians(generator.uniform(0, 4)),
                length=length,
                width=min(log_uniform(*WIDTH, generator), length / 4),
                opacity=generator.uniform(*OPACITY),
                taper=log_uniform(1, 8, generator),
            )
        )
    return layers


def streaks(layer: Layer, height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """The opacity [H, W] of a layer."""
    # Streaks are drawn by their middles: half of the longest one may reach in from outside.
    steepest = abs(layer.slant) + 2 * layer.jitter
    below, beside = 0.7 * layer.length, 0.7 * layer.length * math.sin(steepest) + 2 * layer.width
    area = (height + 2 * below) * (width + 2 * beside)
    ink = -math.log1p(-min(layer.coverage / layer.opacity, 0.95)) * layer.opacity
    # Mean over both profiles: that along the streak, and a Gaussian that is `width` wide at half its height.
    sigma = layer.width / 2.355
    each = layer.length * layer.taper / (layer.taper + 1) * sigma * math.sqrt(2 * math.pi) * layer.opacity
    count = generator.poisson(ink * area / each)
    y = generator.uniform(-below, height + below, (count, 1, 1))
    x = generator.uniform(-beside, width + beside, (count, 1, 1))
    slant = layer.slant + layer.jitter * generator.standard_normal((count, 1, 1))
    length = layer.length * generator.uniform(0.6, 1.4, (count, 1, 1))
    opacity = layer.opacity * generator.uniform(0.6, 1.4, (count, 1, 1))
    along_count = math.ceil(1.4 * layer.length / SPACING)
    across_count = math.ceil(4 * sigma / SPACING) + 1
    t = ((np.arange(along_count) + 0.5) / along_count - 0.5)[None, :, None]
    across = ((np.arange(across_count) + 0.5) / across_count - 0.5)[None, None, :] * 4
    profile = (1 - np.abs(2 * t) ** layer.taper) * np.exp(-0.5 * across**2)
    weight = profile * opacity * (length / along_count) * (4 * sigma / across_count)
    along, across = t * length, across * sigma
    rows = y + along * np.cos(slant) - across * np.sin(slant)
    columns = x + along * np.sin(slant) + across * np.cos(slant)
    inside = (rows > -1) & (rows < height) & (columns > -1) & (columns < width)
    rows, columns, weight = rows[inside], columns[inside], weight[inside]
    # A streak that lies over another hides no more than it would alone.
    return layer.opacity * -np.expm1(-splat(rows, columns, weight, height, width) / layer.opacity)


def veil(height: int, width: int, thickest: float, generator: np.random.Generator) -> np.ndarray:
    """The opacity [H, W, 1] of mist: a plane that leans in a random direction."""
    strength, lean = generator.uniform(0, thickest), generator.uniform(-0.5, 0.5, 2)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    return np.clip(strength * (1 + lean[0] * y + lean[1] * x), 0, 1)[..., None]


def drops(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """The opacity [H, W, 1] of a few drops near the lens: faint discs with soft edges."""
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    clear = np.ones((height, width))
    for _ in range(generator.integers(1, MAX_DROPS + 1)):
        radius, edge = log_uniform(2, 14, generator), generator.uniform(0.7, 2.5)
        distance = np.hypot(y - generator.uniform(0, height), x - generator.uniform(0, width))
        clear *= 1 - generator.uniform(0.1, 0.5) * np.clip((radius - distance) / edge + 0.5, 0, 1)
    return 1 - clear[..., None]


def blend(image: np.ndarray, opacity: np.ndarray, light: np.ndarray, mode: str) -> np.ndarray:
    """Lays white water of that opacity over an image in 0..1."""
    if mode == "screen":
        return 1 - (1 - image) * (1 - opacity * light)
    if mode == "add":
        return image + opacity * light
    return image + opacity * (light - image)


def on_bytes_scale(image: np.ndarray) -> np.ndarray:
    """A picture in 0..1, clipped, on the 0..255 scale."""
    return (np.clip(image, 0, 1) * 255).astype(np.float32)


def photographed(
    image: np.ndarray, light: np.ndarray, drops_share: float, jpeg_share: float, generator: np.random.Generator
) -> np.ndarray:
    """A picture in 0..1 as a file on the 0..255 scale: drops, a little noise and JPEG in a share of the cases each."""
    if generator.random() < drops_share:
        image = blend(image, drops(*image.shape[:2], generator), light, "over")
    image = on_bytes_scale(image)
    if generator.random() < NOISE_SHARE:
        image = add_noise(image, generator.uniform(0, 6), False, generator)
    return maybe_jpeg(image, jpeg_share, generator)


def rain(clean: np.ndarray, coverage: float, generator: np.random.Generator, extras: bool = True) -> np.ndarray:
    """Rain of that coverage; `extras` are a veil, drops, noise and JPEG, each in a share of the pictures."""
    height, width = clean.shape[:2]
    image = clean / np.float32(255)
    light = generator.uniform(0.7, 1.0) + generator.uniform(-0.04, 0.04, 3)
    if extras and generator.random() < VEIL_SHARE:
        # Nothing but the rain tells mist from a hazy day, which is to stay: little rain brings little mist.
        thickest = MAX_VEIL * math.sqrt(coverage / COVERAGE[1])
        image = blend(image, veil(height, width, thickest, generator), light, "over")
    mode = str(generator.choice(["screen", "add", "over"], p=[0.4, 0.4, 0.2]))
    for layer in draw_layers(coverage * ADDED if mode == "add" else coverage, generator):
        image = blend(image, streaks(layer, height, width, generator)[..., None], light, mode)
    if not extras:
        return quantized(on_bytes_scale(image))
    return photographed(image, light, DROPS_SHARE, JPEG_SHARE, generator)


def random_coverage(low: float, high: float, generator: np.random.Generator) -> float:
    """A coverage by a law between uniform and logarithmic: half are heavy, and light rain is not forgotten."""
    return generator.uniform(low ** (1 / POWER), high ** (1 / POWER)) ** POWER


def random_rain(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Rain of a random strength."""
    return rain(clean, random_coverage(*COVERAGE, generator), generator)
