"""What networks are judged with: PSNR, and degraded photographs whose seeds no training uses.

A change to what one of these sets draws, here or in a degrade*.py, makes its rows in models/README.md those of another
set: they are measured anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from degrade import add_noise, camera_noise, exposed, jpeg, quantized, to_linear, to_srgb
from degrade_blur import average_frames, camera_path, convolve, finish, path_kernel, shake
from degrade_grain import correlated
from degrade_motion import motion, soft
from degrade_rain import HEAVY, rain
from degrade_storm import hazy, plain, storm
from training_data import Pair, load_frames, load_photos, middle

TASKS = ("denoise", "derain", "deblur")
SEED = 25
"""The seed of photo number i is [i, SEED]."""
FRAMES_AVERAGED = 11
OVEREXPOSED = 4.0
"""How many times as long as it should be a picture is exposed at most."""
QUALITY = 75
"""Of photographs that were saved as JPEG after they were degraded."""

PairMaker = Callable[[np.ndarray, np.random.Generator], Pair]
"""Makes a degraded and a clean image of a photograph."""


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of images rounded to 8 bits, over all channels; infinite for equal ones."""
    a, b = ((image.clamp(0, 1) * 255).round() for image in (a, b))
    error = ((a - b) ** 2).mean().item()
    return 10 * math.log10(255**2 / error) if error else math.inf


def gaussian(sigma: float) -> PairMaker:
    """Gaussian noise, rounded to 8 bits."""
    return lambda clean, generator: (add_noise(clean, sigma, True, generator), clean)


def camera(shot: float) -> PairMaker:
    """Camera-like noise without JPEG."""
    return lambda clean, generator: (camera_noise(clean, generator, shot, 0), clean)


def streaks(coverage: float) -> PairMaker:
    """Rain without a veil, drops, noise and JPEG."""
    return lambda clean, generator: (rain(clean, coverage, generator, extras=False), clean)


def shaken(clean: np.ndarray, generator: np.random.Generator) -> Pair:
    """Camera shake and a little noise."""
    blurred, sharp = shake(clean, generator)
    return finish(blurred, generator), sharp


def drawn_path(length: float, generator: np.random.Generator) -> np.ndarray:
    """The kernel of a camera's path whose ends are that many pixels apart."""
    return path_kernel(camera_path(generator, (length, length)))


def along_path(length: float) -> PairMaker:
    """One and the same kernel all over the picture, in linear light, and 8 bits: no noise, no clipping before it."""

    def make(clean: np.ndarray, generator: np.random.Generator) -> Pair:
        blurred = convolve(to_linear(clean), drawn_path(length, generator))
        return quantized(to_srgb(blurred)), clean

    return make


def saved(make: PairMaker) -> PairMaker:
    """What was degraded, saved as JPEG after it."""

    def pair(clean: np.ndarray, generator: np.random.Generator) -> Pair:
        degraded, sharp = make(clean, generator)
        return jpeg(degraded, QUALITY), sharp

    return pair


def poor_light(clean: np.ndarray, generator: np.random.Generator) -> Pair:
    """A photograph at a quarter of its light, and the same with the noise of a phone there: strong, of correlation
    0.27 between neighbours and 0.3 between channels, clipped at black."""
    dark = to_srgb(to_linear(clean) / 4)
    planes = correlated(generator.standard_normal((clean.shape[0] + 2, clean.shape[1] + 2, 4), np.float32), 0.14)
    noise = math.sqrt(0.7) * planes[..., :3] + math.sqrt(0.3) * planes[..., 3:]
    return quantized(dark + np.float32(38) * noise), quantized(dark)


def stormy(clean: np.ndarray, generator: np.random.Generator) -> Pair:
    """Rain in every direction, its coverage 0.5 (degrade_rain.py), at times with mist, drops and JPEG."""
    return storm(clean, 0.5, generator), clean


def moved(clean: np.ndarray, generator: np.random.Generator) -> Pair:
    """Motion as training draws it: 3 to 40 pixels, the camera's or a thing's."""
    blurred, sharp = motion(clean, generator)
    return finish(blurred, generator), sharp


def untouched(make: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> PairMaker:
    """A picture that is to stay as it is."""

    def pair(clean: np.ndarray, generator: np.random.Generator) -> Pair:
        left_alone = make(clean, generator)
        return left_alone, left_alone

    return pair


softened = untouched(lambda clean, generator: quantized(soft(clean, generator)))
"""A picture a little out of focus."""
overexposed = untouched(lambda clean, generator: exposed(clean, OVEREXPOSED, generator))
"""A sharp picture that is white, or of full colour, where it was bright."""
hazed = untouched(hazy)
"""A bright or hazy day without rain."""
walls = untouched(plain)
"""A wall, or a picture of little contrast on one."""


def seeded_pairs(photos: list[np.ndarray], make: PairMaker) -> Iterator[Pair]:
    """What is made of each photograph."""
    for number, photo in enumerate(photos):
        yield make(photo.astype(np.float32), np.random.default_rng([number, SEED]))


def averaged_pairs(frames: np.ndarray, length: int, count: int) -> Iterator[Pair]:
    """`count` averages of `length` frames each, spread over the frames, and their sharp middle frames."""
    for first in np.linspace(0, len(frames) - length, count).round().astype(int):
        window = frames[first : first + length]
        yield np.rint(average_frames(window)), window[length // 2].astype(np.float32)


def validation(
    task: str, photos: Path, frames: Path | None, sigma: float, count: int, size: int
) -> dict[str, list[Pair]]:
    """What a training watches, by name: middles of photographs, and of averaged frames held out of training."""
    if task == "all":
        each = [(name, frames if name == "deblur" else None) for name in TASKS]
        sets = [validation(name, photos, seen, sigma, count, size) for name, seen in each]
        return {name: pairs for found in sets for name, pairs in found.items()}
    name, make = {
        "denoise": (f"sigma {sigma:g}", gaussian(sigma)),
        "derain": ("heavy rain", streaks(HEAVY)),
        "deblur": ("shake", shaken),
    }[task]
    squares = [middle(photo, size) for photo in load_photos(photos, size)]
    if frames is None:
        return {name: list(seeded_pairs(squares[:count], make))}
    held_out = middle(load_frames(frames, size)[1], size)
    return {
        f"{FRAMES_AVERAGED} frames": list(averaged_pairs(held_out, FRAMES_AVERAGED, (count + 1) // 2)),
        name: list(seeded_pairs(squares[: max(count // 2, 1)], make)),
    }
