"""The loss of MPRNet's training: Charbonnier and edge loss, summed over the images of the three stages.

A small term of this project's own holds the mean colour of each crop.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON_SQUARED = 1e-6
EDGE_WEIGHT = 0.05
MEAN_WEIGHT = 0.1
TAPS = (0.05, 0.25, 0.4, 0.25, 0.05)


def charbonnier(difference: Tensor) -> Tensor:
    """A mean absolute error that is smooth at zero."""
    return torch.sqrt(difference * difference + EPSILON_SQUARED).mean()


@functools.cache
def taps_on(device: torch.device, dtype: torch.dtype) -> Tensor:
    """The blur's taps, copied there once: a copy from the host could not be captured in a CUDA graph."""
    return torch.tensor(TAPS, device=device, dtype=dtype)


def blur(x: Tensor) -> Tensor:
    """Separable blur with replicated borders."""
    batch, channels, height, width = x.shape
    taps = taps_on(x.device, x.dtype)
    planes = F.pad(x.reshape(batch * channels, 1, height, width), (2, 2, 2, 2), mode="replicate")
    planes = F.conv2d(F.conv2d(planes, taps.view(1, 1, 1, 5)), taps.view(1, 1, 5, 1))
    return planes.reshape(x.shape)


def laplacian(x: Tensor) -> Tensor:
    """What one level of a Laplacian pyramid keeps: x minus its blurred, decimated and interpolated self."""
    kept = torch.zeros_like(x)
    kept[..., ::2, ::2] = 4 * blur(x)[..., ::2, ::2]
    return x - blur(kept)


def loss(stages: Sequence[Tensor], target: Tensor) -> Tensor:
    """The training loss of one batch."""
    total = target.new_zeros(())
    for image in stages:
        difference = image - target
        # The Laplacian is linear: that of the difference is the difference of those of output and target.
        total = total + charbonnier(difference) + EDGE_WEIGHT * charbonnier(laplacian(difference))
        # What each pixel is most likely to be darkens or brightens the whole where errors are lopsided.
        total = total + MEAN_WEIGHT * difference.mean((2, 3)).abs().mean()
    return total
