"""What a card would take for compiled kernels, predicted from its public specifications and its compiler's assembly.

Nothing here is measured. Whoever has the card runs `mprnet bench --predicted FILE` and sees both. The rules are the same for
this program's kernels and for any other program's instruction stream.

A dispatch takes the longest of five times:

1. **Issue.** Every instruction keeps a unit busy for some cycles (`units.py`: vector, integer, scalar, matrix, workgroup
   memory, vector memory). Instructions of a loop count as often as it runs. Schedulers issue to different units at once, so
   the unit with most cycles decides: cycles of a workgroup = subgroups x cycles / schedulers, for the units that schedulers
   share without the division.
2. **Latency.** One subgroup alone takes as long as its instructions in order with every wait for a load (`latency.py`). So
   many subgroups as registers and workgroup memory leave room for (the compiler's own figure) wait at the same time:
   cycles of a workgroup = cycles of a subgroup / resident workgroups.
3. **DRAM.** The least bytes that the operator can move (each input, weight and result once), and scratch memory between its
   stages, each where it is larger than half of the last cache (of scratch memory: a strip); over the bandwidth.
4. **Last cache.** All of that goes through it. Where a card has one cache, that is 5.
5. **Second cache.** What workgroups read again: weights and borders for every workgroup; over its bandwidth.

Workgroups are shared out evenly, the last round whole: a card takes ceil(workgroups / compute units) times a workgroup's
cycles, and never less than one subgroup's latency. A dispatch costs GAP besides: a guess, the same for all.

Loops run as often as the multiply-adds of the dispatch want (`trips`). What a loop's exit repeats of its body is no work of
its own. Both sides of a condition count. Not in the model: bank conflicts, instruction caches, power limits, other clocks
than the boost clock, contention between unlike waves, misses of the first cache beyond what 5 counts. It is a lower bound
with exceptions: conditions make it count too much.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from assembly import Pipeline
from latency import SETTLED, Walk
from loops import Loop
from units import Rates, total, words
from works import Work

GAP = 2e-6
"""Seconds between dispatches that depend on each other. A guess."""
LAST_CACHE_SHARE = 0.5
"""Of the last cache that scratch memory may take before it counts as DRAM's: inputs and results pass through it too."""
QUAD = 4
"""Channels that lie together."""
IDLE = 0.03
"""Of a round number of trips that may be missing because lanes at edges idle."""
SHARED_UNITS = ("shared", "memory")
"""Units of a compute unit; all others are a scheduler's."""


@dataclass(frozen=True)
class Card:
    """A card's public specifications."""

    name: str
    device: str
    """The stand-in that compiles for it; the H100's kernels are ptxas' alone, from what Ampere's is given."""
    units: int
    """Compute units: AMD's CUs, NVIDIA's SMs, Intel's Xe cores, Qualcomm's shader processors, Apple's cores."""
    schedulers: int
    """Of a unit."""
    ghz: float
    """The boost clock."""
    dram: float
    """GB/s."""
    last_mib: float
    """The last cache's size."""
    last: float
    """Its GB/s."""
    second: float
    """GB/s of the cache behind those of the units; the same cache as the last where there is but one."""
    shared_kib: int
    """Workgroup memory of a unit."""
    rates: Rates
    latency: dict[str, float] = field(default_factory=dict)
    """Cycles of loads by kind."""
    subgroups: int = 0
    """Resident subgroups of a unit where the compiler does not say (Intel's threads)."""

    @property
    def peak(self) -> float:
        """Multiply-adds of f32 a second."""
        return self.units * self.schedulers * self.rates.lanes * self.pairs * self.ghz * 1e9

    @property
    def pairs(self) -> int:
        """RDNA3 and RDNA4 issue two at once."""
        return 2 if self.device.startswith(("gfx11", "gfx12")) else 1

    @property
    def matrix_peak(self) -> float:
        """Multiply-adds of f16 by matrices a second, sums in f32."""
        return self.units * self.schedulers * self.rates.matrix * self.ghz * 1e9


