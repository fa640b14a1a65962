#!/usr/bin/env python3
"""Compiles the kernels that are chosen on devices that are not there, and compares what came out with a budget.

    check.py                    prints what got worse and better, and what must hold; exit code 1 for what got worse
    check.py --update           writes the budget anew
    check.py --devices dg2 m1   these alone
    check.py --kernel-variants tiled,block      of 3x3 convolutions beside the rule's choice

A kernel got worse that spills more, that fewer subgroups of fit at a time, or that does more instructions for a
multiply-add in its inner loop; so did one that fails a rule of `rules.py` which the budget does not say it fails. Of a
kernel that the budget lacks only spilling counts. Figures are of one version of Mesa: with another all differences are
printed, and none counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from assembly import Device, Pipeline, read_folder
from rules import CLEAN, judge

HERE = Path(__file__).resolve().parent
BUDGET = HERE.parent.parent / "golden" / "isa" / "budget.json"
DEVICES = (
    "gfx900", "gfx1100", "gfx1201", "tgl", "dg2", "bmg", "turing", "ampere", "blackwell", "a650", "a740", "m1",
)  # fmt: skip
NETWORK = "--precision f32,f16 --rounds 1 --tune off"
MODES = "--mode global,local --train-size 16"
KERNEL = "--size 128x128 --precision f32,f16 --channels 80,128 --rounds 1"
WORKLOADS = {
    "derain": f"mprnet bench --config derain --size 64x64 {NETWORK} {MODES}",
    # Of a size that is padded and cropped.
    "embedded": f"mprnet bench --size 61x63 {NETWORK} {MODES}",
    "conv3x3": f"mprnet bench --kernel conv3x3 --variant auto {KERNEL}",
    "conv1x1": f"mprnet bench --kernel conv1x1 {KERNEL}",
}
ATTEMPTS = 3
SECONDS = 300
"""For one workload on one device; a driver that hangs is not waited for."""
EXPECTED = (0, 1, 3)
"""Exit codes of the program: it finds its results wrong, of course."""
SLACK = 0.02
"""A share of instructions by which an inner loop may grow."""


class BrokenRunError(Exception):
    """A run that compiled nothing."""


@dataclass(frozen=True)
class Entry:
    """What the budget says of a kernel on a device."""

    simd: int
    registers: int | None
    spills: int
    scratch: int
    occupancy: int | None
    instructions: int
    """Of an iteration of the inner loop, 0 without one that multiplies."""
    products: int
    """Multiply-adds of an iteration, or matrix instructions."""
    fails: tuple[str, ...] = ()
    """Rules."""

    @classmethod
    def of(cls, pipeline: Pipeline, fails: tuple[str, ...]) -> Entry:
        """A pipeline's."""
        s, inner = pipeline.stated, pipeline.inner()
        counts = inner.mix() if inner else {}
        products = counts.get("matrix", 0) or (inner.work() if inner else 0)
        spilled = s.spills + s.fills
        return cls(s.simd, s.registers, spilled, s.scratch, s.occupancy, sum(counts.values()), products, fails)

    @property
    def cost(self) -> float:
        """Instructions for a multiply-add."""
        return self.instructions / self.products if self.products else 0.0

    def compared(self, other: Entry) -> tuple[list[str], list[str]]:
        """In what `other` is worse, and in what it is better."""
        worse: list[str] = []
        better: list[str] = []

        def judge_number(name: str, before: float, after: float, *, more_is_worse: bool, slack: float = 0.0) -> None:
            if abs(after - before) <= slack * abs(before):
                return
            text = f"{name} {before:g} -> {after:g}"
            (worse if (after > before) == more_is_worse else better).append(text)

        judge_number("spills", self.spills, other.spills, more_is_worse=True)
        judge_number("scratch", self.scratch, other.scratch, more_is_worse=True)
        judge_number("occupancy", self.occupancy or 0, other.occupancy or 0, more_is_worse=False)
        judge_number("lanes", self.simd, other.simd, more_is_worse=False)
        before, after = round(self.cost, 3), round(other.cost, 3)
        judge_number("instructions a multiply-add", before, after, more_is_worse=True, slack=SLACK)
        worse += [f"now fails: {rule}" for rule in other.fails if rule not in self.fails]
        better += [f"holds now: {rule}" for rule in self.fails if rule not in other.fails]
        return worse, better


