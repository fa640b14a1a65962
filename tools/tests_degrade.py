"""Tests of what photographs are degraded with: python tools/tests_degrade.py"""

import itertools
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import degrade
import degrade_blur
import degrade_grain
import degrade_motion
import degrade_rain
import degrade_storm

PHOTO = np.asarray(Image.open(Path(__file__).parents[1] / "samples/clean.png").convert("RGB"))[60:156, 120:232]

Degradation = Callable[[np.ndarray, np.random.Generator], np.ndarray | tuple[np.ndarray, np.ndarray]]


def plain_rain(clean: np.ndarray, generator: np.random.Generator, coverage: float = degrade_rain.HEAVY) -> np.ndarray:
    return degrade_rain.rain(clean, coverage, generator, extras=False)


def sharp_noise(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return degrade.add_noise(clean, 25, True, generator)


def overexposed(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return degrade.exposed(clean, 4, generator)


def seen(degradation: Degradation, seed: int) -> np.ndarray:
    """What is made of the photograph, the target after it where there is one."""
    return np.asarray(degradation(PHOTO.astype(np.float32), np.random.default_rng(seed)))


class Seeds(unittest.TestCase):
    DEGRADATIONS = (
        *(sharp_noise, degrade.camera_noise, degrade_grain.grainy),
        *(plain_rain, degrade_rain.random_rain, degrade_storm.random_storm, degrade_storm.hazy, degrade_storm.plain),
        *(degrade_blur.shake, degrade_motion.motion, degrade_motion.soft, degrade_motion.defocused, overexposed),
    )

    def test_a_seed_is_a_picture(self) -> None:
        for degradation in self.DEGRADATIONS:
            with self.subTest(degradation.__name__):
                first = seen(degradation, 3)
                self.assertTrue(np.array_equal(first, seen(degradation, 3)))
                self.assertFalse(np.array_equal(first, seen(degradation, 4)))

    def test_every_value_is_a_number(self) -> None:
        for degradation, seed in itertools.product(self.DEGRADATIONS, range(6)):
            with self.subTest(degradation.__name__, seed=seed):
                self.assertTrue(np.isfinite(seen(degradation, seed)).all())


class Blur(unittest.TestCase):
    @staticmethod
    def flat_pictures() -> Iterator[np.ndarray]:
        for colour in itertools.product((0, 40, 128, 235, 248, 253, 255), repeat=3):
            yield np.broadcast_to(np.float32(colour), (40, 48, 3))

    def test_what_is_flat_stays_as_its_target(self) -> None:
        for blur in (degrade_blur.shake, degrade_motion.motion):
            for seed, flat in enumerate(self.flat_pictures()):
                blurred, target = blur(flat, np.random.default_rng(seed))
                error = float(np.abs(blurred - target).max())
                self.assertLess(error, 1e-3, f"{blur.__name__} of {flat[0, 0]}, seed {seed}")

    def test_a_kernel_moves_no_light(self) -> None:
        for seed in range(20):
            kernel = degrade_blur.path_kernel(degrade_blur.camera_path(np.random.default_rng(seed)))
            self.assertAlmostEqual(kernel.sum(), 1)
            self.assertEqual([side % 2 for side in kernel.shape], [1, 1])


class Untouched(unittest.TestCase):
    """What is to stay as it is looks like a file: a network could tell it from a degraded one by its fractions."""

    def test_it_is_eight_bits(self) -> None:
        for make in (degrade_storm.hazy, degrade_storm.plain, overexposed):
            for seed in range(20):
                picture = seen(make, seed)
                self.assertTrue(np.array_equal(picture, picture.astype(np.uint8)), f"{make.__name__}, seed {seed}")

    def test_it_keeps_its_size(self) -> None:
        for make in (degrade_storm.hazy, degrade_storm.plain, overexposed):
            self.assertEqual(seen(make, 1).shape, PHOTO.shape)


class Rain(unittest.TestCase):
    @staticmethod
    def opacity(coverage: float, seed: int, at_large: bool) -> float:
        """The mean opacity of all layers of streaks together."""
        generator = np.random.default_rng(seed)
        clear = np.ones((128, 128))
        for layer in degrade_rain.draw_layers(coverage, generator):
            drawn = degrade_storm.layer_at_large(layer, generator) if at_large else layer
            clear *= 1 - degrade_rain.streaks(drawn, 128, 128, generator)
        return 1 - clear.mean()

    def test_streaks_are_as_opaque_as_their_coverage_says(self) -> None:
        for coverage, at_large in itertools.product((0.1, 0.4, degrade_storm.HEAVIEST), (False, True)):
            with self.subTest(coverage, at_large=at_large):
                drawn = np.mean([self.opacity(coverage, seed, at_large) for seed in range(16)])
                self.assertGreater(drawn, 0.72 * coverage)
                self.assertLess(drawn, 0.92 * coverage)

    def test_more_coverage_is_more_rain(self) -> None:
        clean = PHOTO.astype(np.float32)
        errors = [
            np.mean(
                [np.abs(plain_rain(clean, np.random.default_rng(seed), coverage) - clean).mean() for seed in range(6)]
            )
            for coverage in (0.01, 0.1, 0.4)
        ]
        self.assertEqual(errors, sorted(errors))


class Light(unittest.TestCase):
    def test_linear_light_and_back(self) -> None:
        levels = np.arange(256, dtype=np.float32)
        self.assertLess(np.abs(degrade.to_srgb(degrade.to_linear(levels)) - levels).max(), 1e-3)

    def test_splats_keep_their_weight(self) -> None:
        generator = np.random.default_rng(1)
        plane = degrade.splat(generator.uniform(1, 8, 50), generator.uniform(1, 6, 50), np.ones(50), 10, 8)
        self.assertAlmostEqual(plane.sum(), 50)


if __name__ == "__main__":
    unittest.main()
