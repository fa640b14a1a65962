"""The local mode of the reference: channel attention by means of windows instead of means of the patch.

After Chu et al., "Improving Image Restoration by Revisiting Global Information Aggregation" (ECCV 2022): along each
axis a window is one and a half times as long as what the same mean saw in training.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from mprnet_torch import ChannelAttention, MPRNet

QUARTERS = ("shallow_feat1.", "stage1_encoder.")
HALVES = ("stage1_decoder.", "shallow_feat2.", "stage2_encoder.")
# Modules of half the size, and of a quarter.
HALVED = {"encoder_level2": 1, "encoder_level3": 2, "decoder_level2": 1, "decoder_level3": 2, "skip_attn2": 1}


def window_of(name: str, crop: int) -> tuple[int, int]:
    """Rows and columns of the window of a module's mean, for a training on square crops of that side."""
    rows = columns = crop
    if name.startswith(QUARTERS):
        rows, columns = rows // 2, columns // 2
    elif name.startswith(HALVES):
        rows //= 2
    halvings = next((halvings for level, halvings in HALVED.items() if f".{level}." in name), 0)
    return int(1.5 * (rows >> halvings)), int(1.5 * (columns >> halvings))


def first_of_windows(side: int, window: int) -> Tensor:
    """Where the window of each place along an axis begins."""
    return (torch.arange(side) - (window - 1) // 2).clamp(0, side - window)


def box_means(r: Tensor, window: tuple[int, int]) -> Tensor:
    """The mean of the window around each pixel, [batch, channels, height, width]; windows end at the image's border."""
    rows, columns = (min(extent, side) for extent, side in zip(window, r.shape[2:]))
    means = F.avg_pool2d(r, (rows, columns), stride=1)
    down, across = (first_of_windows(side, extent) for side, extent in zip(r.shape[2:], (rows, columns)))
    return means[:, :, down][:, :, :, across]


def localize(network: MPRNet, crop: int) -> MPRNet:
    """Puts a network trained on square crops of `crop` pixels into the local mode."""
    if crop % network.config.multiple:
        raise ValueError(f"crops of {crop} pixels are no multiple of {network.config.multiple}")
    for name, module in network.named_modules():
        if isinstance(module, ChannelAttention):
            module.means = partial(box_means, window=window_of(name, crop // network.config.shuffle))
    return network
