"""The workloads as PyTorch modules that take the input and give one tensor."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import mprnet_torch
from mprnet_torch import CAB, MPRNet


class Restored(nn.Module):
    """An MPRNet that gives the image of its last stage alone."""

    def __init__(self, network: MPRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)[2]


class Batchless(nn.Module):
    """The same, patch by patch: for engines whose tensors have no batch dimension."""

    def __init__(self, network: MPRNet) -> None:
        super().__init__()
        if network.config.shuffle != 1:
            raise ValueError("patches without a batch are written for networks without pixel shuffle")
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        net = self.network
        stage2, joined = [], []
        for half in image.chunk(2, 2):
            quarters = [net.stage1_encoder(net.shallow_feat1(quarter)) for quarter in half.chunk(2, 3)]
            e = tuple(torch.cat(level, 3) for level in zip(*quarters, strict=True))
            d = net.stage1_decoder(*e)
            sam = net.sam12(d[0], half)[0]
            x = net.concat12(torch.cat([net.shallow_feat2(half), sam], 1))
            stage2.append(net.stage2_encoder(x, e, d))
        joined = tuple(torch.cat(level, 2) for level in zip(*stage2, strict=True))
        d = net.stage2_decoder(*joined)
        sam = net.sam23(d[0], image)[0]
        x = net.concat23(torch.cat([net.shallow_feat3(image), sam], 1))
        return net.tail(net.stage3_orsnet(x, joined, d)[0]) + image


def build(workload: str, tensors: Path, weights: Path | None, batchless: bool = False) -> nn.Module:
    """The module of a workload, in evaluation mode; `weights` are those of a network."""
    if workload == "network":
        if weights is None:
            raise ValueError("a network needs --model, its weights as safetensors")
        network = mprnet_torch.load(weights)
        return (Batchless(network) if batchless else Restored(network)).eval()
    found = {key: value for key, value in load_file(tensors).items() if key != "x"}
    if workload == "conv":
        outputs, inputs, size, _ = found["weight"].shape
        module: nn.Module = mprnet_torch.conv(inputs, outputs, size, bias=True)
    else:
        channels = found["body.0.weight"].shape[0]
        module = CAB(channels, mprnet_torch.PUBLISHED["derain"])
    module.load_state_dict(found)
    return module.eval()


def with_leaky_relu(module: nn.Module) -> nn.Module:
    """Replaces every PReLU of one slope by a LeakyReLU of that slope: equal, and what engines fuse into convolutions."""
    for name, child in module.named_children():
        if isinstance(child, nn.PReLU) and child.num_parameters == 1:
            setattr(module, name, nn.LeakyReLU(float(child.weight)))
        else:
            with_leaky_relu(child)
    return module
