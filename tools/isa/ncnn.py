#!/usr/bin/env python3
"""ncnn's 3x3 convolution on a GPU that is not there: its own dispatches, its driver's assembly, predicted by the same rules.

    ncnn.py gfx1100 --channels 80 --precision f16        runs it in the laboratory (setup.sh) and predicts
    ncnn.py gfx1100 --channels 80 --folder out/x         predicts from what an earlier run left

ncnn opens drivers itself, past Vulkan's loader and the layer that writes down: unless the file that names the driver is not
to be read (`VK_ICD_FILENAMES`), where it falls back to the loader. What it runs is told by the dispatches: a copy with a
border, Winograd's F(4x4) in three stages over the whole image; conversions of what comes from and goes to the host do not
count. How much the product's workgroups do follows from the algorithm: a power of two of results each, as few as will do.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import predictions
from assembly import Dispatch, Pipeline, read_folder
from predict import CARDS, predict
from trips import Shape
from works import Work

VERSION = "1.0.20261020"
HERE = Path(__file__).resolve().parent
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")
STAGES = ("border", "input", "product", "output")
POINTS = {36: 4, 16: 2}
"""Points of a transformed tile, and the side of what it computes."""


def laboratory() -> Path:
    """As `setup.sh` has it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("MPRNET_ISA") or cache / "mprnet-isa")


def installed() -> Path:
    """A folder with ncnn and numpy for the Python of the laboratory's root, and the worker."""
    lab = laboratory()
    python = next((lab / "sid/usr/bin").glob("python3.[0-9]*"), None)
    if python is None:
        raise SystemExit(f"the laboratory has no Python: chroot {lab}/sid apt-get install -y python3")
    folder = lab / f"ncnn-{VERSION}"
    if not (folder / "ncnn").is_dir():
        wheels = folder / "wheels"
        wanted = [option for name in PLATFORMS for option in ("--platform", name)]
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--implementation", "cp",
             "--python-version", python.name.removeprefix("python"), *wanted, "-d", wheels, f"ncnn=={VERSION}", "numpy"],
            check=True,
        )  # fmt: skip
        for wheel in wheels.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
    shutil.copy(HERE / "ncnn_worker.py", folder)
    return folder


def run(device: str, shape: Shape, precision: str, folder: Path) -> None:
    """In the laboratory; the layer writes into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [str(shape.channels), str(shape.width), str(shape.height), precision]
    environment = os.environ | {"VK_ICD_FILENAMES": "/none.json", "PYTHONPATH": "/here"}
    done = subprocess.run(
        ["sh", HERE / "run.sh", "-o", folder.resolve(), device, "python3", "/here/ncnn_worker.py", *arguments],
        cwd=installed(), env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"ncnn fails on {device}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")


def workgroup(folder: Path, pipeline: Pipeline) -> tuple[int, int, int]:
    """Sizes are chosen when a pipeline is made: every driver says them in its form of the shader."""
    text = (folder / f"{pipeline.number:04}.txt").read_text(errors="replace")
    found = re.search(r"workgroup_size: (\d+), (\d+), (\d+)", text)
    if not found:
        raise SystemExit(f"pipeline {pipeline.number} of {folder} does not say the size of its workgroups")
    return (int(found[1]), int(found[2]), int(found[3]))


def works(folder: Path, shape: Shape, precision: str) -> list[Work]:
    """The four dispatches of a convolution."""
    device = read_folder(folder)
    pipelines, ran = {p.number: p for p in device.pipelines}, device.dispatches
    # The first converts what comes from the host; what goes back has the same shape.
    own = [d for d in ran if d.groups != ran[0].groups] if ran else []
    if len(own) != len(STAGES):
        raise SystemExit(
            f"ncnn ran {len(own)} dispatches where four were expected: an algorithm that is not known here"
        )
    for one in own:
        pipelines[one.pipeline].workgroup = workgroup(folder, pipelines[one.pipeline])
    named = zip(STAGES, own, strict=True)
    return [stage(name, one, pipelines[one.pipeline], own[2], shape, precision) for name, one in named]


def stage(name: str, ran: Dispatch, pipeline: Pipeline, product: Dispatch, shape: Shape, precision: str) -> Work:
    """What one of them does."""
    points = next((p for p in POINTS if product.groups[2] in (p, p // 4)), 36)
    channels, pixels, size = shape.channels, shape.width * shape.height, 2 if precision == "f16" else 4
    tiles = math.ceil(shape.width / POINTS[points]) * math.ceil(shape.height / POINTS[points])
    tensor, values = float(pixels * channels * size), float(points * tiles * channels * size)
    groups = math.prod(ran.groups)
    work = Work(f"ncnn {name}", pipeline, groups)
    if name == "border":
        work.moved, work.again = 2 * tensor, tensor
    elif name == "product":
        area = 2 ** math.ceil(math.log2(points * tiles * channels / groups))
        work.products, work.defined = groups * area * channels, shape.products("conv3x3")
        work.moved, work.scratch = float(points * channels**2 * size), 2 * values
        # Both factors of a square block of results; once each is in what is moved.
        work.again = max(groups * 2 * math.sqrt(area) * channels * size - 2 * values, 0.0)
    else:
        work.moved, work.scratch = tensor, values
        work.again = tensor * points / POINTS[points] ** 2 if name == "input" else 0.0
    work.strip = values
    return work


def main(arguments: Sequence[str] | None = None) -> None:
    """See the file's head."""
    parser = argparse.ArgumentParser(description="Predicts what ncnn's 3x3 convolution takes; nothing is measured.")
    parser.add_argument("device", help="as run.sh has them")
    parser.add_argument("--channels", type=int, default=80)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--precision", choices=("f32", "f16"), default="f32")
    parser.add_argument("--folder", type=Path, help="of an earlier run")
    args = parser.parse_args(arguments)
    shape = Shape.parse(args.channels, args.size)
    folder = args.folder or laboratory() / f"out/ncnn_{args.device}_{args.channels}_{args.precision}"
    if args.folder is None:
        run(args.device, shape, args.precision, folder)
    parts = works(folder, shape, args.precision)
    of = {"kernel": "ncnn conv3x3", "channels": args.channels, "size": args.size, "precision": args.precision}
    cards = [card for card in CARDS if card.device == args.device and card.name != "H100"]
    if not cards:
        raise SystemExit(f"no card of the table is a {args.device}; there are: {', '.join(c.device for c in CARDS)}")
    for card in cards:
        print(predictions.table(predictions.Run(of, [predict(work, card) for work in parts]), card))


if __name__ == "__main__":
    main()
