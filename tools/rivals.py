"""Holds the embedded models against what people would use instead: PSNR, SSIM and CPU seconds a photograph.

    python -m pip install bm3d==4.0.3 opencv-python-headless==5.0.0.93
    python rivals.py --task denoise --photos DIR --mprnet ../target/release/mprnet

The photographs are degraded as evaluate.py does it. A rival with parameters gets those that suit it best on the set as
a whole, of a few: BM3D and non-local means are told sigma, or multiples of what scikit-image estimates where no one
knows it, Wiener and Richardson-Lucy the true kernel, which makes them a bound rather than a choice: nobody has it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from degrade import quantized, to_linear, to_srgb
from evaluate import PATHS, case_options, choice_options, chosen
from judging import SEED, drawn_path
from metrics_reference import psnr, ssim_of_channels
from training_data import Pair, load_photos

TOLD_MEANS = (0.5, 0.6, 0.7, 0.85)
"""Strengths of non-local means, of the deviation that they are told."""
GUESSED_MEANS, GUESSED_BM3D = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0), (2.0, 3.0, 6.0)
"""Strengths where the deviation is estimated, which is too low where neighbours share their noise; BM3D takes half a
minute for a photograph."""

Score = tuple[float, float, float]
"""PSNR in dB and SSIM over RGB, and CPU seconds a photograph."""
Method = Callable[[np.ndarray, int, str], np.ndarray]
"""What it makes of a photograph (u8), of its number and of the name of its set."""


def known(name: str) -> bool:
    """Whether the name of a set tells the deviation of its noise."""
    return name.startswith("sigma ")


def sigma_of(photo: np.ndarray, name: str) -> float:
    """The deviation of Gaussian noise, or what scikit-image takes it to be."""
    from skimage.restoration import estimate_sigma

    if known(name):
        return float(name.replace(",", "").split()[1])
    return float(estimate_sigma(photo, channel_axis=-1, average_sigmas=True))


def bm3d(strength: float) -> Method:
    """BM3D for colours (Dabov et al., 2007), the authors' own code."""
    from bm3d import bm3d_rgb

    return lambda photo, _, name: 255 * bm3d_rgb(photo / 255, strength * sigma_of(photo, name) / 255)


def non_local_means(strength: float) -> Method:
    """OpenCV's non-local means for colours."""
    import cv2

    def method(photo: np.ndarray, _: int, name: str) -> np.ndarray:
        h = strength * sigma_of(photo, name)
        return cv2.fastNlMeansDenoisingColored(photo, None, h, h, 7, 21)

    return method


def box(image: np.ndarray, radius: int) -> np.ndarray:
    """Means of squares of 2 * radius + 1 pixels."""
    import cv2

    return cv2.blur(image, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)


def guided(radius: int, epsilon: float) -> Method:
    """A guided filter (He et al., 2010), its guide an opening along rows: streaks are bright and narrow."""
    import cv2

    def method(photo: np.ndarray, _: int, __: str) -> np.ndarray:
        image = photo.astype(np.float32) / 255
        guide = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((1, 2 * radius + 1), np.uint8))
        mean_guide, mean = box(guide, radius), box(image, radius)
        slope = (box(guide * image, radius) - mean_guide * mean) / (
            box(guide * guide, radius) - mean_guide**2 + epsilon
        )
        return 255 * (box(slope, radius) * guide + box(mean - slope * mean_guide, radius))

    return method


def median(radius: int) -> Method:
    """The median along rows: across streaks that fall."""
    from scipy.ndimage import median_filter

    return lambda photo, _, __: median_filter(photo, (1, 2 * radius + 1, 1), mode="reflect")


