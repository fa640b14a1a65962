"""Golden tensors of single operators: seeded inputs, and what the reference makes of them.

Everything is computed in float64 from float32 inputs and rounded once, so that the golden value's own error is out of
the way of a tolerance. Shapes are neither square nor multiples of a tile, and weights have no symmetry.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from local_mode import first_of_windows
from mprnet_torch import SAM, ChannelAttention, Config, join, resize, split

Tensors = dict[str, Tensor]
SEED = 7
# Rows and columns of a window.
BOX = (5, 8)


class Draw:
    """Seeded float32 values, held as float64; each case has a generator of its own."""

    def __init__(self, case: str) -> None:
        self.generator = np.random.default_rng([SEED, zlib.crc32(case.encode())])

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        values = (scale * self.generator.standard_normal(shape)).astype(np.float32)
        return torch.from_numpy(values).double()

    def weight(self, outputs: int, inputs: int, size: int) -> Tensor:
        """A convolution's weights, scaled so that its outputs are of order one."""
        return self.normal(outputs, inputs, size, size, scale=(inputs * size * size) ** -0.5)


def per_patch(x: Tensor, rows: int, columns: int, operator: Callable[[Tensor], Tensor]) -> Tensor:
    """Applies an operator to every patch of an image on its own."""
    return join(operator(split(x, rows, columns)), rows, columns)


def conv3x3(draw: Draw) -> Tensors:
    x, weight, bias = draw.normal(1, 6, 13, 22), draw.weight(10, 6, 3), draw.normal(10)
    return {"x": x, "weight": weight, "bias": bias, "out": F.conv2d(x, weight, bias, padding=1)}


def conv3x3_patches(rows: int, columns: int) -> Callable[[Draw], Tensors]:
    def case(draw: Draw) -> Tensors:
        x, weight = draw.normal(1, 6, 14, 20), draw.weight(10, 6, 3)
        out = per_patch(x, rows, columns, lambda patch: F.conv2d(patch, weight, padding=1))
        return {"x": x, "weight": weight, "out": out}

    return case


def conv3x3_two(draw: Draw) -> Tensors:
    x, x2, weight = draw.normal(1, 8, 11, 18), draw.normal(1, 12, 11, 18), draw.weight(12, 20, 3)
    return {"x": x, "x2": x2, "weight": weight, "out": F.conv2d(torch.cat([x, x2], 1), weight, padding=1)}


def conv1x1(draw: Draw) -> Tensors:
    x, weight, bias = draw.normal(1, 10, 9, 15), draw.weight(14, 10, 1), draw.normal(14)
    return {"x": x, "weight": weight, "bias": bias, "out": F.conv2d(x, weight, bias)}


def prelu(draw: Draw) -> Tensors:
    x, slope = draw.normal(1, 6, 9, 15), torch.tensor([0.3], dtype=torch.float32).double()
    x[0, 0, 0, :2] = torch.tensor([0.0, -0.0])
    return {"x": x, "slope": slope, "out": F.prelu(x, slope)}


def load(module: nn.Module, parameters: Tensors) -> None:
    """Gives a module of the reference its parameters."""
    module.double().load_state_dict(parameters)


def attention(rows: int, columns: int, height: int, width: int) -> Callable[[Draw], Tensors]:
    def case(draw: Draw) -> Tensors:
        channels, hidden = 12, 3
        # A mean that differs between channels and patches keeps the gates apart from one another.
        r = draw.normal(1, channels, height, width) + draw.normal(1, channels, 1, 1)
        r += torch.linspace(-1, 1, width, dtype=torch.float64).float().double()
        r = r.float().double()
        skip = draw.normal(1, channels, height, width)
        w1, w2 = draw.weight(hidden, channels, 1) * 2, draw.weight(channels, hidden, 1) * 2
        b1, b2 = draw.normal(hidden, scale=0.5), draw.normal(channels, scale=0.5)
        module = ChannelAttention(channels, Config(n=channels, s=1, o=1, num_cab=1, bias=True))
        load(
            module,
            {"conv_du.0.weight": w1, "conv_du.0.bias": b1, "conv_du.2.weight": w2, "conv_du.2.bias": b2},
        )
        gate = module.gate(split(r, rows, columns)).flatten(1)
        out = per_patch(r, rows, columns, module) + skip
        return {"x": r, "skip": skip, "w1": w1, "b1": b1, "w2": w2, "b2": b2, "gate": gate, "out": out}

    return case


def resized(factor: float, rows: int, columns: int, height: int, width: int) -> Callable[[Draw], Tensors]:
    def case(draw: Draw) -> Tensors:
        x = draw.normal(1, 6, height, width)
        return {"x": x, "out": per_patch(x, rows, columns, resize(factor))}

    return case


def sam(draw: Draw) -> Tensors:
    n, height, width = 8, 9, 13
    x, image = draw.normal(1, n, height, width), draw.normal(1, 3, height, width, scale=0.5)
    parameters = {
        "conv1.weight": draw.weight(n, n, 1),
        "conv1.bias": draw.normal(n, scale=0.3),
        "conv2.weight": draw.weight(3, n, 1),
        "conv2.bias": draw.normal(3, scale=0.3),
        "conv3.weight": draw.weight(n, 3, 1),
        "conv3.bias": draw.normal(n, scale=0.3),
    }
    module = SAM(Config(n=n, s=1, o=1, num_cab=1, bias=True))
    load(module, parameters)
    features, out_image = module(x, image)
    named = {key.replace(".weight", "_w").replace(".bias", "_b"): value for key, value in parameters.items()}
    return {"x": x, "image": image, "features": features, "out_image": out_image} | named