@dataclass
class Budget:
    """Entries by device and by the pipeline's label, for one version of Mesa."""

    mesa: str
    devices: dict[str, dict[str, Entry]]

    @classmethod
    def read(cls, path: Path) -> Budget:
        """From its file."""
        data = json.loads(path.read_text())
        devices = {
            device: {
                label: Entry(**{**kernel, "fails": tuple(kernel.get("fails", ()))}) for label, kernel in kernels.items()
            }
            for device, kernels in data["devices"].items()
        }
        return cls(data["mesa"], devices)

    def write(self, path: Path) -> None:
        """A kernel a line, so that a difference is seen."""
        blocks = []
        for device, kernels in sorted(self.devices.items()):
            lines = []
            for label, entry in sorted(kernels.items()):
                fields = {name: value for name, value in asdict(entry).items() if name != "fails" or value}
                lines.append(f"      {json.dumps(label)}: {json.dumps(fields)}")
            blocks.append(f"    {json.dumps(device)}: {{\n" + ",\n".join(lines) + "\n    }")
        text = f'{{\n  "mesa": {json.dumps(self.mesa)},\n  "devices": {{\n' + ",\n".join(blocks) + "\n  }\n}\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(device: str, workload: str, command: str, out: Path, attempts: int = ATTEMPTS) -> Device:
    """One command on one device; what the layer wrote down. Results are whatever memory held, and a program that ends because
    of them can cut off what is said of a pipeline at that moment: then once more."""
    folder = out / device / workload
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("w") as file:
        try:
            done = subprocess.run(
                ["sh", str(HERE / "run.sh"), "-o", str(folder), device, *command.split()],
                stdout=file, stderr=subprocess.STDOUT, timeout=SECONDS, check=False,
            )  # fmt: skip
            code = str(done.returncode) if done.returncode not in EXPECTED else ""
        except subprocess.TimeoutExpired:
            code = f"none within {SECONDS} s"
    found = read_folder(folder)
    if code or not found.pipelines or found.cut_off:
        if attempts > 1:
            return run(device, workload, command, out, attempts - 1)
        last = (log.read_text(errors="replace").strip().splitlines() or [""])[-1]
        what = f"{len(found.pipelines)} pipelines, {len(found.cut_off)} not written down whole"
        raise BrokenRunError(f"{device} {workload}: exit code {code or 0}, {what}: {last}")
    return found


def entries(runs: list[Device]) -> tuple[dict[str, Entry], dict[str, list[bool]]]:
    """A device's entries, and for every rule which pipelines pass it."""
    kernels: dict[str, Entry] = {}
    rules: dict[str, list[bool]] = {}
    for found in runs:
        verdicts = list(judge(found))
        for pipeline in found.pipelines:
            if pipeline.label in kernels:
                continue
            own = [verdict for verdict in verdicts if verdict.pipeline is pipeline]
            kernels[pipeline.label] = Entry.of(pipeline, tuple(v.rule for v in own if not v.passed))
            for verdict in own:
                rules.setdefault(verdict.rule, []).append(verdict.passed)
    return kernels, rules


def compare(device: str, old: dict[str, Entry], new: dict[str, Entry]) -> int:
    """Prints what changed; how many kernels got worse. Of one that the budget lacks every rule that it fails is told, and
    spilling counts."""
    count = 0
    for label, entry in sorted(new.items()):
        before = old.get(label)
        if before is None:
            spills = CLEAN in entry.fails
            state = f"fails {'; '.join(entry.fails)}" if entry.fails else "holds all rules"
            print(f"{device}  new  {label}  {'worse: ' if spills else ''}{state}")
            count += spills
            continue
        worse, better = before.compared(entry)
        for word, changes in (("WORSE", worse), ("better", better)):
            if changes:
                print(f"{device}  {word}  {label}: {', '.join(changes)}")
        count += bool(worse)
    for label in sorted(old.keys() - new.keys()):
        print(f"{device}  gone  {label}")
    return count


def print_rules(device: str, rules: dict[str, list[bool]]) -> None:
    """A line a rule."""
    for rule, passed in rules.items():
        print(f"{device}  {'pass' if all(passed) else 'FAIL'}  {rule}: {sum(passed)} of {len(passed)} pipelines")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--devices", nargs="+", default=DEVICES)
    parser.add_argument("--kernel-variants", default="", metavar="VARIANTS")
    parser.add_argument("--budget", type=Path, default=BUDGET)
    return parser.parse_args()


def measure(
    devices: Sequence[str], variants: str, lab: Path
) -> tuple[Budget, dict[str, dict[str, list[bool]]], list[str]]:
    """Everything on every device, as many at a time as there are cores; and what could not be run."""
    workloads = dict(WORKLOADS)
    if variants:
        workloads["variants"] = f"mprnet bench --kernel conv3x3 --variant {variants} {KERNEL}"
    out = lab / "out" / "check"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            device: [pool.submit(run, device, name, command, out) for name, command in workloads.items()]
            for device in devices
        }
    # The pool has ended: every run is done or broken.
    budget = Budget((lab / "mesa").read_text().strip(), {})
    rules, broken = {}, []
    for device, futures in runs.items():
        broken += [str(error) for future in futures if (error := future.exception())]
        done = [future.result() for future in futures if not future.exception()]
        budget.devices[device], rules[device] = entries(done)
    return budget, rules, broken


def main() -> int:
    """Measures, prints, and compares or writes."""
    args = arguments()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lab = Path(os.environ.get("MPRNET_ISA") or home / "mprnet-isa")
    new, rules, broken = measure(args.devices, args.kernel_variants, lab)
    for device in new.devices:
        print_rules(device, rules[device])
    for error in broken:
        print(f"error: {error}", file=sys.stderr)
    old = Budget.read(args.budget) if args.budget.exists() else Budget(new.mesa, {})
    if args.update:
        if broken:
            return 3
        if new.mesa == old.mesa:
            # Devices that were left out keep theirs.
            new.devices = {**old.devices, **new.devices}
        new.write(args.budget)
        kernels = sum(map(len, new.devices.values()))
        print(f"{args.budget}: {kernels} kernels on {len(new.devices)} devices, Mesa {new.mesa}")
        return 0
    worse = sum(compare(device, old.devices.get(device, {}), kernels) for device, kernels in new.devices.items())
    if new.mesa != old.mesa:
        print(f"the budget is Mesa {old.mesa}'s, here is {new.mesa}: differences do not count")
        return 3 if broken else 0
    print(f"{worse} kernels got worse than the budget says" if worse else "no kernel got worse than the budget says")
    return 3 if broken else 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
