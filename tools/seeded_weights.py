"""Seeded MPRNet weights: any configuration, nothing to download, the same bytes everywhere.

Every convolution is drawn from N(0, gain^2 / fan_in), with gains that keep the residual of stage 3 of order one, so
that an error in any layer shows in the output. All PReLU slopes share one value. Each key has a generator of its
own, seeded by the seed and the key's CRC-32, so that neither the order nor the number of keys matters.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from mprnet_torch import PUBLISHED, Config

SLOPE = 0.2
BIAS_DEVIATION = 0.05


def gain(key: str) -> float:
    """The factor on a convolution's deviation."""
    if ".body.0." in key:
        return 1.3
    if ".body.2." in key:
        return 0.45
    if ".orb" in key and "CA" not in key and key.count(".") == 4:
        return 0.5
    if "conv_du" in key:
        return 4.0
    if key.startswith("stage3_orsnet.conv_") or ".csff_" in key:
        return 0.6
    if key.startswith("tail"):
        return 0.12
    if key.endswith(".conv2.weight") and key.startswith("sam"):
        return 0.2
    if key.startswith("shallow_feat") and key.endswith(".0.weight"):
        return 1.5
    return 1.0


def weights(shapes: Mapping[str, Sequence[int]], seed: int) -> dict[str, np.ndarray]:
    """Every parameter of a network from a seed, float32."""
    drawn = {}
    for key, shape in shapes.items():
        if list(shape) == [1]:
            drawn[key] = np.array([SLOPE], np.float32)
            continue
        generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(key.encode())]))
        if len(shape) == 1:
            drawn[key] = generator.normal(0.0, BIAS_DEVIATION, shape).astype(np.float32)
            continue
        fan_in = shape[1] * shape[2] * shape[3]
        drawn[key] = (generator.standard_normal(shape) * gain(key) / np.sqrt(fan_in)).astype(np.float32)
    return drawn


def parse_config(text: str) -> Config:
    """`derain`, `denoise`, `deblur`, or `N/S/O/NUM_CAB`, optionally followed by `,shuffle=R` and `,bias`."""
    name, *options = text.split(",")
    sizes = PUBLISHED.get(name)
    if sizes is None:
        try:
            n, s, o, num_cab = (int(part) for part in name.split("/"))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{name!r} is neither {', '.join(PUBLISHED)} nor N/S/O/NUM_CAB") from None
        sizes = Config(n=n, s=s, o=o, num_cab=num_cab)
    fields = dict(vars(sizes))
    for option in options:
        key, _, value = option.partition("=")
        if key == "bias" and not value:
            fields["bias"] = True
        elif key == "shuffle" and value in ("1", "2", "4"):
            fields["shuffle"] = int(value)
        else:
            raise argparse.ArgumentTypeError(f"{option!r} is neither bias nor shuffle=1, 2 or 4")
    return Config(**fields)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write seeded MPRNet weights as safetensors.")
    parser.add_argument("config", type=parse_config, help=parse_config.__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("out", type=Path, help="safetensors file to write")
    args = parser.parse_args()
    save_file(weights(args.config.shapes(), args.seed), args.out)


if __name__ == "__main__":
    main()
