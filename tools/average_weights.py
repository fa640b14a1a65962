"""Writes the mean of two networks' weights, of which one was trained further from the other.

    python average_weights.py models/derain.safetensors training/derain/derain.safetensors -o derain.safetensors

Between a network and what a further training made of it, on other pictures or harder ones, lies one that is often
better on both. The metadata are the second's, and say besides what the file is the mean of.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file

from training_state import MEAN, metadata, steps_before, write_whole


def mean_metadata(first: Path, second: Path, share: float) -> dict[str, str]:
    """The second's metadata, without what holds for its own weights alone, and what the mean is of."""
    kept = {key: value for key, value in metadata(second).items() if "hash" not in key and "peaks" not in key}
    steps = [steps_before(path) for path in (first, second)]
    return {
        **kept,
        MEAN: f"{1 - share:g} of weights after {steps[0]} steps, {share:g} of weights after {steps[1]} steps",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("first", type=Path, help="safetensors file")
    option("second", type=Path, help="safetensors file of the same configuration")
    option("--share", type=float, default=0.5, help="share of the second (%(default)s)")
    option("-o", "--out", type=Path, required=True, help="file that gets the mean, in f16")
    args = parser.parse_args()
    first, second = load_file(args.first), load_file(args.second)
    shapes = ({key: value.shape for key, value in weights.items()} for weights in (first, second))
    if next(shapes) != next(shapes):
        raise SystemExit(f"{args.first} and {args.second} are not of one configuration")
    mean = {key: first[key].float().lerp(second[key].float(), args.share).half() for key in second}
    said = mean_metadata(args.first, args.second, args.share)
    write_whole(args.out, lambda path: save_file(mean, path, metadata=said))
    args.out.chmod(0o644)


if __name__ == "__main__":
    main()
