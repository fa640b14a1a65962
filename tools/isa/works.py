"""What dispatches have to do, for `predict.py`: from `mprnet profile --runs 0 -o json`, or `mprnet bench --kernel conv3x3`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assembly import Device, Pipeline
from trips import Shape

TAPS = 9
BENCH_RUNS = 3
"""Of a kernel by `bench --rounds 1`: the first, another to warm up, and the one that counts."""


@dataclass
class Work:
    """A kernel's dispatches for one operator."""

    name: str
    pipeline: Pipeline
    groups: int
    """Workgroups, of all dispatches together."""
    products: int = 0
    """Multiply-adds that are wanted; 0 where the kernel is no sum of products."""
    inputs: int = 0
    """Of each sum: products that are added up; 0 where `products` are what lanes do, padding included."""
    defined: int = 0
    """Multiply-adds of the operator as it is defined, for the share of the peak."""
    moved: float = 0.0
    """Least bytes of tensors and weights."""
    scratch: float = 0.0
    """Bytes of scratch memory read and written."""
    strip: float = 0.0
    """Bytes of it alive at once."""
    again: float = 0.0
    """Bytes that workgroups read, shared ones for each of them."""
    dispatches: int = 1
    sums: int = 0
    """Of a lane, where other operators of the same kernel tell; 0 where they do not."""

    @property
    def subgroups(self) -> int:
        """Of a workgroup."""
        return math.ceil(self.pipeline.lanes / max(self.pipeline.subgroup, 1))


