"""Motion blur as training sees it: longer paths with acceleration, things that move before their background, and
pictures that are soft or out of focus without any motion; images as in degrade.py.

Networks are judged with some of it (judging.py): whoever changes what is drawn measures all rows of models/README.md
anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from degrade import log_uniform, to_linear, to_srgb
from degrade_blur import HIGHLIGHT_SHARE, camera_path, convolve, highlights, path_kernel, seen_moving

EXTENT = (3.0, 40.0)
"""Longest distance in pixels between two points of a path."""
MARGIN = math.ceil(EXTENT[1]) + 2
"""How far a path sees past the border of a crop."""
HURRY = 1.2
"""Deviation of the logarithm of the speed between the ends of a path: many start or stop while the shutter is open."""
THING_SHARE, STANDING_SHARE = 0.35, 0.5
CURVE_SHARE, CURVES = 0.4, (1.6, 2.6)
LONG_SHARE, MOST_LIGHT = 0.2, 3.0
"""Pictures exposed for too long, and how much: whatever is bright is clipped, after it has moved."""
MAX_SOFTNESS = 1.3
CONFUSION = (1.0, 8.0)
"""Radius in pixels of the disc that a point out of focus becomes."""
BEHIND_SHARE = 0.6
"""Pictures out of focus in which something before the background is sharp."""

Light = Callable[[np.ndarray], np.ndarray]


def moved_path(generator: np.random.Generator) -> np.ndarray:
    """A path of random length along which the speed grows or falls."""
    return camera_path(generator, EXTENT, generator.normal(0, HURRY))


def sensor_curve(generator: np.random.Generator) -> tuple[Light, Light]:
    """From 0..255 to linear light and back: sRGB, or a power as other cameras have it; both clip."""
    if generator.random() >= CURVE_SHARE:
        return to_linear, to_srgb
    power = np.float32(generator.uniform(*CURVES))
    return (
        lambda image: (np.clip(image, 0, 255) / np.float32(255)) ** power,
        lambda light: np.clip(light, 0, 1) ** (1 / power) * np.float32(255),
    )


def silhouette(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """The outline [H, W, 1] of a thing, 0 and 1 with soft edges: a few ellipses that overlap."""
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    middle = generator.uniform(0.25, 0.75, 2) * (height, width)
    size = generator.uniform(0.1, 0.35) * min(height, width)
    inside = np.full((height, width), -np.inf)
    for _ in range(generator.integers(1, 5)):
        centre = middle + generator.normal(0, 0.6 * size, 2)
        radii = size * np.exp(generator.normal(0, 0.4, 2))
        angle = generator.uniform(0, math.pi)
        down, right = y - centre[0], x - centre[1]
        along = (down * math.cos(angle) + right * math.sin(angle)) / radii[0]
        across = (right * math.cos(angle) - down * math.sin(angle)) / radii[1]
        # Roughly the distance to the outline in pixels.
        inside = np.maximum(inside, (1 - np.hypot(along, across)) * radii.min())
    return np.clip(inside + 0.5, 0, 1)[..., None].astype(np.float32)


def passing(light: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A thing that moves before a background that stands or moves otherwise: blurred and sharp linear light.

    The thing is a piece of the same picture, turned, so that its outline is an edge.
    """
    thing = np.rot90(light, 2) if generator.random() < 0.7 else light
    shape = silhouette(*light.shape[:2], generator)
    sharp = light + shape * (thing - light)
    kernel = path_kernel(moved_path(generator))
    cover = convolve(shape, kernel)
    behind = light
    if generator.random() >= STANDING_SHARE:
        behind = convolve(light, path_kernel(moved_path(generator)))
    return convolve(shape * thing, kernel) + (1 - cover) * behind, sharp


def motion(clean: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture blurred by motion, and the picture without it."""
    linear, developed = sensor_curve(generator)
    light = linear(clean)
    if generator.random() < HIGHLIGHT_SHARE:
        light = highlights(light, generator)
    if generator.random() < LONG_SHARE:
        light = light * np.float32(generator.uniform(1, MOST_LIGHT))
    if generator.random() < THING_SHARE:
        blurred, sharp = passing(light, generator)
    else:
        blurred, sharp = seen_moving(light, moved_path(generator), generator), light
    # Both are clipped: what is white all over is white in both.
    return developed(blurred), developed(sharp)


def soft(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A picture a little out of focus, alike in all directions: not motion, and so to be left alone."""
    sigma = log_uniform(0.3, MAX_SOFTNESS, generator)
    radius = math.ceil(3 * sigma)
    steps = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * (steps / sigma) ** 2)
    kernel = bell[:, None] * bell
    return to_srgb(convolve(to_linear(clean), kernel / kernel.sum()))


def defocused(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A picture out of focus by intent, whole or behind a thing that is sharp: not motion, and so to be left alone."""
    light = to_linear(clean)
    radius = log_uniform(*CONFUSION, generator)
    reach = math.ceil(radius) + 1
    steps = np.arange(-reach, reach + 1)
    # Discs end within a pixel; real ones have softer edges.
    disc = np.clip((radius - np.hypot(steps[:, None], steps)) / generator.uniform(1, 1 + radius / 2) + 0.5, 0, 1)
    blurred = convolve(light, disc / disc.sum())
    if generator.random() < BEHIND_SHARE:
        shape = silhouette(*light.shape[:2], generator)
        blurred += shape * (light - blurred)
    return to_srgb(blurred)
