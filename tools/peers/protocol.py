"""The worker's side of the protocol that `compare.py` speaks with every engine.

One JSON object per line. A worker warms up, writes the output of its last warm-up run (tensor `y`), says

    {"ready": true, "version": ..., "adapter": ..., "driver": ...}     or     {"error": "why it is not available"}

and then answers each {"cmd": "run"} with {"wall": s, "cpu": s, "gpu": s or null} of one inference, until its standard
input ends. Wall and CPU seconds (all threads of the process) go from the input in host memory to the output in host
memory; `gpu` is what the device's own clock says of the inference between the two transfers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np
from safetensors.numpy import load_file, save_file

WARM_UPS = 2
"""Runs before the first timed one: the first compiles, chooses algorithms and allocates."""

Run = Callable[[], np.ndarray]
"""One inference, from host memory to host memory; gives (1, C, H, W) or (C, H, W)."""


class Unavailable(Exception):
    """This engine cannot run here; the message says why."""


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The arguments that all workers take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--workload", choices=("conv", "cab", "network"), required=True)
    parser.add_argument("--input", type=Path, required=True, help="tensor x, for conv and cab their weights too")
    parser.add_argument("--output", type=Path, required=True, help="where to write tensor y")
    parser.add_argument("--model", type=Path, help="the model in the format of the engine")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    return parser


def read_input(path: Path) -> np.ndarray:
    """The input, (1, C, H, W)."""
    return load_file(path)["x"]


def private_stdout() -> TextIO:
    """The pipe to the driver; what libraries print on standard output goes to standard error from here on."""
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return pipe


def main(prepare: Callable[[], tuple[Run, dict[str, object]]], output: Path, gpu: Callable[[], float] | None) -> None:
    """Prepares an engine and serves until the driver has enough; `gpu` gives device seconds of the last run."""
    pipe = private_stdout()

    def say(message: dict[str, object]) -> None:
        print(json.dumps(message), file=pipe)

    try:
        run, info = prepare()
        for _ in range(WARM_UPS):
            y = run()
    except Unavailable as reason:
        _fail(say, str(reason))
    except Exception as error:  # noqa: BLE001 - whatever a foreign engine raises is the reason why it has no row
        _fail(say, f"{type(error).__name__}: {error}".splitlines()[0])
    save_file({"y": np.ascontiguousarray(y, np.float32).reshape(1, *y.shape[-3:])}, output)
    say({"ready": True} | info)
    for line in sys.stdin:
        if json.loads(line).get("cmd") != "run":
            _fail(say, f"unknown request {line.strip()}")
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        say({"wall": wall, "cpu": cpu, "gpu": gpu() if gpu else None})


def _fail(say: Callable[[dict[str, object]], None], reason: str) -> NoReturn:
    say({"error": reason})
    # Engines have threads that wait for ever; nothing is left to clean up.
    os._exit(1)
