"""PSNR and SSIM by the paper's protocols, as the engine's are judged against, and the golden pairs and scores.

    python metrics_reference.py write golden --samples samples
    python metrics_reference.py score IMAGE TARGET

RGB (denoising, deblurring): PSNR by scikit-image, and SSIM as MATLAB's `ssim`, which takes an image of three channels for
a volume, by SciPy's filter. Y (deraining): written here after rgb2ycbcr and Wang's ssim_index of 2003, which the authors'
MATLAB script has; its windows are plain sums over 11 x 11 pixels. `write` also holds Wang's against scikit-image's SSIM,
and the volume's against plain sums over windows.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

WINDOW, SIGMA = 11, 1.5
K1, K2, PEAK = 0.01, 0.03, 255
SEED = 2004
TRIPLETS = 1000

Score = dict[str, float]


def luma(rgb: np.ndarray) -> np.ndarray:
    """Y of u8 RGB [..., 3], rounded half away from zero as rgb2ycbcr does; in integers, so that ties are ties."""
    weighted = rgb.astype(np.int64) @ np.array([65_481, 128_553, 24_966])
    return (16 + (2 * weighted + 255_000) // 510_000).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """20 log10(255 / rmse) of u8 planes, infinite for equal ones."""
    rmse = math.sqrt(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return 20 * math.log10(PEAK / rmse) if rmse else math.inf


def gaussian_window() -> np.ndarray:
    """fspecial('gaussian', 11, 1.5)."""
    y, x = np.mgrid[-(WINDOW // 2) : WINDOW // 2 + 1, -(WINDOW // 2) : WINDOW // 2 + 1]
    window = np.exp(-(x * x + y * y) / (2 * SIGMA * SIGMA))
    return window / window.sum()


def filter2_valid(plane: np.ndarray) -> np.ndarray:
    """filter2(window, plane, 'valid')."""
    patches = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))
    return np.einsum("yxij,ij->yx", patches, gaussian_window())


def filter3_replicated(volume: np.ndarray) -> np.ndarray:
    """imgaussfilt3(volume, 1.5) of 11 taps a side, with borders replicated."""
    return gaussian_filter(volume, SIGMA, radius=WINDOW // 2, mode="nearest")


def sums3_replicated(volume: np.ndarray) -> np.ndarray:
    """The same as plain sums over windows."""
    padded = np.pad(volume, WINDOW // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW,) * 3)
    row = gaussian_window().sum(0)
    return np.einsum("yxcijk,i,j,k->yxc", windows, row, row, row)


def ssim(a: np.ndarray, b: np.ndarray, mean: Callable[[np.ndarray], np.ndarray] = filter2_valid) -> float:
    """Wang's mean SSIM of u8 samples over the windows whose weighted means `mean` gives."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(similar / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))))


def score_y(image: np.ndarray, target: np.ndarray) -> Score:
    """Deraining: on Y alone."""
    a, b = luma(image), luma(target)
    return {"psnr": psnr(a, b), "ssim": ssim(a, b)}


def score_rgb(image: np.ndarray, target: np.ndarray) -> Score:
    """Denoising and deblurring: both over all three channels."""
    with np.errstate(divide="ignore"):
        decibels = float(peak_signal_noise_ratio(target, image, data_range=PEAK))
    return {"psnr": decibels, "ssim": ssim(image, target, filter3_replicated)}


def ssim_of_channels(image: np.ndarray, target: np.ndarray) -> float:
    """The mean of the channels' SSIM, as most programs report it."""
    # It filters past the border and leaves out 5 pixels on every side, where that could show.
    options = {"gaussian_weights": True, "sigma": SIGMA, "use_sample_covariance": False, "data_range": PEAK}
    return float(structural_similarity(target, image, win_size=WINDOW, channel_axis=2, **options))


def check_twins(image: np.ndarray, target: np.ndarray, rgb: Score) -> None:
    """Holds each way to a score against another."""
    similarity = np.mean([ssim(image[..., c], target[..., c]) for c in range(3)])
    other = ssim_of_channels(image, target)
    assert abs(similarity - other) < 1e-12, (similarity, other)
    volume = ssim(image, target, sums3_replicated)
    assert abs(volume - rgb["ssim"]) < 1e-12, (volume, rgb)
    decibels = psnr(image, target)
    assert decibels == rgb["psnr"] or abs(decibels - rgb["psnr"]) < 1e-10, (decibels, rgb)


def read(path: Path) -> np.ndarray:
    """A picture as u8 RGB; grey ones have three equal channels."""
    return np.asarray(Image.open(path).convert("RGB"))


