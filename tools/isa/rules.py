"""What kernels must hold on each device, as checks that pass or fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assembly import Device, Pipeline
from dialects import OVERHEAD
from waits import shares

# Devices by what their drivers call them, in the names of `run.sh`.
DEVICES = (
    ("gfx900", r"VEGA10"), ("gfx908", r"MI100"), ("gfx1010", r"NAVI10"), ("gfx1030", r"NAVI21"),
    ("gfx1100", r"NAVI31"), ("gfx1102", r"NAVI33"), ("gfx1151", r"GFX1151|STRIX"), ("gfx1201", r"GFX1201|NAVI48"),
    ("cfl", r"CFL"), ("adl", r"ADL"), ("tgl", r"TGL"), ("mtl", r"MTL"), ("dg2", r"DG2"), ("lnl", r"LNL"), ("bmg", r"BMG"),
    ("pascal", r"NVK 13"), ("volta", r"NVK 14"), ("turing", r"NVK 16"), ("ampere", r"NVK 17"), ("ada", r"NVK 19"),
    ("blackwell", r"NVK 1B"), ("a618", r"Adreno.* 618"), ("a630", r"Adreno.* 630"), ("a650", r"Adreno.* 650"),
    ("a660", r"Adreno.* 660"), ("a740", r"Adreno.* 740"), ("a750", r"Adreno.* 750"), ("x185", r"Adreno X1-85"),
    ("m1", r"Apple M1"), ("m2", r"Apple M2"),
)  # fmt: skip

CLEAN = "no spills, no scratch"
LEAST_OCCUPANCY = {"gfx1100": 12, "ampere": 16, "a740": 6, "m1": 512}
"""Of every 3x3 and 1x1 convolution, in the driver's terms."""
MOST_OVERHEAD = {"gfx1100": 0.2, "ampere": 0.2, "dg2": 0.3, "a740": 0.3}
"""Arithmetic beside the multiply-adds in the inner loop of f32 3x3 convolutions, in shares of their number."""
LEAST_FLIGHT = {"gfx1100": 0.8}
"""The share of a step's multiply-adds, between two barriers, that loads from storage are in flight for, in the same loops."""
MOST_BESIDE_MATRIX = {"gfx1100": 1.5, "gfx1201": 1.5}
"""Other vector instructions for each matrix instruction in the inner loop of 3x3 convolutions by matrices; NVIDIA's get none
by rule."""
MATRIX = "conv3x3/matrix"
VECTOR = ("fma", "alu", "mov", "cvt")

CONVOLUTION = re.compile(r"conv(3x3/|1x1)")
PRODUCTS = re.compile(r"conv3x3/(?!winograd_(tile_)?(input|output))")
"""3x3 convolutions, without the transforms of Winograd's, which are no loop of products."""


@dataclass(frozen=True)
class Verdict:
    """A rule applied to a pipeline."""

    rule: str
    pipeline: Pipeline
    passed: bool
    found: str


def device_name(device: Device) -> str:
    """Its name in `run.sh`; empty for one that is not known there."""
    return next((name for name, pattern in DEVICES if re.search(pattern, device.name)), "")


def overhead(pipeline: Pipeline) -> float | None:
    """Arithmetic beside the multiply-adds, in shares of their number, in the inner loop; None without such a loop."""
    inner = pipeline.inner()
    if inner is None or not inner.work():
        return None
    counts = inner.mix()
    return sum(counts[kind] for kind in OVERHEAD) / inner.work()


def beside_matrix(pipeline: Pipeline) -> float | None:
    """Other vector instructions for each matrix instruction in the inner loop; None where it has none."""
    inner = pipeline.inner()
    counts = inner.mix() if inner else {}
    if not counts.get("matrix"):
        return None
    return sum(counts.get(kind, 0) for kind in VECTOR) / counts["matrix"]


def judge(device: Device) -> Iterator[Verdict]:
    """Every rule that says something about the device's pipelines."""
    name = device_name(device)
    for pipeline in device.pipelines:
        stated = pipeline.stated
        found = f"{stated.spills} spills, {stated.fills} fills, {stated.scratch} bytes of scratch"
        yield Verdict(CLEAN, pipeline, stated.clean, found)
        if name in LEAST_OCCUPANCY and CONVOLUTION.match(pipeline.kernel):
            least = LEAST_OCCUPANCY[name]
            passed = stated.occupancy is not None and stated.occupancy >= least
            yield Verdict(f"occupancy at least {least}", pipeline, passed, f"{stated.occupancy}")
        if PRODUCTS.match(pipeline.kernel):
            yield from judge_loop(name, pipeline)


def judge_loop(name: str, pipeline: Pipeline) -> Iterator[Verdict]:
    """The rules about the inner loop of a 3x3 convolution."""
    if pipeline.precision == "f16":
        if name in MOST_BESIDE_MATRIX and pipeline.kernel == MATRIX:
            most, beside = MOST_BESIDE_MATRIX[name], beside_matrix(pipeline)
            found = "no matrix instructions" if beside is None else f"{beside:.2f}"
            rule = f"f16: at most {most} other vector instructions a matrix instruction"
            yield Verdict(rule, pipeline, beside is not None and beside <= most, found)
        return
    if name in MOST_OVERHEAD:
        most, share = MOST_OVERHEAD[name], overhead(pipeline)
        found = "no loop of multiply-adds" if share is None else f"{share:.0%}"
        rule = f"f32: other arithmetic at most {most:.0%} of the multiply-adds"
        yield Verdict(rule, pipeline, share is not None and share <= most, found)
    inner = pipeline.inner()
    if name in LEAST_FLIGHT and inner is not None:
        least, found_shares = LEAST_FLIGHT[name], shares(pipeline, inner)
        passed = all(share >= least for share in found_shares)
        found = f"{min(found_shares):.0%} to {max(found_shares):.0%}" if found_shares else "no loads"
        yield Verdict(f"f32: loads in flight for {least:.0%} of the multiply-adds", pipeline, passed, found)
