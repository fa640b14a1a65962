"""What dispatches have to do, for `predict.py`: from `mprnet profile --runs 0`, or `bench --kernel --rounds 0`, as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assembly import Device, Pipeline

TAPS = 9
CELL = 8
"""Pixels of a cell's side: workgroups are cells or runs of them, times groups of channels."""


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
    transformed: bool = False
    """Whether the inputs are Winograd's values."""
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
    kernel, several = pipeline.kernel, span["scratch_bytes"] > 0
    work = Work(
        span["tensor"] + (f" {kernel.rsplit('_', 1)[1]}" if several else ""), pipeline, span["workgroups"],
        products=span["executed"], defined=span["multiply_adds"], moved=span["bytes"], scratch=span["scratch_bytes"],
        strip=span["scratch_bytes"] / span["dispatches"], again=span["bytes"], dispatches=span["dispatches"],
    )  # fmt: skip
    if not work.products or not span["op"].startswith("conv"):
        return work
    outputs, height, width = span["outputs"][0]
    taps = TAPS if span["op"] == "conv3x3" else 1
    inputs = round(work.defined / (taps * outputs * height * width))
    work.transformed = work.products != work.defined
    work.inputs = padded(inputs) * (1 if work.transformed else taps)
    if several:
        work.again = products_again(work.groups, span["grid"], work.products, (inputs, outputs))
        return work
    size = element(pipeline.label)
    work.again = read_again(kernel, size, work.groups, depth(span, height), height * width, (inputs, outputs))
    return work


def depth(span: Mapping[str, Any], height: int) -> int:
    """Workgroups that share the same pixels: along z, and along y where that does not count rows of cells, of which each of
    several dispatches has a part."""
    _, y, z = span["grid"]
    return z if z > 1 or y * span["dispatches"] >= height // CELL else y


def kernels(rows: Sequence[Mapping[str, Any]], device: Device) -> Iterator[tuple[str, list[Work]]]:
    """Variants that `bench --kernel` compiled, each with its stages; not those that the adapter cannot use."""
    named = {p.label: p for p in device.pipelines}
    for row in rows:
        if row["stages"]:
            yield row["variant"], [span_work(span, pipeline_of(span["kernel"], named)) for span in row["stages"]]
