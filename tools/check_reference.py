"""Compares our PyTorch reference with golden tensors of the original network.

The folder holds WEIGHTS.safetensors and WEIGHTS_HxW.safetensors pairs; derain_64x96 goes with seeded weights.
Judged on the residual `stage3 - input`, because a network that returned its input would look nearly right on
`stage3` alone, and on every named feature, by relative L2 error.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

import mprnet_torch
import seeded_weights
from local_mode import localize
from mprnet_torch import MPRNet

DERAIN_SEED = 2


def relative_l2(actual: Tensor, expected: Tensor) -> float:
    """||actual - expected|| / ||expected||, in double precision; infinite where the shapes differ."""
    if actual.shape != expected.shape:
        return float("inf")
    actual, expected = actual.double(), expected.double()
    return float((actual - expected).norm() / expected.norm())


def network_for(golden: Path) -> MPRNet:
    """The network whose tensors a golden file holds."""
    name = re.sub(r"_\d+x\d+$", "", golden.stem).removeprefix("sample_")
    local = re.fullmatch(r"(.*)_local(\d+)", name)
    if local:
        return localize(mprnet_torch.load(golden.with_name(f"{local[1]}.safetensors")), int(local[2]))
    if name in mprnet_torch.PUBLISHED:
        drawn = seeded_weights.weights(mprnet_torch.PUBLISHED[name].shapes(), DERAIN_SEED)
        return mprnet_torch.from_weights({key: torch.from_numpy(value) for key, value in drawn.items()})
    return mprnet_torch.load(golden.with_name(f"{name}.safetensors"))


@torch.inference_mode()
def errors(network: MPRNet, golden: dict[str, Tensor]) -> dict[str, float]:
    """Relative L2 error of the residual and of every tensor in a golden file."""
    image = golden.pop("input")
    ours = network.features(image)
    unknown = golden.keys() - ours.keys()
    if unknown:
        sys.exit(f"the reference does not compute {', '.join(sorted(unknown))}")
    found = {"stage3 - input": relative_l2(ours["stage3"] - image, golden["stage3"] - image)}
    return found | {name: relative_l2(ours[name], expected) for name, expected in golden.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("golden", type=Path, help="folder with golden tensors")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="largest relative L2 error (%(default)s)")
    args = parser.parse_args()
    files = sorted(file for file in args.golden.glob("*.safetensors") if re.search(r"_\d+x\d+$", file.stem))
    if not files:
        sys.exit(f"{args.golden} holds no NAME_HxW.safetensors")
    failed = False
    for file in files:
        found = errors(network_for(file), load_file(file))
        worst = max(found, key=found.__getitem__)
        print(
            f"{file.stem}: residual {found['stage3 - input']:.2e}, "
            f"worst of {len(found)} is {worst} at {found[worst]:.2e}"
        )
        for name, error in found.items():
            if not error <= args.tolerance:
                failed = True
                print(f"  {name}: {error:.2e} is above {args.tolerance:.0e}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