def inverted(restore: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Method:
    """A deconvolution of each channel's linear light with the kernel that blurred it."""

    def method(photo: np.ndarray, number: int, name: str) -> np.ndarray:
        kernel = drawn_path(float(name.split()[2]), np.random.default_rng([number, SEED]))
        margin = kernel.shape[0]
        padded = np.pad(to_linear(photo), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
        light = np.stack([restore(padded[..., channel], kernel) for channel in range(3)], -1)
        return to_srgb(light[margin:-margin, margin:-margin])

    return method


def wiener(balance: float) -> Method:
    """Wiener's filter with the Laplacian as its regularisation, scikit-image's."""
    from skimage import restoration

    return inverted(lambda plane, kernel: restoration.wiener(plane, kernel, balance, clip=False))


def richardson_lucy(steps: int) -> Method:
    """Richardson and Lucy's iteration, scikit-image's."""
    from skimage import restoration

    return inverted(
        lambda plane, kernel: restoration.richardson_lucy(plane, kernel, num_iter=steps, filter_epsilon=1e-6)
    )


def rivals(task: str, name: str) -> dict[str, list[Method]]:
    """What else people use, each with the parameters that are tried on a set."""
    if task == "denoise":
        exact = known(name)
        return {
            "BM3D": [bm3d(strength) for strength in ((1.0,) if exact else GUESSED_BM3D)],
            "non-local means": [non_local_means(strength) for strength in (TOLD_MEANS if exact else GUESSED_MEANS)],
        }
    if task == "derain":
        return {
            "guided filter": [guided(radius, epsilon) for radius in (1, 2, 4) for epsilon in (1e-4, 1e-2)],
            "median of a row": [median(radius) for radius in (1, 2, 4)],
        }
    return {
        "Wiener, kernel known": [wiener(balance) for balance in (1e-4, 1e-3, 1e-2)],
        "Richardson-Lucy, kernel known": [richardson_lucy(steps) for steps in (10, 30, 100)],
    }


def scored(results: list[np.ndarray], pairs: list[Pair], seconds: float) -> Score:
    """The mean scores of results that took that many CPU seconds in all."""
    images = [(rounded(result), rounded(clean)) for result, (_, clean) in zip(results, pairs, strict=True)]
    decibels = float(np.mean([psnr(*pair) for pair in images]))
    similarity = float(np.mean([ssim_of_channels(*pair) for pair in images]))
    return decibels, similarity, seconds / len(pairs)


def rounded(image: np.ndarray) -> np.ndarray:
    """8 bits."""
    return quantized(image).astype(np.uint8)


def tried(methods: list[Method], name: str, pairs: list[Pair]) -> Score:
    """The scores of the one whose PSNR is best."""
    best = (-np.inf, 0.0, 0.0)
    for method in methods:
        began = time.process_time()
        results = [method(rounded(degraded), number, name) for number, (degraded, _) in enumerate(pairs)]
        best = max(best, scored(results, pairs, time.process_time() - began))
    return best


def children_seconds() -> float:
    """CPU seconds of programs that were run, on all cores."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ours(program: Path, task: str, pairs: list[Pair]) -> Score:
    """The program's embedded model, files read and written and pipelines made included."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, restored = Path(folder, "in"), Path(folder, "out")
        noisy.mkdir()
        for number, (degraded, _) in enumerate(pairs):
            Image.fromarray(rounded(degraded)).save(noisy / f"{number:03}.png")
        began = children_seconds()
        subprocess.run([os.path.abspath(program), task, noisy, "-q", "-o", restored], check=True)
        seconds = children_seconds() - began
        results = [np.asarray(Image.open(file), np.float32) for file in sorted(restored.iterdir())]
        return scored(results, pairs, seconds)


def measured(args: argparse.Namespace) -> Iterator[tuple[str, Score, dict[str, Score]]]:
    """Every set: its name, scores of the degraded photographs, and of each method."""
    for name, made in chosen(args, load_photos(args.photos, 8)):
        if args.task == "deblur" and name not in {f"path of {length:g} pixels" for length in PATHS}:
            continue
        if name == "clean":
            continue
        pairs = list(made)
        scores = {"this": ours(args.mprnet, args.task, pairs)}
        scores |= {rival: tried(methods, name, pairs) for rival, methods in rivals(args.task, name).items()}
        yield name, scored([degraded for degraded, _ in pairs], pairs, 0), scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    case_options(parser, required=True)
    option("--mprnet", type=Path, required=True, help="the program")
    choice_options(parser, 12)
    args = parser.parse_args()
    args.frames = None
    header = ["degraded", "this", *rivals(args.task, "")]
    print("| | " + " | ".join(header) + " |\n|---|" + "---|" * len(header))
    for name, before, scores in measured(args):
        cells = [f"{before[0]:.2f} dB, {before[1]:.3f}"]
        cells += [
            f"{decibels:.2f} dB, {similarity:.3f}, {seconds:.2g} s" for decibels, similarity, seconds in scores.values()
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