def latency(load: float, shared: float, scalar: float) -> dict[str, float]:
    """By kind; spilled values are taken to be in the first cache."""
    return {"load": load, "shared_load": shared, "scalar_load": scalar, "scratch_load": load / 2}


# Clocks, units and bandwidths of memory: the vendors' pages. Latencies and bandwidths of caches no vendor publishes: round
# figures in the range of what chipsandcheese.com has measured of these chips or their neighbours, the least certain here. A
# load is taken to hit the second cache.
CARDS = (
    # https://www.amd.com/en/products/graphics/desktops/radeon/7000-series/amd-radeon-rx-7900xtx.html: 96 CUs, 2.5 GHz, 960
    # GB/s, 96 MiB, 61.4 TFLOPS; matrices 122.8 TFLOPS, 512 a cycle and CU, so 32 cycles for 16x16x16, as ACO has it.
    Card("RX 7900 XTX", "gfx1100", 96, 2, 2.5, 960, 96, 3500, 5300, 64, Rates(32, 32, 128), latency(320, 40, 100)),
    # https://www.amd.com/en/products/graphics/desktops/radeon/9000-series/amd-radeon-rx-9070xt.html: 64 CUs, 2.97 GHz, 640
    # GB/s, 64 MiB, 48.7 TFLOPS; matrices 195 TFLOPS.
    Card("RX 9070 XT", "gfx1201", 64, 2, 2.97, 640, 64, 2900, 5000, 64, Rates(32, 32, 256), latency(320, 40, 100)),
    # https://www.intel.com/content/www/us/en/products/sku/229151/: 32 Xe cores of 16 engines, 2.1 GHz, 560 GB/s, 16 MiB; XMX
    # 275 TOPS of int8, half of it in f16.
    Card("Arc A770", "dg2", 32, 16, 2.1, 560, 16, 2000, 2000, 128, Rates(8, 8, 64), latency(350, 60, 300), 128),
    # https://www.intel.com/content/www/us/en/products/sku/241598/: 20 Xe cores of 8 engines, 2.67 GHz, 456 GB/s, 18 MiB; XMX
    # 233 TOPS of int8, at 2.85 GHz.
    Card("Arc B580", "bmg", 20, 8, 2.67, 456, 18, 2000, 2000, 128, Rates(16, 16, 128), latency(300, 60, 250), 64),
    # https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf: 82 SMs, 1.695 GHz, 936
    # GB/s, 6 MiB, 35.6 TFLOPS; matrices with sums in f32 71 TFLOPS.
    Card("RTX 3090", "ampere", 82, 4, 1.695, 936, 6, 2500, 2500, 100, Rates(32, 16, 64), latency(260, 30, 60)),
    # https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf: 128 SMs, 2.52 GHz, 1008 GB/s,
    # 72 MiB, 82.6 TFLOPS; matrices with sums in f32 165 TFLOPS.
    Card("RTX 4090", "ada", 128, 4, 2.52, 1008, 72, 5000, 5000, 100, Rates(32, 16, 64), latency(280, 30, 60)),
    # https://resources.nvidia.com/en-us-tensor-core (H100 SXM5): 132 SMs, 1.98 GHz, 3350 GB/s, 50 MiB, 66.9 TFLOPS.
    Card("H100", "ampere", 132, 4, 1.98, 3350, 50, 5500, 5500, 228, Rates(32, 16, 0), latency(260, 30, 60)),
    # Not published by Qualcomm: 6 shader processors of four times 64 lanes by the open driver, 0.68 GHz, 64 bits of
    # LPDDR5X-8400.
    Card("Adreno 740", "a740", 6, 4, 0.68, 67, 1, 200, 200, 32, Rates(64, 64, 0), latency(300, 40, 60)),
    # https://en.wikipedia.org/wiki/Apple_M1: 8 cores of 128 lanes, 1.278 GHz, 68 GB/s, 8 MiB of system cache; 2.6 TFLOPS.
    # Halves are no faster (https://github.com/philipturner/metal-benchmarks).
    Card("Apple M1", "m1", 8, 4, 1.278, 68, 8, 200, 300, 60, Rates(32, 32, 0, double_f16=False), latency(300, 40, 60)),
)  # fmt: skip


