"""Golden tensors of blocks and of whole networks with seeded weights."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor

import mprnet_torch
import seeded_weights
from golden_operators import Draw, Tensors, per_patch
from local_mode import localize
from mprnet_torch import PUBLISHED, Config, Encoder, Levels, MPRNet, join, split

SEED = 3
DERAIN_SEED = 2
BLOCKS = Config(n=8, s=4, o=4, num_cab=2, bias=True)
SEEDED_KEYS = (
    "shallow_feat1.0.weight",
    "shallow_feat1.1.body.1.weight",
    "stage1_encoder.encoder_level1.0.body.0.weight",
    "stage1_encoder.encoder_level2.1.body.2.weight",
    "stage1_encoder.down12.down.1.weight",
    "stage2_encoder.csff_enc1.weight",
    "stage3_orsnet.orb1.body.0.CA.conv_du.0.weight",
    "stage3_orsnet.orb3.body.8.weight",
    "sam12.conv2.weight",
    "tail.weight",
    "stage1_encoder.encoder_level3.0.body.0.bias",
)
# Golden files of networks whose weights are seeded, and what of them is embedded in the program.
KNOWN = {
    "tiny_32x48": ("input", "stage1", "stage2", "stage3", "stage1_encoder.2", "stage2_decoder.2"),
    "tiny_shuffle2_48x80": ("input", "stage3", "stage2_encoder.2"),
}
# Networks in the local mode: name of the weights, height, width, side of the training's crops. Windows that fit into
# every patch, at sides that are odd multiples of 8; windows that are cut to the height of each patch; and behind a pixel
# shuffle.
LOCAL = (
    ("tiny_bias_slopes", 56, 40, 16),
    ("tiny_bias_slopes", 24, 56, 24),
    ("tiny_shuffle2", 80, 64, 32),
)


def read_weights(path: Path) -> Tensors:
    """The weights of a safetensors file."""
    return {key: torch.from_numpy(value) for key, value in load_file(path).items()}


def draw_weights(config: Config, seed: int, own_slopes: bool = False) -> Tensors:
    """Seeded weights; with `own_slopes`, no two PReLU slopes are the same, so that a mix-up shows."""
    drawn = seeded_weights.weights(config.shapes(), seed)
    slopes = [key for key, value in drawn.items() if value.shape == (1,)]
    if own_slopes:
        drawn |= {key: np.array([0.05 + 0.01 * i], np.float32) for i, key in enumerate(slopes)}
    return {key: torch.from_numpy(value) for key, value in drawn.items()}


def build(weights: Tensors) -> MPRNet:
    """The reference network in float64."""
    return mprnet_torch.from_weights(weights).double()


def levels(draw: Draw, height: int, width: int) -> Levels:
    """Features as an encoder or a decoder of `BLOCKS` gives them."""
    n, s = BLOCKS.n, BLOCKS.s
    return tuple(draw.normal(1, n + i * s, height >> i, width >> i) for i in range(3))


def named(letter: str, values: Levels) -> Tensors:
    """e1, e2, e3 and the like."""
    return {f"{letter}{number}": value for number, value in enumerate(values, 1)}


def encode_halves(encoder: Encoder, x: Tensor, e: Levels, d: Levels) -> Levels:
    """Stage 2's encoder on the top and bottom halves."""
    halves = ([split(level, 2, 1) for level in source] for source in (e, d))
    return tuple(join(level, 2, 1) for level in encoder(split(x, 2, 1), *halves))


@torch.inference_mode()
def blocks() -> Tensors:
    """BLOCK/x, e1, ... in, BLOCK/out or out.0, ... out, and BLOCK/weights/KEY by the checkpoint's keys."""
    weights = draw_weights(BLOCKS, SEED, own_slopes=True)
    network = build(weights)
    found: Tensors = {}

    def keep(name: str, module: str, inputs: Tensors, out: Tensor | Levels) -> None:
        outputs = {"out": out} if isinstance(out, Tensor) else {f"out.{i}": value for i, value in enumerate(out)}
        own = {f"weights/{key}": value for key, value in weights.items() if key.startswith(f"{module}.")}
        found.update({f"{name}/{key}": value for key, value in (inputs | outputs | own).items()})

    x = Draw("cab").normal(1, BLOCKS.n, 20, 28)
    cab = network.get_submodule("shallow_feat1.1")
    keep("cab", "shallow_feat1.1", {"x": x}, per_patch(x, 2, 2, cab))

    draw = Draw("encoder")
    x, e, d = draw.normal(1, BLOCKS.n, 24, 20), levels(draw, 24, 20), levels(draw, 24, 20)
    out = encode_halves(network.stage2_encoder, x, e, d)
    keep("encoder", "stage2_encoder", {"x": x} | named("e", e) | named("d", d), out)

    e = levels(Draw("decoder"), 12, 20)
    keep("decoder", "stage2_decoder", named("e", e), network.stage2_decoder(*e))

    x = Draw("orb").normal(1, BLOCKS.n + BLOCKS.o, 13, 18)
    keep("orb", "stage3_orsnet.orb1", {"x": x}, network.stage3_orsnet.orb1(x))

    draw = Draw("orsnet")
    x, e, d = draw.normal(1, BLOCKS.n + BLOCKS.o, 12, 20), levels(draw, 12, 20), levels(draw, 12, 20)
    out = network.stage3_orsnet(x, e, d)[0]
    keep("orsnet", "stage3_orsnet", {"x": x} | named("e", e) | named("d", d), out)
    return found


def random_image(name: str, height: int, width: int) -> Tensor:
    """An image of smooth shapes and noise in 0..1."""
    generator = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    coarse = torch.from_numpy(generator.uniform(0, 1, (1, 3, height // 8, width // 8)))
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    noise = torch.from_numpy(generator.normal(0, 0.1, (1, 3, height, width)))
    return (smooth + noise).clamp(0, 1).float().double()


@torch.inference_mode()
def tensors(weights: Tensors, image: Tensor, only: str = ".*", crop: int | None = None) -> Tensors:
    """`input`, the stage images, and those named features that match `only`; in the local mode, where `crop` says what
    training saw."""
    network = build(weights)
    found = (network if crop is None else localize(network, crop)).features(image)
    pattern = re.compile(f"stage[123]|{only}")
    return {"input": image} | {name: value for name, value in found.items() if pattern.fullmatch(name)}


def seeded() -> dict[str, np.ndarray]:
    """What a reimplementation of the seeded weights is checked against: up to 64 first values of some keys."""
    # Each key has a generator of its own: biases change no other value.
    drawn = seeded_weights.weights(replace(PUBLISHED["derain"], bias=True).shapes(), DERAIN_SEED)
    found = {key: drawn[key].reshape(-1)[:64] for key in SEEDED_KEYS}
    generator = np.random.Generator(np.random.PCG64([2, 12345]))
    found["standard_normal"] = generator.standard_normal(4096)
    return found


def known_answers(folder: Path) -> dict[str, np.ndarray]:
    """NETWORK/TENSOR of the golden files of two networks with seeded weights: what a program can carry with it."""
    found = {}
    for file, only in KNOWN.items():
        network = file.rsplit("_", 1)[0]
        tensors = load_file(folder / f"{file}.safetensors")
        found |= {f"{network}/{name}": tensors[name] for name in only}
    return found
