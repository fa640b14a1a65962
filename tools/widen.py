"""The weights of a network in a wider one that computes the same, from which a training goes on.

Channels that are new look at all channels, as a fresh network's do; nothing that was there looks at them yet.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mprnet_torch import Config, MPRNet

CONCATENATED = ("concat12.weight", "concat23.weight")
"""Convolutions whose input is two tensors of equally many channels, one after the other."""


def places(old: int, new: int, tensors: int) -> Tensor:
    """Where the `old` channels of that many concatenated tensors are among `new` ones."""
    within = torch.arange(old // tensors)
    return torch.cat([within + number * (new // tensors) for number in range(tensors)])


def check(narrow: Config, wide: Config) -> None:
    """Refuses a configuration that is not the same network with as many or more channels everywhere."""
    same = ("num_cab", "reduction", "bias", "shuffle")
    if any(getattr(narrow, size) != getattr(wide, size) for size in same):
        raise ValueError(f"{wide} is not {narrow} with more channels: {', '.join(same)} stay as they are")
    levels = ((size.n, size.n + size.s, size.n + 2 * size.s, size.n + size.o) for size in (narrow, wide))
    if any(new < old for old, new in zip(*levels, strict=True)):
        raise ValueError(f"{wide} has fewer channels than {narrow} somewhere")


def widened(weights: Mapping[str, Tensor], narrow: Config, wide: Config) -> dict[str, Tensor]:
    """The weights of `narrow` as those of `wide`, float32; new ones are drawn from PyTorch's global generator."""
    check(narrow, wide)
    fresh = MPRNet(wide).state_dict()
    for key, new in fresh.items():
        old = weights[key].float()
        if old.dim() < 2:
            # Slopes are one number each; of biases, the new channels' are drawn.
            new[: len(old)] = old
            continue
        inputs = places(old.shape[1], new.shape[1], 2 if key in CONCATENATED else 1)
        new[: len(old)] = 0
        new[: len(old), inputs] = old
    return fresh
