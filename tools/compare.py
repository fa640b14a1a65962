"""Times this project against other engines, on one machine in one run.

Workloads are conv:CHANNELS:WIDTHxHEIGHT (a 3x3 convolution with bias), cab:CHANNELS:WIDTHxHEIGHT (a channel attention
block) and CONFIG:WIDTHxHEIGHT (a network: derain, denoise or deblur), all with seeded weights and input. Every engine
is a warm process of its own, and the engines take turns in every round. An engine whose output is not PyTorch's is not
listed: relative L2, of a network's residual, at most what `peers/catalogue.py` says for its precision.

    compare.py conv:80:256x256 derain:128x128 --mprnet target/release/mprnet --markdown speed.md --json speed.json
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from peers import catalogue, report
from peers.catalogue import Peer, Programs
from peers.process import Failed, Worker, environment, last_line, vulkan_driver
from peers.report import Comparison, Result

SETTLE = 0.1
"""Seconds between turns: OpenMP's threads spin for a while after their work."""
CONFIGS = ("derain", "denoise", "deblur")


@dataclass(frozen=True)
class Workload:
    """What is computed, and on what size."""

    kind: str
    channels: int
    size: str

    @classmethod
    def parse(cls, text: str) -> Workload:
        """`conv:80:256x256`, `cab:80:256x256` or `derain:128x128`."""
        found = re.fullmatch(rf"(?:(conv|cab):([1-9]\d*)|({'|'.join(CONFIGS)})):([1-9]\d*x[1-9]\d*)", text)
        if not found:
            raise argparse.ArgumentTypeError(f"{text!r} is not like conv:80:256x256, cab:80:256x256 or derain:128x128")
        return cls(found[1] or found[3], int(found[2] or 0), found[4])

    @property
    def worker_kind(self) -> str:
        """The name of the workload in the workers' arguments."""
        return "network" if self.kind in CONFIGS else self.kind

    @property
    def title(self) -> str:
        """For people."""
        titles = {"conv": "3x3 convolution, {0} -> {0} channels", "cab": "channel attention block, {0} channels"}
        return f"{titles.get(self.kind, self.kind).format(self.channels)}, {self.size}"


class Prepared:
    """A workload's folder of inputs and models, each written when first asked for."""

    def __init__(self, workload: Workload, folder: Path, programs: Programs) -> None:
        self.workload, self.folder, self.programs = workload, folder, programs
        self.failures: dict[str, str | None] = {}
        channels = ["--channels", workload.channels] if workload.channels else []
        failure = self._prepare("reference", workload.kind, workload.size, *channels)
        if failure:
            sys.exit(f"{workload.title}: the reference cannot be computed: {failure}")
        self.x = load_file(folder / "input.safetensors")["x"]
        self.reference = load_file(folder / "reference.safetensors")["y"]

    def _prepare(self, what: str, *more: object) -> str | None:
        """Why it failed, or nothing."""
        log = self.folder / f"prepare-{what}.log"
        command = [self.programs.python, "-m", "peers.prepare", what, self.folder, *more]
        with log.open("wb") as output:
            streams = {"stdout": output, "stderr": subprocess.STDOUT}
            done = subprocess.run(list(map(str, command)), env=environment(None, None), check=False, **streams)
        return last_line(log) if done.returncode else None

    def model_for(self, peer: Peer) -> None:
        """Makes the files that an engine reads."""
        if peer.prepares is None:
            return
        if peer.prepares not in self.failures:
            self.failures[peer.prepares] = self._prepare(peer.prepares)
        if failure := self.failures[peer.prepares]:
            raise Failed(f"the model cannot be written for it: {failure}")

    def errors(self, output: Path) -> tuple[float, float]:
        """Relative L2 error, of a network's residual, and the largest absolute error."""
        actual, expected = load_file(output)["y"].astype(np.float64), self.reference.astype(np.float64)
        if actual.shape != expected.shape:
            raise Failed(f"its output is {actual.shape}, expected {expected.shape}")
        scale = expected - self.x if self.workload.worker_kind == "network" else expected
        difference = actual - expected
        return float(np.linalg.norm(difference) / np.linalg.norm(scale)), float(np.abs(difference).max())


def start(peer: Peer, prepared: Prepared, args: argparse.Namespace, stack: ExitStack) -> tuple[Worker, Result]:
    """A warm engine whose output is right; otherwise `Failed` says why not."""
    if prepared.workload.worker_kind not in peer.workloads:
        raise Failed(f"measured on {' and '.join(peer.workloads)} only")
    prepared.model_for(peer)
    output = prepared.folder / f"{peer.name}.safetensors"
    command = peer.arguments(prepared.workload.worker_kind, prepared.folder, output)
    env = environment(args.driver_folder if peer.vulkan else None, peer.threads)
    worker = stack.enter_context(Worker(command, env, prepared.folder / f"{peer.name}.log"))
    try:
        info = worker.answer(args.start_timeout)
        relative_l2, max_abs = prepared.errors(output)
        if not relative_l2 <= peer.tolerance:
            raise Failed(f"its output is wrong: relative L2 {relative_l2:.1e}, more than {peer.tolerance:.0e}")
    except Failed:
        # It must not go on computing while the others are timed.
        worker.close()
        raise
    described = (str(info.get(key) or "") for key in ("version", "adapter", "driver"))
    return worker, Result(peer.name, peer.title, *described, relative_l2, max_abs)


