"""The losses of MPRNet's training, over the images of its three stages.

`paper` is MPRNet's own, Charbonnier and edge loss, and a small term of this project's that holds the mean colour of
each crop. `psnr` is what the results are judged by; it is for the end of a training.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON_SQUARED = 1e-6
EDGE_WEIGHT = 0.05
MEAN_WEIGHT = 0.1
PSNR_FLOOR = 10**-4.5
"""Mean squared error of 45 dB: crops that are better hardly gain by being better still, or clean ones, whose error is
all but zero, would outweigh the others."""
PSNR_WEIGHT = 0.01
"""Brings gradients to the norm that those of the paper's loss have, which the trainer's clipping is for."""
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


def paper(image: Tensor, target: Tensor) -> Tensor:
    """Charbonnier and edge loss of one stage's batch, and the shift of its mean colours."""
    difference = image - target
    # The Laplacian is linear: that of the difference is the difference of those of output and target.
    loss = charbonnier(difference) + EDGE_WEIGHT * charbonnier(laplacian(difference))
    # What each pixel is most likely to be darkens or brightens the whole where errors are lopsided.
    return loss + MEAN_WEIGHT * difference.mean((2, 3)).abs().mean()


def psnr(image: Tensor, target: Tensor) -> Tensor:
    """Minus the mean PSNR of one stage's crops, up to a factor (Chen et al., HINet, CVPR Workshops 2021).

    Where an error is lopsided it asks for the mean of what a pixel may be, not for the median, and crops that are easy
    weigh as much as those that are hard.
    """
    errors = (image - target).square().mean((1, 2, 3))
    return PSNR_WEIGHT * 10 / math.log(10) * (errors + PSNR_FLOOR).log().mean()


Loss = Callable[[Sequence[Tensor], Tensor], Tensor]
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"paper": paper, "psnr": psnr}
"""Of the images of one stage."""


def over_stages(name: str, early: float) -> Loss:
    """A loss summed over the stages, of which all but the last count `early` times."""

    def total(stages: Sequence[Tensor], target: Tensor) -> Tensor:
        *before, last = (LOSSES[name](image, target) for image in stages)
        return early * sum(before) + last

    return total
