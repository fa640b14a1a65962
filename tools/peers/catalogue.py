"""The engines that can be compared, each in each of its ways to run."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

F32_TOLERANCE = 1e-4
"""Relative L2; sums in another order and Winograd's transforms stay two orders below."""
F16_TOLERANCE = 2e-2
"""For storage in f16 and for TF32: both keep 11 bits, and errors add up over a network's 250 layers."""
BF16_TOLERANCE = 1.5e-1
"""bf16 keeps 8 bits."""

OURS = "mprnet"


@dataclass(frozen=True)
class Programs:
    """What the workers are run with."""

    python: Path = Path(sys.executable)
    webgpu_python: Path | None = None
    mprnet: Path | None = None
    burn: Path | None = None
    device: str | None = None


@dataclass(frozen=True)
class Peer:
    """One engine in one way to run."""

    name: str
    title: str
    command: Sequence[str | Path]
    """Without the arguments that depend on the workload."""
    model: str = "weights.safetensors"
    """The prepared file that it reads, given for `--model`."""
    prepares: str | None = None
    """What `prepare.py` is to be asked for to get that file."""
    tolerance: float = F32_TOLERANCE
    threads: int | None = None
    """CPU threads of the engine; none for engines that run on a GPU API."""
    vulkan: bool = False
    """Whether it goes through the Vulkan loader, so that another driver can be put under it."""
    workloads: Sequence[str] = ("conv", "cab", "network")

    def arguments(self, workload: str, folder: Path, output: Path) -> list[str]:
        """The whole command line."""
        words = [*self.command, "--workload", workload, "--input", folder / "input.safetensors", "--output", output]
        if workload == "network" or self.prepares:
            words += ["--model", folder / self.model]
        if self.threads:
            words += ["--threads", self.threads]
        return [str(word) for word in words]


def _mprnet(programs: Programs) -> Iterator[Peer]:
    if programs.mprnet is None:
        return
    titles = {"f32": OURS, "f16": f"{OURS}, f16 storage", "exact": f"{OURS}, exact"}
    for precision, title in titles.items():
        command = [programs.mprnet, "bench", "--serve", "--precision", precision]
        if programs.device:
            command += ["--device", programs.device]
        tolerance = F16_TOLERANCE if precision == "f16" else F32_TOLERANCE
        name = OURS if precision == "f32" else f"{OURS}-{precision}"
        yield Peer(name, title, command, tolerance=tolerance, vulkan=True)


def _each_thread_count(name: str, title: str, command: Sequence[str | Path], **fields: object) -> Iterator[Peer]:
    """An engine of the CPU with one thread, and with all."""
    yield Peer(f"{name}-1t", f"{title}, 1 thread", command, threads=1, **fields)
    if THREADS > 1:
        yield Peer(name, f"{title}, {THREADS} threads", command, threads=THREADS, **fields)


LAYOUTS = {
    "eager": ("eager", []),
    "channels-last": ("channels_last", ["--channels-last"]),
    "compile": ("torch.compile", ["--channels-last", "--compile"]),
}


def _torch(programs: Programs) -> Iterator[Peer]:
    command = [programs.python, "-m", "peers.worker_torch"]
    for name, (title, options) in LAYOUTS.items():
        yield from _each_thread_count(f"torch-{name}", f"PyTorch CPU, {title}", [*command, *options])
    low = [*command, "--channels-last", "--precision", "bf16"]
    title = "PyTorch CPU, channels_last, bf16"
    yield from _each_thread_count("torch-bf16", title, low, tolerance=BF16_TOLERANCE)
    for precision in ("f32", "tf32", "f16"):
        for name, (title, options) in LAYOUTS.items():
            on_gpu = [*command, *options, "--device", "cuda", "--precision", precision]
            tolerance = F32_TOLERANCE if precision == "f32" else F16_TOLERANCE
            full_title = f"PyTorch CUDA, {title}, {precision}"
            yield Peer(f"torch-cuda-{precision}-{name}", full_title, on_gpu, tolerance=tolerance)


def _onnx(programs: Programs) -> Iterator[Peer]:
    onnx = {"model": "model.onnx", "prepares": "onnx"}
    command = ["-m", "peers.worker_onnx"]
    yield from _each_thread_count("ort", "ONNX Runtime CPU", [programs.python, *command], **onnx)
    if programs.webgpu_python:
        webgpu = [programs.webgpu_python, *command, "--provider", "webgpu"]
        yield Peer("ort-webgpu", "ONNX Runtime WebGPU", webgpu, vulkan=True, **onnx)


def _ncnn(programs: Programs) -> Iterator[Peer]:
    ncnn = {"model": "model.ncnn", "prepares": "ncnn"}
    command = [programs.python, "-m", "peers.worker_ncnn"]
    yield from _each_thread_count("ncnn", "ncnn CPU", command, **ncnn)
    low = {"tolerance": BF16_TOLERANCE} | ncnn
    yield from _each_thread_count("ncnn-bf16", "ncnn CPU, bf16", [*command, "--precision", "bf16"], **low)
    yield Peer("ncnn-vulkan", "ncnn Vulkan", [*command, "--vulkan"], vulkan=True, **ncnn)
    half = {"tolerance": F16_TOLERANCE} | ncnn
    vulkan = [*command, "--vulkan", "--precision", "f16"]
    yield Peer("ncnn-vulkan-f16", "ncnn Vulkan, f16 storage", vulkan, vulkan=True, **half)


def _burn(programs: Programs) -> Iterator[Peer]:
    if programs.burn:
        yield Peer("burn", "burn wgpu", [programs.burn], vulkan=True, workloads=("conv", "cab"))


def peers(programs: Programs, wanted: Sequence[str], unwanted: Sequence[str]) -> list[Peer]:
    """All engines whose names match a pattern of `wanted` and none of `unwanted`."""

    def match(name: str, patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    every = [peer for group in (_mprnet, _torch, _onnx, _ncnn, _burn) for peer in group(programs)]
    for pattern in wanted:
        if not any(match(peer.name, [pattern]) for peer in every):
            names = ", ".join(peer.name for peer in every)
            raise SystemExit(f"--peers {pattern}: no such engine among {names}")
    return [peer for peer in every if match(peer.name, wanted) and not match(peer.name, unwanted)]