def turn(worker: Worker, result: Result, args: argparse.Namespace) -> None:
    """One engine's turn: the median of its inferences."""
    time.sleep(SETTLE)
    answers = [worker.run(args.run_timeout) for _ in range(args.runs_per_turn)]
    for clock, samples in result.samples.items():
        values = [answer[clock] for answer in answers if answer.get(clock) is not None]
        if values:
            samples.append(float(np.median(values)))


class Measurement:
    """The engines of one workload: those that run, and why others do not."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.running: list[tuple[Worker, Result]] = []
        self.missing: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Progress, apart from the report."""
        print(f"{self.workload.title}: {text}", file=sys.stderr)

    def drop(self, title: str, reason: Failed) -> None:
        """Notes why an engine is not listed."""
        self.missing[title] = str(reason)
        self.say(f"{title}: {reason}")

    def warm_up(self, peers: Sequence[Peer], prepared: Prepared, args: argparse.Namespace, stack: ExitStack) -> None:
        """Starts the engines, one after another."""
        for peer in peers:
            begin = time.monotonic()
            try:
                worker, result = start(peer, prepared, args, stack)
            except Failed as reason:
                self.drop(peer.title, reason)
                continue
            self.running.append((worker, result))
            errors = f"relative L2 {result.relative_l2:.1e}, max abs {result.max_abs:.1e}"
            self.say(f"{peer.title}: warm after {time.monotonic() - begin:.0f} s, {errors}")

    def round(self, number: int, args: argparse.Namespace) -> None:
        """A turn of every engine."""
        # Another engine begins each time.
        shift = number % max(1, len(self.running))
        for worker, result in self.running[shift:] + self.running[:shift]:
            try:
                turn(worker, result, args)
            except Failed as reason:
                worker.close()
                self.running.remove((worker, result))
                self.drop(result.title, reason)
        self.say(f"round {number + 1} of {args.rounds}")


def measure(workload: Workload, peers: Sequence[Peer], args: argparse.Namespace, folder: Path) -> Comparison:
    """All rounds of one workload."""
    prepared = Prepared(workload, folder, args.programs)
    measurement = Measurement(workload)
    with ExitStack() as stack:
        measurement.warm_up(peers, prepared, args, stack)
        for number in range(args.rounds):
            measurement.round(number, args)
        for worker, result in measurement.running:
            result.peak_bytes = worker.peak_memory()
    results = [result for _, result in measurement.running]
    return Comparison(workload.title, args.rounds, results, measurement.missing)


def machine(driver_folder: Path | None) -> dict[str, str]:
    """What the figures depend on."""
    cpu = platform.processor() or platform.machine()
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        cpu = found[1] if found else cpu
    except OSError:
        pass
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    cpu = f"{cpu} ({catalogue.THREADS} logical CPUs)"
    return {"date": today, "cpu": cpu, "system": platform.system(), "vulkan": vulkan_driver(driver_folder)}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", type=Workload.parse, metavar="WORKLOAD")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every engine (%(default)s)")
    parser.add_argument("--runs-per-turn", type=int, default=1, help="inferences of a turn, whose median counts")
    parser.add_argument("--peers", nargs="+", default=["*"], metavar="PATTERN", help="engines to measure, by name")
    parser.add_argument("--without", nargs="+", default=[], metavar="PATTERN", help="engines to leave out")
    parser.add_argument("--mprnet", type=Path, help="this project's program")
    parser.add_argument("--device", help="--device of this project's program")
    parser.add_argument("--burn", type=Path, help="the program of peers/burn")
    parser.add_argument("--webgpu-python", type=Path, help="a Python that has onnxruntime-webgpu")
    parser.add_argument(
        "--driver-folder", type=Path, help="Vulkan drivers to use, as peers/mesa_folder.sh unpacks them"
    )
    parser.add_argument("--baseline", help="the engine of the ratios (mprnet if given, otherwise torch-eager-1t)")
    parser.add_argument("--start-timeout", type=float, default=900, help="seconds until an engine is warm")
    parser.add_argument("--run-timeout", type=float, default=600, help="seconds for one inference")
    parser.add_argument("--markdown", type=Path, help="report to write")
    parser.add_argument("--json", type=Path, help="report to write, with every sample")
    args = parser.parse_args()
    if min(args.rounds, args.runs_per_turn) < 1:
        parser.error("--rounds and --runs-per-turn are at least 1")
    executables = {"webgpu_python": args.webgpu_python, "mprnet": args.mprnet, "burn": args.burn}
    for option, program in executables.items():
        if program and not program.is_file():
            parser.error(f"--{option.replace('_', '-')} {program}: no such file")
    # Not resolved: a virtual environment's python is a link.
    found = {name: program.absolute() for name, program in executables.items() if program}
    args.programs = Programs(device=args.device, **found)
    args.baseline = args.baseline or (catalogue.OURS if args.mprnet else "torch-eager-1t")
    return args


def main() -> None:
    args = parse_arguments()
    peers = catalogue.peers(args.programs, args.peers, args.without)
    comparisons = []
    for workload in args.workloads:
        with tempfile.TemporaryDirectory(prefix="compare-") as folder:
            comparisons.append(measure(workload, peers, args, Path(folder)))
    described = machine(args.driver_folder)
    text = report.markdown(comparisons, described, args.baseline)
    print(text)
    if args.markdown:
        args.markdown.write_text(text)
    if args.json:
        args.json.write_text(json.dumps(report.as_json(comparisons, described), indent=1) + "\n")
    sys.exit(0 if all(comparison.results for comparison in comparisons) else 1)


if __name__ == "__main__":
    main()
