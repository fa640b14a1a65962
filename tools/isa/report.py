#!/usr/bin/env python3
"""What a driver's compiler made of the pipelines that the Vulkan layer here wrote down.

    report.py FOLDER                          a table, and the instructions of an iteration of the inner loop
    report.py FOLDER --rules                  what kernels must hold, as checks; exit code 1 where one fails
    report.py FOLDER --waits                  where loads and their waits lie among the multiply-adds
    report.py FOLDER --listing 6              the inner loop of pipeline 0006
    report.py FOLDER --loops                  every loop, with its number
    report.py FOLDER --channels 80 --size 128x128         what a subgroup executes, for `bench --kernel conv3x3`
    report.py FOLDER --only tiled --trips 20,3            the same, by trips of the inner loop's nest, outermost first
    report.py FOLDER --only tiled --trips L1=2,L3=20,L4=3 the same, by numbers of loops

Static counts are a listing's; where a condition is in a loop, both of its sides count.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from assembly import Device, Pipeline, read_folder
from dialects import KINDS
from rules import beside_matrix, device_name, judge, overhead
from trips import Shape, trips_by_shape, trips_by_text
from waits import timeline


COLUMNS = (
    "no.",
    "kernel",
    "simd",
    "regs",
    "spill/fill",
    "scratch",
    "occupancy",
    "code",
    "cycles",
    "instr.",
    "compiled",
)


def shown(counts: Mapping[str, int]) -> str:
    """Kinds and their numbers, in one order."""
    return " ".join(f"{kind}:{counts[kind]}" for kind in KINDS if counts.get(kind))


def dash(value: object) -> str:
    """What a driver does not say."""
    return "-" if value is None else str(value)


def table(pipelines: Iterable[Pipeline]) -> None:
    """One row a pipeline."""
    rows = [COLUMNS]
    for p in pipelines:
        s = p.stated
        occupancy = f"{dash(s.occupancy)}/{dash(s.max_occupancy)}" if s.occupancy is not None else "-"
        stated = (str(s.simd), dash(s.registers), f"{s.spills}/{s.fills}", str(s.scratch), occupancy)
        size = (dash(s.code_bytes), dash(s.cycles), str(len(p.instructions)), f"{p.seconds:.2f} s")
        rows.append((f"{p.number:04}", p.short, *stated, *size))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        left = [row[i].ljust(widths[i]) for i in range(2)]
        print("  ".join([*left, *(row[i].rjust(widths[i]) for i in range(2, len(row)))]))


def inner_loops(pipelines: Iterable[Pipeline]) -> None:
    """Instructions of an iteration of the inner loops."""
    print("\ninner loops, an iteration:")
    for p in pipelines:
        inner = p.inner()
        if inner is None:
            continue
        extra, beside = overhead(p), beside_matrix(p)
        note = f"  other arithmetic {extra:.0%}" if extra is not None and beside is None else ""
        note += f"  {beside:.2f} other vector instructions a matrix instruction" if beside is not None else ""
        nest = ">".join(f"L{loop.number}" for loop in inner.chain())
        print(f"{p.number:04}  {p.short}  {nest}  {shown(inner.mix())}{note}")


def loops(pipelines: Iterable[Pipeline]) -> None:
    """Every loop of every pipeline."""
    for p in pipelines:
        print(f"{p.number:04}  {p.short}  workgroup {p.workgroup}")
        for loop in p.root.walk():
            depth = len(loop.chain())
            name = f"L{loop.number}" if depth else "outside"
            print(f"{'  ' * (depth + 1)}{name}  {shown(loop.mix())}")


def listing(pipeline: Pipeline) -> None:
    """The lines of the inner loop."""
    inner = pipeline.inner() or pipeline.root
    lines = [instruction.line for instruction in inner.all()]
    for number in range(min(lines), max(lines) + 1) if lines else ():
        print(pipeline.listing[number].rstrip())


def rules(device: Device) -> bool:
    """Failed checks one by one, passed ones by their number; whether none failed."""
    verdicts = list(judge(device))
    name = device_name(device) or device.name
    for verdict in verdicts:
        if not verdict.passed:
            print(f"{name}  FAIL  {verdict.pipeline.short}: {verdict.rule}: {verdict.found}")
    for rule in dict.fromkeys(verdict.rule for verdict in verdicts):
        passed = Counter(verdict.passed for verdict in verdicts if verdict.rule == rule)
        state = "FAIL" if passed[False] else "pass"
        print(f"{name}  {state}  {rule}: {passed[True]} of {passed.total()} pipelines")
    return all(verdict.passed for verdict in verdicts)


def executed(device: Device, pipelines: Iterable[Pipeline], text: str | None, shape: Shape | None) -> None:
    """What a subgroup executes, by kind."""
    for p in pipelines:
        if (inner := p.inner()) is None:
            continue
        trips = trips_by_text(p, inner, text) if text else shape and trips_by_shape(device, p, inner, shape)
        if not trips:
            print(f"{p.number:04}  {p.short}  trips are not known: --trips")
            continue
        counts = p.executed(trips)
        said = " ".join(f"L{loop}={count}" for loop, count in sorted(trips.items()))
        print(f"{p.number:04}  {p.short}  {said}  {shown(counts)}  all:{counts.total()}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--only", default="", metavar="PATTERN", help="pipelines whose label it is found in")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--waits", action="store_true")
    parser.add_argument("--loops", action="store_true")
    parser.add_argument("--listing", type=int, metavar="NUMBER")
    parser.add_argument("--trips")
    parser.add_argument("--channels", type=int)
    parser.add_argument("--size", metavar="WIDTHxHEIGHT")
    return parser.parse_args()


def report(folder: Path, args: argparse.Namespace) -> bool:
    """One folder; whether it holds the rules, where they are asked for."""
    device = read_folder(folder)
    device.pipelines = [p for p in device.pipelines if re.search(args.only, p.label)]
    if args.rules:
        return rules(device)
    if args.listing is not None:
        for p in device.pipelines:
            if p.number == args.listing:
                listing(p)
        return True
    print(f"# {folder.name}: {device.name} {device.driver}".rstrip())
    if args.waits:
        for p in device.pipelines:
            if inner := p.inner():
                print(f"{p.number:04}  {p.short}  {timeline(p, inner)}")
    elif args.loops:
        loops(device.pipelines)
    elif args.trips or args.channels:
        shape = Shape.parse(args.channels, args.size or "128x128") if args.channels else None
        executed(device, device.pipelines, args.trips, shape)
    else:
        table(device.pipelines)
        inner_loops(device.pipelines)
    return True


if __name__ == "__main__":
    # A reader that has seen enough, as `head` has, is no error.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = arguments()
    held = [report(folder, options) for folder in options.folder]
    sys.exit(0 if all(held) else 1)