def padded(channels: int) -> int:
    """To quads."""
    return -(-channels // 4) * 4


def element(label: str) -> int:
    """Bytes of a stored feature or weight."""
    return 2 if re.search(r"_f16\b|_half\b(?<!source_half)|_packed\b", label) else 4


def halo(area: float, kernel: str) -> float:
    """Pixels that a workgroup of so many reads, for each of its own: one more on each side of a square for 3x3."""
    return (math.sqrt(area) + 2) ** 2 / area if kernel.startswith("conv3x3") else 1.0


def read_again(kernel: str, size: int, groups: int, depth: int, pixels: float, channels: tuple[int, int]) -> float:
    """Bytes of weights and pixels that all workgroups of a direct convolution read."""
    inputs, outputs = channels
    taps = 1 if kernel.startswith("conv1x1") else TAPS
    area = pixels * depth / groups
    return groups * size * (taps * inputs * outputs / depth + inputs * area * halo(area, kernel))


def products_again(groups: int, grid: Sequence[int], products: int, channels: tuple[int, int]) -> float:
    """Bytes that workgroups of Winograd's products read besides each transformed value once: weights of a plane for each
    run of tiles, values for each group of outputs. Scratch memory is f32."""
    inputs, outputs = channels
    depth, planes = grid[1], grid[2]
    runs = groups / depth / planes
    values = products / outputs
    return 4.0 * (runs * planes * inputs * outputs + (depth - 1) * values)


def network(profile: Mapping[str, Any], device: Device) -> list[Work]:
    """The spans of a network's profile, each with its pipeline."""
    named = {p.label: p for p in device.pipelines}
    return [span_work(span, pipeline_of(span["kernel"], named)) for span in profile["spans"]]


def pipeline_of(kernel: str, named: Mapping[str, Pipeline]) -> Pipeline:
    """By its label."""
    if kernel not in named:
        raise SystemExit(f"the folder has no pipeline {kernel!r}: run the profile and the layer together")
    return named[kernel]


def span_work(span: Mapping[str, Any], pipeline: Pipeline) -> Work:
    """One stage of an operator."""
    kernel = pipeline.kernel
    work = Work(
        span["tensor"] + (f" {kernel.rsplit('_', 1)[1]}" if "winograd" in kernel else ""), pipeline, span["workgroups"],
        products=span["executed"], defined=span["multiply_adds"], moved=span["bytes"], scratch=span["scratch_bytes"],
        strip=span["scratch_bytes"] / span["dispatches"], again=span["bytes"], dispatches=span["dispatches"],
    )  # fmt: skip
    if not work.products:
        return work
    outputs, height, width = span["outputs"][0]
    taps = TAPS if span["op"] == "conv3x3" else 1
    inputs = round(work.defined / (taps * outputs * height * width))
    if not span["op"].startswith("conv"):
        return work
    if "winograd" in kernel:
        work.again = products_again(work.groups, span["grid"], work.products, (inputs, outputs))
    else:
        work.inputs = taps * padded(inputs)
        size = element(pipeline.label)
        work.again = read_again(kernel, size, work.groups, span["grid"][2], height * width, (inputs, outputs))
    return work


def kernels(device: Device, shape: Shape) -> Iterator[tuple[str, list[Work]]]:
    """Variants of the 3x3 convolution that `bench --kernel conv3x3 --rounds 1` ran, each with its stages."""
    for variant, stages in variants(device.pipelines):
        works = [kernel_work(device, pipeline, shape, variant) for pipeline in stages]
        if all(work.groups for work in works):
            yield variant, works


def variants(pipelines: Sequence[Pipeline]) -> Iterator[tuple[str, list[Pipeline]]]:
    """Names as the program has them, and pipelines in the order of execution."""
    stages = ("input", "multiply", "output")
    winograd = [p for p in pipelines if p.kernel.startswith("conv3x3/winograd")]
    for pipeline in pipelines:
        if pipeline.kernel.startswith("conv3x3/") and pipeline not in winograd:
            spread = next((tag.removeprefix("spread_") for tag in pipeline.tags if tag.startswith("spread_")), "load")
            name = spread if spread != "load" else pipeline.kernel.split("/")[1]
            square = next((tag.split("_")[1] for tag in pipeline.tags if re.fullmatch(r"matrix_\d+", tag)), "")
            yield name + square, [pipeline]
    for size in ("2", "4"):
        own = [p for p in winograd if f"winograd_{size}" in p.tags or p.kernel.endswith("multiply")]
        own.sort(key=lambda p: stages.index(p.kernel.rsplit("_", 1)[1]) if p.kernel.rsplit("_", 1)[1] in stages else 0)
        if len(own) >= len(stages):
            yield f"winograd{size}", own


def kernel_work(device: Device, pipeline: Pipeline, shape: Shape, variant: str) -> Work:
    """One stage of a variant. The crop that is compared with the twin counts, with a thousandth of the workgroups."""
    points = {"winograd2": 16, "winograd4": 36}.get(variant, 0)
    multiplies = pipeline.kernel.endswith("multiply")
    ran = [d for d in device.dispatches if d.pipeline == pipeline.number and (not multiplies or d.groups[2] == points)]
    groups = sum(math.prod(d.groups) * d.count for d in ran) // BENCH_RUNS
    channels, pixels = shape.channels, shape.width * shape.height
    size = element(pipeline.label)
    tensor = pixels * channels * size
    work = Work(pipeline.kernel, pipeline, groups, dispatches=max(sum(d.count for d in ran) // BENCH_RUNS, 1))
    if not points:
        work.dispatches = 1
        work.products = work.defined = shape.products(pipeline.kernel)
        work.inputs = TAPS * padded(channels)
        work.moved = 2 * tensor + TAPS * channels**2 * size
        depth = max((d.groups[2] for d in ran), default=1)
        if groups:
            work.again = read_again(pipeline.kernel, size, groups, depth, pixels, (channels, channels))
        return work
    side = {16: 2, 36: 4}[points]
    values = points * (pixels // side**2) * channels
    work.scratch, work.moved = 4.0 * values, float(tensor)
    if multiplies and groups:
        work.products, work.defined = values * channels, shape.products(pipeline.kernel)
        work.scratch, work.moved = 8.0 * values, 4.0 * points * channels**2
        work.again = products_again(groups, ran[0].groups, work.products, (channels, channels))
    work.strip = work.scratch / work.dispatches
    return work
