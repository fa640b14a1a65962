"""What a step of training computes, in one piece: the network in bf16 or f32, and its loss in f32.

On CUDA the piece and its gradient are captured as graphs, once per size of batch: a step of a small network is
otherwise spent on launching its thousands of kernels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mprnet_torch import MPRNet
from training_loss import Loss


class Objective(nn.Module):
    """The loss of a batch as a function of the network's parameters."""

    def __init__(self, network: MPRNet, forward: Callable[[Tensor], list[Tensor]], loss: Loss, mixed: bool) -> None:
        super().__init__()
        self.network = network
        self.restore = forward
        self.loss = loss
        self.mixed = mixed

    def forward(self, degraded: Tensor, clean: Tensor) -> Tensor:
        """The loss of the batch."""
        # Without the cache of bf16 weights, which a captured graph would read after it is gone.
        with torch.autocast(degraded.device.type, torch.bfloat16, enabled=self.mixed, cache_enabled=False):
            stages = self.restore(degraded)
        return self.loss([image.float() for image in stages], clean)


class Objectives:
    """An `Objective` for each size of batch, captured where the device is CUDA."""

    def __init__(self, network: MPRNet, forward: Callable[[Tensor], list[Tensor]], loss: Loss, mixed: bool) -> None:
        self.make = lambda: Objective(network, forward, loss, mixed)
        self.by_shape: dict[torch.Size, Callable[[Tensor, Tensor], Tensor]] = {}

    def __call__(self, degraded: Tensor, clean: Tensor) -> Tensor:
        """The loss of a batch."""
        if degraded.shape not in self.by_shape:
            objective = self.make()
            if degraded.is_cuda:
                objective = torch.cuda.make_graphed_callables(objective, (degraded.clone(), clean.clone()))
            self.by_shape[degraded.shape] = objective
        return self.by_shape[degraded.shape](degraded, clean)