def pixel_unshuffle(r: int) -> Callable[[Draw], Tensors]:
    def case(draw: Draw) -> Tensors:
        x = draw.normal(1, 3, 12, 20)
        return {"x": x, "out": F.pixel_unshuffle(x, r)}

    return case


def pixel_shuffle(r: int) -> Callable[[Draw], Tensors]:
    def case(draw: Draw) -> Tensors:
        x = draw.normal(1, 3 * r * r, 5, 7)
        return {"x": x, "out": F.pixel_shuffle(x, r)}

    return case


def add(draw: Draw) -> Tensors:
    x, y = draw.normal(1, 6, 9, 15), draw.normal(1, 6, 9, 15)
    return {"x": x, "y": y, "out": x + y}


def sigmoid_gate(draw: Draw) -> Tensors:
    a, m, x = (draw.normal(1, 6, 9, 15, scale=scale) for scale in (1.0, 4.0, 1.0))
    # Where exp overflows in float32, a sigmoid written carelessly gives NaN.
    m[0, 0, 0, :4] = torch.tensor([-100.0, 100.0, -90.0, 90.0])
    return {"a": a, "m": m, "x": x, "out": a * torch.sigmoid(m) + x}


def box_mean(rows: int, columns: int) -> Callable[[Draw], Tensors]:
    def case(draw: Draw) -> Tensors:
        # The first window begins where the patch does, so that there is one for each place that it fits.
        x = draw.normal(1, 6, 14, 20) + 3
        x = x.float().double()
        return {"x": x, "out": per_patch(x, rows, columns, lambda patch: F.avg_pool2d(patch, BOX, stride=1))}

    return case


def gate_by_map(draw: Draw) -> Tensors:
    a, x, m = draw.normal(1, 6, 14, 20), draw.normal(1, 6, 14, 20), draw.normal(1, 6, 14 - BOX[0] + 1, 20 - BOX[1] + 1)
    down, across = (first_of_windows(side, extent) for side, extent in zip((14, 20), BOX))
    return {"a": a, "m": m, "x": x, "out": a * torch.sigmoid(m[:, :, down][:, :, :, across]) + x}


def rgba8(draw: Draw) -> Tensors:
    values = draw.generator.integers(0, 256, (13, 22, 3), np.uint8)
    values.reshape(-1)[:256] = np.arange(256)
    out = values.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    return {"x": torch.from_numpy(values), "out": torch.from_numpy(out)}


def quantize(draw: Draw) -> Tensors:
    steps = np.arange(256, dtype=np.float32) / np.float32(255)
    halves = (np.arange(255, dtype=np.float32) + np.float32(0.5)) / np.float32(255)
    # Near a half, the float32 product with 255 decides; rounding it half to even is what is asked for.
    around = np.concatenate([np.nextafter(halves, np.float32(side)) for side in (-1, 2)])
    special = np.array([0, -0.0, 0.5, 1, -1e-9, -0.2, -7, 1 + 1e-6, 1.3, 9], np.float32)
    random = draw.generator.uniform(-0.2, 1.2, 400).astype(np.float32)
    x = np.concatenate([special, steps, halves, around, random])
    out = np.rint(np.clip(x, 0, 1) * np.float32(255)).astype(np.uint8)
    return {"x": torch.from_numpy(x), "out": torch.from_numpy(out)}


CASES: dict[str, Callable[[Draw], Tensors]] = {
    "conv3x3": conv3x3,
    "conv3x3_patches_2x2": conv3x3_patches(2, 2),
    "conv3x3_patches_2x1": conv3x3_patches(2, 1),
    "conv3x3_two": conv3x3_two,
    "conv1x1": conv1x1,
    "prelu": prelu,
    "attention_1x1": attention(1, 1, 17, 19),
    "attention_2x1": attention(2, 1, 18, 21),
    "attention_2x2": attention(2, 2, 18, 20),
    "down": resized(0.5, 1, 1, 14, 22),
    "up": resized(2.0, 1, 1, 7, 9),
    "up_patches_2x2": resized(2.0, 2, 2, 10, 14),
    "up_patches_2x1": resized(2.0, 2, 1, 10, 13),
    "sam": sam,
    "pixel_unshuffle_2": pixel_unshuffle(2),
    "pixel_unshuffle_4": pixel_unshuffle(4),
    "pixel_shuffle_2": pixel_shuffle(2),
    "pixel_shuffle_4": pixel_shuffle(4),
    "add": add,
    "sigmoid_gate": sigmoid_gate,
    "box_mean": box_mean(1, 1),
    "box_mean_2x2": box_mean(2, 2),
    "gate_by_map": gate_by_map,
    "rgba8": rgba8,
    "quantize": quantize,
}


@torch.inference_mode()
def operators() -> Tensors:
    """Every case's tensors, named CASE/TENSOR."""
    return {f"{name}/{key}": value for name, case in CASES.items() for key, value in case(Draw(name)).items()}
