"""How often loops run: given, or found out from the work that a dispatch has to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assembly import Device, Pipeline
from loops import Loop

TAPS = 9
ROLLED = (1, 3, 9)
"""How often a loop over taps or rows of taps runs inside or around the one over inputs: all, rows or none unrolled."""
QUAD = 4
"""Inputs of an iteration, without matrices."""
CONVOLUTION = re.compile(r"conv1x1|conv3x3/(?!winograd)")
TOLERANCE = 0.03
"""Of the multiply-adds that a lane must do: idle lanes make it less than what its loops do, never more."""
ROWS_INSIDE = ("conv3x3/tiled",)
"""Kernels whose inner loop is the one over rows of taps; elsewhere it is the one over inputs."""


@dataclass(frozen=True)
class Shape:
    """A convolution of as many channels to as many, as `bench --kernel` computes it."""

    channels: int
    width: int
    height: int

    @classmethod
    def parse(cls, channels: int, size: str) -> Shape:
        """80 and `128x128`."""
        found = re.fullmatch(r"(\d+)x(\d+)", size)
        if not found:
            raise SystemExit(f"{size!r} is not like 128x128")
        return cls(channels, int(found[1]), int(found[2]))

    def products(self, kernel: str) -> int:
        """Multiply-adds of the whole convolution."""
        taps = 1 if kernel.startswith("conv1x1") else TAPS
        return taps * self.channels**2 * self.width * self.height


def trips_by_text(pipeline: Pipeline, inner: Loop, text: str) -> dict[int, int]:
    """`20,3` along the inner loop's nest, or `L3=20,L4=3`."""
    if "=" in text:
        return {int(m[1]): int(m[2]) for m in re.finditer(r"L(\d+)=(\d+)", text)}
    counts = [int(count) for count in text.split(",")]
    nest = inner.chain()
    if len(counts) != len(nest):
        raise SystemExit(f"{pipeline.short}: the nest has {len(nest)} loops, {len(counts)} trips are given")
    return {loop.number: count for loop, count in zip(nest, counts, strict=True)}


def trips_by_shape(device: Device, pipeline: Pipeline, inner: Loop, shape: Shape) -> dict[int, int] | None:
    """From the multiply-adds that a lane, or a subgroup with matrices, must do in the largest dispatch recorded, and
    those of an iteration; None where they do not fit a loop over quads of inputs."""
    groups = [d.groups[0] * d.groups[1] * d.groups[2] for d in device.dispatches if d.pipeline == pipeline.number]
    workers = max(groups, default=0) * pipeline.lanes
    each, inputs = inner.work(), QUAD
    if inner.matrix_work():
        workers, each = workers // max(pipeline.subgroup, 1), inner.matrix_work()
        inputs = next((int(tag.split("_")[1]) for tag in pipeline.tags if re.fullmatch(r"matrix_\d+", tag)), QUAD)
    if not workers or not CONVOLUTION.match(pipeline.kernel):
        return None
    least = shape.products(pipeline.kernel) / workers / each
    steps = -(-shape.channels // inputs)
    rows = next((rolled for rolled in ROLLED if steps * rolled >= least * (1 - TOLERANCE)), None)
    if rows is None:
        return None
    nest = inner.chain()
    if len(nest) == 1:
        return {inner.number: steps * rows}
    inside, around = (rows, steps) if pipeline.kernel in ROWS_INSIDE else (steps, rows)
    return {nest[-2].number: around, inner.number: inside}
