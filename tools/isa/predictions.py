"""Predictions as tables for people, and as the file that `mprnet bench --predicted` takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assembly import Device, read_folder
from nvidia import by_ptxas
from predict import Card, Prediction, lane_sums, predict
from works import Work, kernels, network

PTXAS = {"RTX 3090": "sm_86", "RTX 4090": "sm_89", "H100": "sm_90"}
"""NVIDIA's cards, by the names of their instruction sets."""
SHOWN_BOUNDS = 3
"""Of an operator: the longest times."""


@dataclass(frozen=True)
class Run:
    """A run of `bench`, by the names of its columns, and what is predicted for its parts."""

    of: Mapping[str, str | int]
    """`model` or `kernel` and `channels`; `size`, `precision`, `variant`."""
    parts: Sequence[Prediction]

    @property
    def seconds(self) -> float:
        """All parts one after the other."""
        return sum(part.seconds for part in self.parts)

    @property
    def title(self) -> str:
        """What it is, in words."""
        return " ".join(str(value) for value in self.of.values())

    def share(self, card: Card) -> float:
        """Multiply-adds as they are defined, of what the card's units could do in the time: of its matrix units where these
        are used, for the parts that use them. Winograd may pass 100%."""
        possible = sum(part.seconds * peak(part, card) for part in self.parts)
        return sum(part.work.defined for part in self.parts) / possible if possible else 0.0


def told_by(path: Path) -> Any:
    """What mprnet wrote as JSON."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"cannot read {path}: {error}") from error


def runs(args: argparse.Namespace, card: Card) -> list[Run]:
    """Of the folder that the arguments of `predict.py` name: a network, or the variants of a convolution."""
    device = read_folder(args.folder)
    if args.ptxas:
        if card.name not in PTXAS:
            raise SystemExit(f"--ptxas is for NVIDIA's cards: {', '.join(PTXAS)}")
        device.pipelines, kept = by_ptxas(args.folder, device.pipelines, PTXAS[card.name])
        print(*(f"by NVK, not by ptxas: {line}" for line in kept), sep="\n")
    if args.profile:
        told = told_by(args.profile)
        of = {"model": args.config or told["model"], "size": f"{told['width']}x{told['height']}"}
        of |= {"precision": told["precision"], "variant": "auto"}
        return [Run(of, [predict(work, card) for work in with_sums(network(told, device))])]
    if not args.kernels:
        raise SystemExit("--profile of a network or --kernels of a convolution is needed")
    rows = told_by(args.kernels)
    found = of_kernels(rows, device, card)
    if not found:
        raise SystemExit(f"{args.folder} and {args.kernels} have no variant in common")
    return found


def of_kernels(rows: Sequence[Mapping[str, object]], device: Device, card: Card) -> list[Run]:
    """Of what `bench --kernel ... --rounds 0 --format json` tells."""
    named = {str(row["variant"]): row for row in rows}
    found = []
    for variant, works in kernels(rows, device):
        of = {name: named[variant][name] for name in ("kernel", "channels", "size", "precision", "variant")}
        found.append(Run(of, [predict(work, card) for work in works]))
    return found


def with_sums(works: list[Work]) -> list[Work]:
    """Operators with few outputs do not tell how many sums their kernel's lanes have; others of the same kernel do."""
    most: dict[tuple[str, int], int] = {}

    def key(work: Work) -> tuple[str, int]:
        inner = work.pipeline.inner()
        return (work.pipeline.kernel, inner.work() if inner else 0)

    summing = [work for work in works if work.inputs and not work.transformed and key(work)[1]]
    for work in summing:
        most[key(work)] = max(most.get(key(work), 0), lane_sums(work))
    for work in summing:
        work.sums = most[key(work)]
    return works


def peak(part: Prediction, card: Card) -> float:
    """Multiply-adds a second of the units that a part's products run on."""
    inner = part.work.pipeline.inner()
    return card.matrix_peak if inner and inner.matrix_work() and card.matrix_peak else card.peak


def table(run: Run, card: Card, most: int | None = None) -> str:
    """The parts, the longest first where only some are shown, and the sum."""
    parts = sorted(run.parts, key=lambda part: -part.seconds)[:most] if most else run.parts
    rows = [f"{run.title}: predicted for {card.name}, {milliseconds(run.seconds)}, {run.share(card):.0%} of the peak"]
    for part in parts:
        defined = part.work.defined / part.seconds / peak(part, card)
        share = f"{defined:4.0%}" if part.work.defined else "    "
        longest = sorted(part.bounds.items(), key=lambda bound: -bound[1])[:SHOWN_BOUNDS]
        why = ", ".join(f"{name} {milliseconds(seconds)}" for name, seconds in longest)
        name = f"{part.work.name[:44]:<44} {part.work.pipeline.kernel[:26]:<26}"
        rows.append(f"  {name} {milliseconds(part.seconds):>10} {share}  {why}")
    if len(parts) < len(run.parts):
        rows.append(f"  and {len(run.parts) - len(parts)} shorter ones")
    return "\n".join(rows)


def kinds(run: Run) -> str:
    """The sum over a network's operators by kernel."""
    sums: dict[str, list[float]] = {}
    for part in run.parts:
        own = sums.setdefault(part.work.pipeline.short, [0, 0.0])
        own[0] += 1
        own[1] += part.seconds
    longest = sorted(sums.items(), key=lambda item: -item[1][1])
    lines = []
    for name, (count, seconds) in longest:
        lines.append(f"  {name:<56} {int(count):>4} {milliseconds(seconds):>10} {seconds / run.seconds:5.0%}")
    return "\n".join(lines)


def milliseconds(seconds: float) -> str:
    """To three digits or more."""
    value = seconds * 1e3
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def write(path: Path, card: Card, runs: Iterable[Run]) -> None:
    """Adds to a file, in the place of what it said of the same runs."""
    told = json.loads(path.read_text()) if path.exists() else {"predictions": []}
    new = [{"adapter": card.name, **run.of, "seconds": run.seconds} for run in runs]

    def key(entry: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
        return tuple(sorted((name, value) for name, value in entry.items() if name != "seconds"))

    replaced = {key(entry) for entry in new}
    kept = [entry for entry in told["predictions"] if key(entry) not in replaced]
    told["made_by"] = "tools/isa/predict.py: predicted, not measured"
    told["predictions"] = kept + new
    path.write_text(json.dumps(told, indent=1) + "\n")
