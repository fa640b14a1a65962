"""Measures a network: PSNR on whole photographs that are degraded with seeds not used in training, and on clean ones.

    python evaluate.py models/denoise.safetensors --task denoise --photos DIR --sigma 15 25 50
    python evaluate.py models/deblur.safetensors --task deblur --photos DIR --frames DIR

Denoising: Gaussian noise rounded to 8 bits, and camera-like noise. Deraining: light, medium and heavy streaks.
Deblurring: camera shake, and averages of frames held out of training. Of pictures that are to stay as they are, it
tells the worst, by how much of 255 the mean colour of one moves at most, and what the flattest patches' deviation was
and is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import mprnet_torch
from degrade_rain import HEAVY
from judging import (
    QUALITY,
    TASKS,
    along_path,
    averaged_pairs,
    camera,
    gaussian,
    hazed,
    moved,
    overexposed,
    poor_light,
    psnr,
    saved,
    seeded_pairs,
    shaken,
    softened,
    stormy,
    streaks,
    walls,
)
from mprnet_torch import MPRNet
from training_data import Pair, load_frames, load_photos, to_tensor

AVERAGES = 6
PATHS = (10, 40)
FLAT = 16
"""Side of the patches that are looked at for texture where there was none."""
FLATTEST = 0.05
"""Their share among all patches."""


@torch.inference_mode()
def restore(network: MPRNet, image: Tensor) -> Tensor:
    """The image of stage 3, any size: padded by reflection on the right and at the bottom, and cropped back."""
    height, width = image.shape[2:]
    multiple = network.config.multiple
    padded = F.pad(image, (0, -width % multiple, 0, -height % multiple), mode="reflect")
    return network(padded.contiguous(memory_format=torch.channels_last))[2][..., :height, :width]


def case_options(parser: argparse.ArgumentParser, **task: object) -> None:
    """The options of `cases`, but for --frames."""
    option = parser.add_argument
    option("--task", choices=TASKS, **task)
    option("--photos", type=Path, required=True, help="folder of clean photographs")
    option("--sigma", type=float, nargs="+", default=[15, 25, 50, 75], help="Gaussian noise on the 0..255 scale")


def choice_options(parser: argparse.ArgumentParser, count: int | None) -> None:
    """The options of `chosen`."""
    option = parser.add_argument
    option("--sets", nargs="+", default=["*"], metavar="PATTERN", help="sets to take, by name: 'sigma *'")
    option("--count", type=int, default=count, help=f"photographs of each set ({count or 'all'})")


def chosen(args: argparse.Namespace, photos: list[np.ndarray]) -> Iterator[tuple[str, Iterable[Pair]]]:
    """Those of the `cases` that --sets names, with the first --count pairs of each."""
    found = False
    for name, pairs in cases(args, photos):
        if any(fnmatch(name, pattern) for pattern in args.sets):
            found = True
            yield name, islice(pairs, args.count)
    if not found:
        raise SystemExit(f"no set of {args.task} is named {' or '.join(args.sets)}")


def cases(args: argparse.Namespace, photos: list[np.ndarray]) -> Iterator[tuple[str, Iterable[Pair]]]:
    """The sets of pairs that a task is measured on, with their names."""
    if args.task == "denoise":
        for sigma in args.sigma:
            yield f"sigma {sigma:g}", seeded_pairs(photos, gaussian(sigma))
        for shot in (0.003, 0.03):
            yield f"camera noise {shot:g}", seeded_pairs(photos, camera(shot))
        yield "poor light", seeded_pairs(photos, poor_light)
        yield f"sigma 25, JPEG {QUALITY}", seeded_pairs(photos, saved(gaussian(25)))
    elif args.task == "derain":
        for name, coverage in (("light", HEAVY / 16), ("medium", HEAVY / 4), ("heavy", HEAVY)):
            yield f"{name} rain", seeded_pairs(photos, streaks(coverage))
        yield "storm", seeded_pairs(photos, stormy)
        yield f"medium rain, JPEG {QUALITY}", seeded_pairs(photos, saved(streaks(HEAVY / 4)))
        yield "hazy", seeded_pairs(photos, hazed)
        yield "walls", seeded_pairs(photos, walls)
    else:
        if args.frames:
            _, held_out = load_frames(args.frames, 1)
            for length in (7, 11, 15):
                yield f"{length} frames", averaged_pairs(held_out, length, AVERAGES)
        yield "shake", seeded_pairs(photos, shaken)
        yield "motion to 40 pixels", seeded_pairs(photos, moved)
        for length in PATHS:
            yield f"path of {length:g} pixels", seeded_pairs(photos, along_path(length))
        yield f"shake, JPEG {QUALITY}", seeded_pairs(photos, saved(shaken))
        yield "soft", seeded_pairs(photos, softened)
        yield "overexposed", seeded_pairs(photos, overexposed)
    yield "clean", ((photo, photo) for photo in photos)


def harm(clean: Tensor, restored: Tensor) -> tuple[float, float, float]:
    """How far the mean colour moves, and the mean deviation of the flattest patches before and after, of 255."""
    restored = restored.clamp(0, 1)
    shift = 255 * (restored - clean).mean((2, 3)).abs().max().item()
    before, after = (
        255 * F.unfold(image.mean(1, keepdim=True), FLAT, stride=FLAT).std(1).flatten() for image in (clean, restored)
    )
    flattest = before.argsort()[: max(int(FLATTEST * len(before)), 1)]
    return shift, before[flattest].mean().item(), after[flattest].mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("weights", type=Path, help="safetensors file")
    case_options(parser, default="denoise")
    choice_options(parser, None)
    option("--frames", type=Path, help="folder of consecutive frames; the last 40 are averaged")
    option("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    option("--device", default="cpu", help="cpu or cuda (%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = mprnet_torch.load(args.weights).to(args.device, memory_format=torch.channels_last)
    for name, pairs in chosen(args, load_photos(args.photos, network.config.multiple)):
        before, after, harms = [], [], []
        for pair in pairs:
            degraded, clean = (to_tensor(image[None], args.device) for image in pair)
            before.append(psnr(degraded, clean))
            restored = restore(network, degraded)
            after.append(psnr(restored, clean))
            # What is to stay as it is.
            if pair[0] is pair[1]:
                harms.append(harm(clean, restored))
        if not harms:
            print(f"{name}: {np.mean(before):.2f} -> {np.mean(after):.2f} dB, {len(after)} images", flush=True)
            continue
        shifts, flat_before, flat_after = zip(*harms, strict=True)
        print(
            f"{name}: stay at {np.mean(after):.2f} dB, at worst {min(after):.2f} dB, {len(after)} images; mean colour "
            f"moves by {max(shifts):.2f} of 255; flat patches deviate by {np.mean(flat_before):.3f}, "
            f"{np.mean(flat_after):.3f} after",
            flush=True,
        )


if __name__ == "__main__":
    main()