def pictures(samples: Path) -> dict[str, Image.Image]:
    """The golden pictures by name."""
    clean, noisy = (Image.open(samples / name).convert("RGB") for name in ("clean.png", "noisy.png"))
    generator = np.random.default_rng(SEED)

    def cut(photo: Image.Image, left: int, top: int, width: int, height: int) -> Image.Image:
        return photo.crop((left, top, left + width, top + height))

    def disturbed(picture: Image.Image, sigma: float) -> Image.Image:
        values = np.asarray(picture, np.float64)
        return Image.fromarray(np.clip(np.rint(values + generator.normal(0, sigma, values.shape)), 0, 255).astype("u1"))

    sharp = cut(clean, 180, 60, 64, 81)
    jpeg = io.BytesIO()
    cut(clean, 120, 90, 83, 50).save(jpeg, "JPEG", quality=15)
    grey = cut(clean, 200, 100, 41, 33).convert("L")
    colours = generator.integers(0, 256, (23, 37, 3))
    one_off = np.array(cut(clean, 90, 30, 19, 29))
    one_off[7, 5, 2] ^= 1
    return {
        "noise": cut(noisy, 150, 80, 97, 61),
        "noise_target": cut(clean, 150, 80, 97, 61),
        "blur": sharp.filter(ImageFilter.GaussianBlur(2)),
        "blur_target": sharp,
        "jpeg": Image.open(jpeg).convert("RGB"),
        "jpeg_target": cut(clean, 120, 90, 83, 50),
        "grey": disturbed(grey, 15),
        "grey_target": grey,
        "one_window": disturbed(cut(clean, 240, 120, 11, 11), 8),
        "one_window_target": cut(clean, 240, 120, 11, 11),
        "narrow": disturbed(cut(clean, 240, 20, 11, 73), 20),
        "narrow_target": cut(clean, 240, 20, 11, 73),
        "flat": disturbed(cut(clean, 20, 200, 73, 12), 5),
        "flat_target": cut(clean, 20, 200, 73, 12),
        # Y of these differs by 0 or 1 after rounding: without it, the scores are others.
        "rounding": Image.fromarray(np.clip(colours + generator.integers(-1, 2, colours.shape), 0, 255).astype("u1")),
        "rounding_target": Image.fromarray(colours.astype("u1")),
        "one_off": Image.fromarray(one_off),
        "one_off_target": cut(clean, 90, 30, 19, 29),
        "black": Image.new("RGB", (13, 16), "black"),
        "black_target": Image.new("RGB", (13, 16), "white"),
    }


def triplets() -> np.ndarray:
    """RGB values: corners, greys, ties of Y's rounding, and random ones."""
    r, g, b = np.meshgrid(*[np.arange(256)] * 3, indexing="ij", sparse=True)
    # 65.481, 128.553 and 24.966 are 0.219 times 299, 587 and 114.
    ties = np.argwhere((299 * r + 587 * g + 114 * b) % 85_000 == 42_500)
    corners = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, -1).T
    greys = np.arange(256)[:, None].repeat(3, 1)
    random = np.random.default_rng(SEED).integers(0, 256, (TRIPLETS, 3))
    return np.concatenate([corners, greys[::5], ties[:: max(len(ties) // 40, 1)], random])


def check_luma(rgb: np.ndarray) -> None:
    """Holds Y against the published formula in floating point, ties apart."""
    exact = 16 + (65.481 * rgb[:, 0] + 128.553 * rgb[:, 1] + 24.966 * rgb[:, 2]) / 255
    near_tie = np.abs(exact - np.floor(exact) - 0.5) < 1e-9
    assert 0 < near_tie.sum() < 100
    assert np.array_equal(luma(rgb)[~near_tie], np.rint(exact[~near_tie]))
    assert np.array_equal(luma(rgb)[near_tie], np.ceil(exact[near_tie] - 1e-9))


def finite_or_text(score: Score) -> dict[str, float | str]:
    """JSON has no infinity."""
    return {name: value if math.isfinite(value) else str(value) for name, value in score.items()}


def write(golden: Path, samples: Path) -> None:
    """Writes golden/metrics/*.png and golden/metrics.json."""
    folder = golden / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    made = pictures(samples)
    for name, picture in made.items():
        picture.save(folder / f"{name}.png", optimize=True)
    names = [(name, f"{name}_target") for name in made if not name.endswith("_target")]
    pairs = []
    for image_name, target_name in [*names, ("noise_target", "noise_target")]:
        image, target = (read(folder / f"{name}.png") for name in (image_name, target_name))
        rgb = score_rgb(image, target)
        check_twins(image, target, rgb)
        scores = {"rgb": finite_or_text(rgb), "y": finite_or_text(score_y(image, target))}
        pairs.append({"image": f"{image_name}.png", "target": f"{target_name}.png", **scores})
    rgb = triplets()
    check_luma(rgb)
    # Rows of RGB and Y, one string for a short file.
    rows = np.concatenate([rgb, luma(rgb)[:, None]], 1)
    record = {"pairs": pairs, "luma": "; ".join(" ".join(map(str, row)) for row in rows)}
    (golden / "metrics.json").write_text(json.dumps(record, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", help="golden pairs and scores")
    writing.add_argument("golden", type=Path, help="folder that gets metrics.json and metrics/")
    writing.add_argument("--samples", type=Path, default=Path("samples"), help="folder of clean.png and noisy.png")
    scoring = commands.add_parser("score", help="scores of one pair")
    scoring.add_argument("image", type=Path)
    scoring.add_argument("target", type=Path)
    args = parser.parse_args()
    if args.command == "write":
        write(args.golden, args.samples)
    else:
        image, target = read(args.image), read(args.target)
        for name, score in (("rgb", score_rgb(image, target)), ("y", score_y(image, target))):
            print(f"{name}: {score['psnr']:.4f} dB, SSIM {score['ssim']:.6f}")


if __name__ == "__main__":
    main()
