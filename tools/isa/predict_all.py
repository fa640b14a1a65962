#!/usr/bin/env python3
"""Predictions for cards of the table: whole networks, the variants of a 3x3 convolution, and ncnn's, f32 and f16.

    predict_all.py [-o FOLDER] [--size 1280x720] [--jobs networks,kernels,ncnn] [CARD...]       all cards without a name

Compiles everything in the laboratory (setup.sh), on NVIDIA's cards by NVIDIA's compiler too (setup_nvidia.sh), writes
predicted.json for `mprnet bench --predicted`, and prints tables in Markdown. Nothing is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import ncnn
import predictions
from assembly import Device, read_folder
from nvidia import by_ptxas
from predict import CARDS, Card, predict
from predictions import PTXAS, SHOWN_BOUNDS, Run
from trips import Shape
from works import network

HERE = Path(__file__).resolve().parent
NETWORKS = ("derain", "denoise", "deblur")
CHANNELS = (80, 128)
PRECISIONS = ("f32", "f16")
HEAD = "| what | precision | variant | ms | of the peak | bound by |\n|---|---|---|---|---|---|"
JOBS = ("networks", "kernels", "ncnn")


def program(device: str, folder: Path, *arguments: str) -> str:
    """Runs mprnet in the laboratory; what it prints."""
    command = ["sh", HERE / "run.sh", "-o", folder, device, "mprnet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"mprnet {arguments[0]} fails on {device}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}"
        )
    return done.stdout


def compiled(folder: Path, card: Card) -> Device:
    """The pipelines of a run; by ptxas where the card is NVIDIA's."""
    device = read_folder(folder)
    if card.name in PTXAS:
        device.pipelines, _ = by_ptxas(folder, device.pipelines, PTXAS[card.name])
    return device


def networks(card: Card, size: str, precision: str, folder: Path) -> Iterator[Run]:
    """The published configurations, as the rule has them computed."""
    for config in NETWORKS:
        own = folder / f"{card.device}_{config}_{precision}"
        arguments = ("profile", "-q", "--config", config, "--size", size, "--precision", precision, "--runs", "0")
        told = json.loads(program(card.device, own, *arguments, "--tune", "off", "--format", "json"))
        works = predictions.with_sums(network(told, compiled(own, card)))
        of = {"model": config, "size": f"{told['width']}x{told['height']}", "precision": precision, "variant": "auto"}
        yield Run(of, [predict(work, card) for work in works])


def convolutions(card: Card, size: str, precision: str, folder: Path) -> Iterator[Run]:
    """The 3x3 convolution as the rule has it computed, `auto`, and by every variant."""
    for channels in CHANNELS:
        own = folder / f"{card.device}_{channels}_{precision}"
        arguments = ("bench", "-q", "--kernel", "conv3x3", "--variant", "auto,all", "--precision", precision)
        arguments += ("--rounds", "0", "--channels", str(channels), "--size", size, "--format", "json")
        told = json.loads(program(card.device, own, *arguments))
        yield from predictions.of_kernels(told, compiled(own, card), card)


def others(card: Card, size: str, precision: str, folder: Path) -> Iterator[Run]:
    """ncnn's convolutions; of NVIDIA's cards by NVK, whose pipelines are no WGSL's."""
    for channels in CHANNELS:
        own, shape = folder / f"{card.device}_ncnn_{channels}_{precision}", Shape.parse(channels, size)
        ncnn.run(card.device, shape, precision, own)
        of = {"kernel": "conv3x3", "channels": channels, "size": size, "precision": precision, "variant": "ncnn"}
        yield Run(of, [predict(work, card) for work in ncnn.works(own, shape, precision)])


def row(run: Run, card: Card) -> str:
    """Of the table in Markdown."""
    longest: dict[str, float] = {}
    for part in run.parts:
        longest[part.bound] = longest.get(part.bound, 0.0) + part.seconds
    first = sorted(longest.items(), key=lambda bound: -bound[1])[:SHOWN_BOUNDS]
    bounds = ", ".join(f"{name} {seconds / run.seconds:.0%}" for name, seconds in first)
    what = run.of.get("model") or f"{run.of['kernel']} {run.of['channels']}"
    cells = (what, run.of["precision"], run.of["variant"], f"{run.seconds * 1e3:.3g}", f"{run.share(card):.0%}", bounds)
    return "| " + " | ".join(map(str, cells)) + " |"


def versus(runs: Sequence[Run]) -> Iterator[str]:
    """For each convolution what the rule chooses, the best variant and ncnn."""
    for channels in CHANNELS:
        own = {str(run.of["variant"]): run.seconds for run in runs if run.of.get("channels") == channels}
        other = own.pop("ncnn", None)
        if other is None or "auto" not in own:
            continue
        chosen = own.pop("auto")
        best = min(own, key=lambda variant: own[variant])
        parts = [f"the rule's {chosen * 1e3:.3g} ms ({chosen / other:.2f} of ncnn's)"]
        parts.append(f"best {best} {own[best] * 1e3:.3g} ms ({own[best] / other:.2f})")
        yield f"conv3x3 {channels} {runs[0].of['precision']}: {', '.join(parts)}, ncnn {other * 1e3:.3g} ms"


def main() -> None:
    """See the file's head."""
    parser = argparse.ArgumentParser(description="Predicts what cards take; nothing is measured.")
    parser.add_argument("cards", nargs="*", metavar="CARD", help=", ".join(card.name for card in CARDS))
    parser.add_argument("-o", dest="folder", type=Path, default=Path("predicted"))
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--jobs", default=",".join(JOBS))
    args = parser.parse_args()
    jobs = args.jobs.split(",")
    if unknown := set(jobs) - set(JOBS):
        raise SystemExit(f"there is no job {unknown.pop()!r}; there are: {', '.join(JOBS)}")
    names = {card.name.lower(): card for card in CARDS}
    if unknown := [name for name in args.cards if name.lower() not in names]:
        raise SystemExit(f"no card is called {unknown[0]!r}; there are: {', '.join(card.name for card in CARDS)}")
    args.folder.mkdir(parents=True, exist_ok=True)
    for card in [names[name.lower()] for name in args.cards] or CARDS:
        print(f"\n### {card.name}, predicted, {args.size}\n\n{HEAD}")
        compared: list[str] = []
        for precision in PRECISIONS:
            runs: list[Run] = []
            if "networks" in jobs:
                runs += networks(card, args.size, precision, args.folder)
            if "kernels" in jobs:
                runs += convolutions(card, args.size, precision, args.folder)
            predictions.write(args.folder / "predicted.json", card, runs)
            if "ncnn" in jobs and card.name != "H100":
                runs += others(card, args.size, precision, args.folder)
            compared += versus(runs)
            for run in runs:
                print(row(run, card))
            sys.stdout.flush()
        print("", *compared, sep="\n")


if __name__ == "__main__":
    main()
