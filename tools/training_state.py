"""What a training keeps in its folder: the state that it goes on from, and what its weights say of themselves."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from judging import TASKS
from training_data import photo_files

FREE = {
    *("out", "device", "workers", "threads", "compile", "trained_on", "license"),
    *("log_steps", "checkpoint_minutes", "validate_minutes", "val", "val_crops", "val_size", "val_sigma"),
}
"""Arguments that may differ when a training goes on: nothing that is learnt depends on them."""
STEPS = "mprnet.training_steps"
"""Metadata: the steps of this training and of those before it, as far as the files say that it began with."""
MEAN = "mprnet.mean"
"""Metadata: what a file is the mean of."""


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file under another name and renames it, so that no reader sees half of it."""
    temporary = path.with_name(path.name + ".tmp")
    write(temporary)
    os.replace(temporary, path)


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself."""
    with safe_open(path, "pt") as file:
        return file.metadata() or {}


def steps_before(path: Path | None) -> int:
    """The steps that weights were trained for, as far as their file says."""
    said = metadata(path).get(STEPS, "") if path and path.is_file() else ""
    return int(said) if said.isdecimal() else 0


def arguments(args: argparse.Namespace) -> dict[str, Any]:
    """What a training depends on, as the state holds it; folders by the names of their files, wherever they are."""

    def plain(value: Any) -> Any:
        if isinstance(value, Path):
            return [file.name for file in photo_files(value)] if value.is_dir() else str(value)
        if isinstance(value, list):
            return ",".join(map(str, value))
        return value

    # The configuration and the task have been in the state for longer, by themselves.
    return {key: plain(value) for key, value in vars(args).items() if key not in FREE | {"config", "task"}}


def differences(begun: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """The options in which a training differs from how it was begun, as they were then."""
    for key in begun.keys() & now.keys():
        before = begun[key]
        if before == now[key]:
            continue
        option = f"--{key.replace('_', '-')}"
        if isinstance(before, list):
            yield f"other files in {option}"
        else:
            yield f"no {option}" if before is None else f"{option} {before}"


def saved_state(path: Path, args: argparse.Namespace, now: dict[str, Any]) -> dict[str, Any]:
    """The state in a file, unless another training than that of the `arguments` left it there."""
    state = torch.load(path, weights_only=True, map_location=args.device)
    # States of the first denoisers name no task.
    task = state.get("task", "denoise")
    if task != args.task:
        raise SystemExit(f"{path} is of another task: {task}")
    if state["config"] != vars(args.config):
        raise SystemExit(f"{path} is of another configuration: {state['config']}")
    if "arguments" not in state:
        print(f"{path} does not say how it was begun: only its task and configuration have been compared", flush=True)
    elif begun := ", ".join(sorted(differences(state["arguments"], now))):
        raise SystemExit(f"{path} was begun with {begun}, not as this command says: what is new needs another --out")
    return state


def description(args: argparse.Namespace, removes: str, steps: int, size: int) -> dict[str, str]:
    """What weights say of themselves after so many steps in all, the last of them with crops of that size."""
    sizes = args.config
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "mprnet",
        "modelspec.implementation": "mprnet",
        "modelspec.title": f"MPRNet {args.task} {sizes.n}/{sizes.s}/{sizes.o}/{sizes.num_cab}",
        "modelspec.description": f"Removes {removes} from sRGB photographs; {args.trained_on}.",
        "modelspec.license": args.license,
        "modelspec.tags": f"image-restoration, {args.task}",
        # What is for all tasks is for none of the program's.
        **({"mprnet.task": args.task} if args.task in TASKS else {}),
        "mprnet.config": sizes.description,
        "mprnet.training_data": args.trained_on,
        STEPS: str(steps),
        "mprnet.train_size": str(size),
    }