@dataclass(frozen=True)
class Prediction:
    """Seconds by what might bound them; the longest counts."""

    work: Work
    seconds: float
    bounds: dict[str, float]
    trips: float
    resident: float
    """Subgroups of a unit at a time."""

    @property
    def bound(self) -> str:
        """What decides."""
        return max(self.bounds, key=lambda name: self.bounds[name])


def trips(work: Work, inner: Loop, subgroups: int) -> float:
    """How often the inner loop runs in all: from the products that each lane, or subgroup of a matrix kernel, must do. Lanes
    that have nothing to do run along, so that more is run than is wanted: a lane's sums are a power of two, an iteration
    takes whole quads of inputs (conversions may look like products), of Winograd's values a power of two (transforms may
    look like products), and matrices' iterations are whole."""
    if inner.matrix_work():
        least = work.products / subgroups / inner.matrix_work()
        return math.ceil(least - IDLE) if work.inputs else least
    least = work.products / (work.groups * work.pipeline.lanes) / inner.work()
    if not work.inputs:
        return least
    if work.transformed:
        return work.inputs / 2 ** math.floor(math.log2(work.inputs / least * (1 + IDLE)))
    each = inner.work() / (work.sums or lane_sums(work))
    return work.inputs / (each // QUAD * QUAD if each >= QUAD else each)


def lane_sums(work: Work) -> int:
    """Of a lane: the least power of two."""
    wanted = work.products / work.inputs / (work.groups * work.pipeline.lanes)
    return 2 ** math.ceil(math.log2(wanted * (1 - IDLE)))


def multiplicities(pipeline: Pipeline, runs: float) -> dict[int, float]:
    """How often each loop's own instructions run, by its number. The loop around the inner one runs thrice, over rows of
    taps or pieces; others once."""
    inner = pipeline.inner()
    counts: dict[int, float] = {loop.number: 1.0 for loop in pipeline.root.walk()}
    if inner:
        nest = inner.chain()
        around = min(3.0, runs) if len(nest) > 1 else 1.0
        for loop in nest[:-1]:
            counts[loop.number] = around
        counts[inner.number] = runs
    return counts


def peeled(pipeline: Pipeline, inner: Loop | None) -> float:
    """Copies of the inner loop's body that stand outside of loops, as its last iteration or for what is left over."""
    if not inner:
        return 0.0
    each = inner.matrix_work() or inner.work()
    return (pipeline.root.matrix_work() if inner.matrix_work() else pipeline.root.work()) / each


def demand(pipeline: Pipeline, card: Card, runs: float) -> tuple[Counter[str], float]:
    """Cycles of each unit that a subgroup takes, and the cycles it takes by itself."""
    dialect, subgroup = pipeline.dialect.name, pipeline.subgroup
    counts, inner = multiplicities(pipeline, runs), pipeline.inner()
    cycles: Counter[str] = Counter()
    walk = Walk(dialect, subgroup, card.rates, card.latency)
    alone = 0.0
    each: Counter[str] = Counter()
    lone = 0.0
    for loop in pipeline.root.walk():
        own = loop.own()
        once = total(own, dialect, subgroup, card.rates)
        for _ in range(SETTLED if loop is inner else 1):
            time = walk.run(own)
        if loop is inner:
            each, lone = once, time
        for unit, amount in once.items():
            cycles[unit] += amount * counts[loop.number]
        alone += time * counts[loop.number]
    copies = peeled(pipeline, inner)
    for unit, amount in each.items():
        cycles[unit] = max(cycles[unit] - amount * copies, amount * runs)
    return cycles, max(alone - lone * copies, lone * runs)


def resident(pipeline: Pipeline, card: Card, subgroups: int) -> float:
    """Subgroups of a unit at a time, for workgroups of so many."""
    stated = pipeline.stated
    dialect = pipeline.dialect.name
    most = float(stated.occupancy or card.subgroups or 1)
    if dialect == "aco":
        most = most * 32 / max(pipeline.subgroup, 32) * card.schedulers
    if dialect == "agx":
        most = most / pipeline.subgroup
    if stated.shared_bytes:
        most = min(most, card.shared_kib * 1024 // stated.shared_bytes * subgroups)
    return max(most, subgroups)


def predict(work: Work, card: Card) -> Prediction:
    """The rules of this file's head."""
    pipeline, subgroups = work.pipeline, work.subgroups
    if pipeline.dialect is None:
        raise SystemExit(
            f"the folder has no assembly of {pipeline.short}: the driver gave none, or the run was cut off"
        )
    inner = pipeline.inner()
    runs = repeats(work, pipeline, inner, subgroups)
    cycles, alone = demand(pipeline, card, runs)
    here = resident(pipeline, card, subgroups)
    groups = math.ceil(work.groups / card.units / work.dispatches) * work.dispatches
    clock = card.ghz * 1e9
    bounds: dict[str, float] = {}
    for unit, amount in cycles.items():
        share = 1 if unit in SHARED_UNITS else card.schedulers
        bounds[unit] = groups * subgroups * amount / share / clock
    bounds["latency"] = max(groups * subgroups / here, work.dispatches) * alone / clock
    room = card.last_mib * 2**20 * LAST_CACHE_SHARE
    outside = sum(amount for amount, alive in ((work.moved, work.moved), (work.scratch, work.strip)) if alive > room)
    bounds["DRAM"] = outside / (card.dram * 1e9)
    bounds["last cache"] = (work.moved + work.scratch) / (card.last * 1e9)
    bounds["second cache"] = (work.again + work.scratch) / (card.second * 1e9)
    return Prediction(work, max(bounds.values()) + GAP * work.dispatches, bounds, runs, here)


def repeats(work: Work, pipeline: Pipeline, inner: Loop | None, subgroups: int) -> float:
    """Trips of the inner loop; where there are no products, as often as the bytes want."""
    if not inner:
        return 1.0
    if work.products:
        return trips(work, inner, work.groups * subgroups)
    own = [i for i in inner.own() if i.kind in ("load", "store")]
    accessed = sum(words(i.text, i.kind) * (i.width or pipeline.subgroup) * i.count for i in own)
    return max((work.moved + work.scratch) / (work.groups * subgroups) / accessed, 1.0) if accessed else 1.0


def main() -> None:
    """See the file's head."""
    import predictions

    arguments = argparse.ArgumentParser(description="Predicts what a card takes; nothing is measured.")
    arguments.add_argument("folder", type=Path, help="what the layer wrote (run.sh)")
    arguments.add_argument("--card", required=True, help="one of: " + ", ".join(card.name for card in CARDS))
    arguments.add_argument(
        "--profile", type=Path, help="a network's `mprnet profile --runs 0 --format json`, of the same run"
    )
    arguments.add_argument("--config", help="the network's name in `bench`: derain, denoise, deblur")
    arguments.add_argument(
        "--kernels", type=Path, help="`mprnet bench --kernel ... --rounds 0 --format json`, of the same run"
    )
    arguments.add_argument(
        "--ptxas", action="store_true", help="NVIDIA's own compiler (nvidia.py) instead of the driver's"
    )
    arguments.add_argument("--all", action="store_true", help="every operator of a network, not only the longest")
    arguments.add_argument("--output", type=Path, help="adds the predictions to a file for `bench --predicted`")
    args = arguments.parse_args()
    card = next((card for card in CARDS if card.name.lower() == args.card.lower()), None)
    if card is None:
        raise SystemExit(f"no card is called {args.card!r}; there are: {', '.join(card.name for card in CARDS)}")
    runs = predictions.runs(args, card)
    for run in runs:
        print(predictions.table(run, card, None if args.all or args.kernels else 12))
        if args.profile:
            print(predictions.kinds(run))
    if args.output:
        predictions.write(args.output, card, runs)


if __name__ == "__main__":
    main()
