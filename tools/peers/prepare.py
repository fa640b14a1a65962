"""Writes what the workers of one workload read, into a folder.

    prepare.py reference FOLDER conv|cab|CONFIG WIDTHxHEIGHT [--channels C]
    prepare.py onnx|ncnn FOLDER

`reference` writes `input.safetensors` (seeded), for a network `weights.safetensors`, and `reference.safetensors`, what
PyTorch makes of them in f32; `onnx` and `ncnn` then write the same model in that format.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

import mprnet_torch
import seeded_weights
from peers import torch_models

SEED = 2
OPSET = 17


def workload_tensors(kind: str, channels: int, width: int, height: int) -> dict[str, np.ndarray]:
    """The input `x`, (1, C, H, W), and for conv and cab the weights."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    if kind not in ("conv", "cab"):
        return {"x": generator.random((1, 3, height, width), np.float32)}
    tensors = {"x": generator.standard_normal((1, channels, height, width), np.float32)}
    if kind == "conv":
        shapes = {"weight": [channels, channels, 3, 3], "bias": [channels]}
        return tensors | seeded_weights.weights(shapes, SEED)
    block = mprnet_torch.CAB(channels, mprnet_torch.PUBLISHED["derain"])
    # A block's place in a network is part of the keys that weights are drawn by.
    shapes = {f"block.{key}": list(value.shape) for key, value in block.state_dict().items()}
    drawn = seeded_weights.weights(shapes, SEED)
    return tensors | {key.removeprefix("block."): value for key, value in drawn.items()}


def write_reference(folder: Path, kind: str, channels: int, width: int, height: int) -> None:
    """The input, the weights, and what PyTorch computes in f32 on the CPU."""
    save_file(workload_tensors(kind, channels, width, height), folder / "input.safetensors")
    if kind in mprnet_torch.PUBLISHED:
        shapes = mprnet_torch.PUBLISHED[kind].shapes()
        save_file(seeded_weights.weights(shapes, SEED), folder / "weights.safetensors")
    workload = kind if kind in ("conv", "cab") else "network"
    (folder / "workload.json").write_text(json.dumps({"workload": workload}))
    module, x = load(folder, batchless=False)
    with torch.inference_mode():
        save_file({"y": module(x).numpy()}, folder / "reference.safetensors")


def load(folder: Path, batchless: bool) -> tuple[torch.nn.Module, torch.Tensor]:
    """The module and the input that `reference` wrote."""
    workload = json.loads((folder / "workload.json").read_text())["workload"]
    module = torch_models.build(workload, folder / "input.safetensors", folder / "weights.safetensors", batchless)
    return module, torch.from_numpy(load_file(folder / "input.safetensors")["x"])


def write_onnx(folder: Path) -> None:
    """`model.onnx`."""
    module, x = load(folder, batchless=False)
    module = torch_models.with_leaky_relu(module)
    names = {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(module, (x,), folder / "model.onnx", opset_version=OPSET, dynamo=False, **names)


def write_ncnn(folder: Path) -> None:
    """`model.ncnn.param` and `model.ncnn.bin`, in f32."""
    import pnnx

    module, x = load(folder, batchless=True)
    # pnnx leaves PReLU of one slope as it is, which ncnn does not know.
    module = torch_models.with_leaky_relu(module)
    os.chdir(folder)
    with torch.no_grad():
        pnnx.export(module, "model.pt", (x,), fp16=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("reference", "onnx", "ncnn"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", nargs="?", help="conv, cab or a published configuration")
    parser.add_argument("size", nargs="?", help="WIDTHxHEIGHT")
    parser.add_argument("--channels", type=int, default=80)
    args = parser.parse_args()
    if args.what == "reference":
        width, height = (int(side) for side in args.size.split("x"))
        write_reference(args.folder, args.kind, args.channels, width, height)
    else:
        {"onnx": write_onnx, "ncnn": write_ncnn}[args.what](args.folder)


if __name__ == "__main__":
    main()
