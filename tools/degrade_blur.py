"""Motion blur in linear light: averages of frames, and random camera shake; images as in degrade.py."""

from __future__ import annotations

import math

import numpy as np

from degrade import add_noise, log_uniform, maybe_jpeg, splat, to_linear, to_srgb

FRAME_COUNTS = (5, 7, 9, 11, 13, 15)
EXTENT = (2.0, 22.0)
"""Longest distance in pixels between two points of a camera's path."""
MARGIN = math.ceil(EXTENT[1]) + 2
"""How far a shaken camera sees past the border of what it aims at."""
PATH_POINTS = 96
VARYING_SHARE = 0.3
HIGHLIGHT_SHARE, HIGHLIGHT_FROM, MAX_HIGHLIGHT = 0.5, 0.97, 6.0
"""Share of the pictures, linear light from which on a channel may have been clipped, and its light at most."""
NOISE_SHARE, MAX_NOISE = 0.7, 4.0
JPEG_SHARE = 0.15

LINEAR = to_linear(np.arange(256, dtype=np.float32))


def average_frames(frames: np.ndarray) -> np.ndarray:
    """The mean of u8 frames [N, H, W, 3] in linear light, as if the shutter had been open all the time."""
    return to_srgb(LINEAR[frames].mean(0))


def camera_path(generator: np.random.Generator, extents: tuple[float, float] = EXTENT, hurry: float = 0) -> np.ndarray:
    """A smooth random path as complex numbers, centred on its middle in time, its extent between `extents` pixels.

    `hurry` is the logarithm of how much faster the path ends than it began.
    """
    # Noise summed twice is a heading without corners; a fifth of the paths are straight.
    wobble = generator.uniform(0, 0.006) * (generator.random() > 0.2)
    heading = generator.uniform(0, 2 * math.pi) + generator.normal(0, 1, PATH_POINTS).cumsum().cumsum() * wobble
    speed = np.exp(generator.normal(0, 0.12, PATH_POINTS).cumsum())
    speed *= np.exp(hurry * np.linspace(-0.5, 0.5, PATH_POINTS))
    path = (speed * np.exp(1j * heading)).cumsum()
    path -= path[PATH_POINTS // 2]
    extent = np.abs(path[:, None] - path).max()
    return path * (log_uniform(*extents, generator) / extent)


def path_kernel(path: np.ndarray) -> np.ndarray:
    """The blur kernel of a path, of odd sides, its middle where the path is zero."""
    radius = math.ceil(max(np.abs(path.real).max(), np.abs(path.imag).max())) + 1
    kernel = splat(path.imag + radius, path.real + radius, np.ones(len(path)), 2 * radius + 1, 2 * radius + 1)
    return kernel / kernel.sum()


def convolve(light: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution of an image [H, W, C] with a kernel of odd sides, the image reflected at its borders."""
    radius = kernel.shape[0] // 2
    padded = np.pad(light, ((radius, radius), (radius, radius), (0, 0)), mode="reflect")
    sides = padded.shape[:2]
    spectrum = np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel, s=sides)[..., None]
    # The first 2 * radius rows and columns wrapped around.
    return np.fft.irfft2(spectrum, s=sides, axes=(0, 1))[2 * radius :, 2 * radius :].astype(np.float32)


def highlights(light: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What a sensor clipped, made brighter again: lamps leave streaks of full brightness when they are blurred.

    Each channel by itself: the others of a coloured light were not clipped.
    """
    gain = generator.uniform(1, MAX_HIGHLIGHT)
    share = np.clip((light - HIGHLIGHT_FROM) / (1 - HIGHLIGHT_FROM), 0, 1)
    return light * (1 + (gain - 1) * share * share)


def seen_moving(light: np.ndarray, path: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The light that a camera sees that moves along a path; in a share of the pictures the path changes across them."""
    blurred = convolve(light, path_kernel(path))
    if generator.random() >= VARYING_SHARE:
        return blurred
    # A camera that rolls, or something nearer: the far side moves less, and in a slightly other direction.
    other = path * (generator.uniform(0, 1) * np.exp(1j * generator.normal(0, 0.3)))
    y, x = (np.linspace(-1, 1, side) for side in light.shape[:2])
    slope = generator.normal(0, 1.5, 2)
    share = 1 / (1 + np.exp(-(slope[0] * y[:, None] + slope[1] * x) - generator.normal()))[..., None]
    return blurred + share * (convolve(light, path_kernel(other)) - blurred)


def shake(clean: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a camera sees that moves along a random path, and one that does not."""
    light = to_linear(clean)
    if generator.random() < HIGHLIGHT_SHARE:
        light = highlights(light, generator)
    blurred = seen_moving(light, camera_path(generator), generator)
    return to_srgb(blurred), to_srgb(light)


def finish(blurred: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A little noise, at times JPEG, and 8 bits."""
    if generator.random() < NOISE_SHARE:
        blurred = add_noise(blurred, generator.uniform(0, MAX_NOISE), False, generator)
    return maybe_jpeg(blurred, JPEG_SHARE, generator)
