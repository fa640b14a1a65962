"""Checkpoints of a tiny network in the many ways in which people save them, all with the same values."""

from __future__ import annotations

import argparse
import io
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from checkpoint_container import Checkpoint, Storage, View, contiguous, dumps, legacy_checkpoint, zip_checkpoint
from mprnet_torch import CAB, Config, MPRNet, from_weights
from seeded_weights import weights

MICRO = Config(n=2, s=1, o=1, num_cab=1, reduction=2)
MICRO_BIAS = Config(n=2, s=1, o=1, num_cab=1, reduction=2, bias=True)
SEED = 5

State = dict[str, Tensor]


def is_slope(key: str, value: Tensor) -> bool:
    """Whether this is a PReLU slope; where num_cab is 1, the closing convolution of an ORB has such a key too."""
    return key.endswith(".body.1.weight") and value.dim() == 1


def is_bias(key: str) -> bool:
    """Whether the key is a bias's."""
    return key.endswith(".bias")


def micro(config: Config) -> State:
    """Seeded weights that are bf16 and f16 numbers alike; with biases, each is the same for all its channels, and
    every block has a slope of its own."""
    state = {key: torch.from_numpy(value) for key, value in weights(config.shapes(), SEED).items()}
    if config.bias:
        slopes = [value for key, value in state.items() if is_slope(key, value)]
        for number, value in enumerate(slopes):
            value[:] = 0.05 + number / 100
        for key in filter(is_bias, state):
            state[key][:] = state[key][0].clone()
    return {key: value.bfloat16().half().float() for key, value in state.items()}


def saved(value: object, legacy: bool = False, **options: int) -> bytes:
    """What `torch.save` writes."""
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy, **options)
    return file.getvalue()


def prefixed(state: Mapping[str, Tensor]) -> State:
    """The keys of a network inside DataParallel."""
    return {f"module.{key}": value for key, value in state.items()}


def training(state: Mapping[str, Tensor]) -> dict[str, object]:
    """What training scripts save: epoch, score and the state of an optimizer (of one layer, to keep it small)."""
    torch.manual_seed(SEED)
    layer = nn.Parameter(next(iter(state.values())).clone())
    adam = torch.optim.Adam([layer], lr=2e-4)
    layer.square().sum().backward()
    adam.step()
    return {"epoch": 12, "best_psnr": 31.75, "state_dict": dict(state), "optimizer": adam.state_dict()}


def one_slope(state: Mapping[str, Tensor]) -> State:
    """The same with one tensor for all slopes."""
    slope = next(value for key, value in state.items() if is_slope(key, value))
    return {key: slope if is_slope(key, value) else value for key, value in state.items()}


def flat(state: Mapping[str, Tensor]) -> State:
    """The same, every tensor a view into one storage."""
    joined = torch.cat([value.flatten() for value in state.values()])
    parts = joined.split([value.numel() for value in state.values()])
    return {key: part.view(value.shape) for (key, value), part in zip(state.items(), parts, strict=True)}


def permuted(state: Mapping[str, Tensor]) -> State:
    """The same, stored in other orders: channels last, transposed, all axes reversed; slopes with stride 0."""
    orders = cycle([(0, 2, 3, 1), (1, 0, 2, 3), (3, 2, 1, 0)])

    def stored(value: Tensor) -> Tensor:
        if value.dim() != 4:
            return value[0].clone().expand(value.shape)
        order = next(orders)
        back = [order.index(axis) for axis in range(4)]
        return value.permute(order).contiguous().permute(back)

    return {key: stored(value) for key, value in state.items()}


def sliced(state: Mapping[str, Tensor]) -> State:
    """The same, every tensor every other column in the middle of a larger storage."""

    def stored(value: Tensor) -> Tensor:
        if value.dim() == 1:
            return torch.full([2 * len(value) + 1], -7.0)[1::2].copy_(value)
        larger = torch.full([value.shape[0] + 1, *value.shape[1:-1], 2 * value.shape[-1] + 1], -7.0)
        return larger[1:, ..., 1::2].copy_(value)

    return {key: stored(value) for key, value in state.items()}


def cuda(state: Mapping[str, Tensor], legacy: bool) -> bytes:
    """A checkpoint of tensors on a GPU."""
    tensors, storages = {}, {}
    for number, (key, value) in enumerate(state.items()):
        storage = Storage(str(number), value.numel(), location="cuda:0")
        tensors[key] = View(storage, tuple(value.shape), contiguous(value.shape))
        storages[storage.key] = value.numpy().tobytes()
    data = dumps({"state_dict": tensors}, legacy)
    if not legacy:
        return zip_checkpoint(data, storages)
    return legacy_checkpoint(data, {key: (len(content) // 4, content) for key, content in storages.items()})


def big_endian(state: State) -> bytes:
    """A checkpoint of a big-endian machine."""
    joined = torch.cat([value.flatten() for value in state.values()]).numpy()
    storage, tensors, offset = Storage("0", joined.size), {}, 0
    for key, value in state.items():
        tensors[key] = View(storage, tuple(value.shape), contiguous(value.shape), offset)
        offset += value.numel()
    return zip_checkpoint(dumps(tensors), {"0": joined.astype(">f4").tobytes()}, "big")


def deflated(checkpoint: bytes) -> bytes:
    """The same archive with every entry compressed."""
    with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return file.getvalue()


def save_model(state: State) -> bytes:
    """What `safetensors.torch.save_model` writes of a network whose blocks share one PReLU."""
    network = from_weights(state)
    blocks = [module for module in network.modules() if isinstance(module, CAB)]
    for block in blocks:
        block.body[1] = blocks[0].body[1]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        safetensors.torch.save_model(network, str(path))
        return path.read_bytes()


def zip_layouts(state: State) -> list[Checkpoint]:
    """Containers, wrappers and prefixes."""
    network: MPRNet = from_weights(state)
    parameters = {key: nn.Parameter(value) for key, value in flat(state).items()}
    extras = training(flat(state)) | {
        "best_psnr": np.float64(31.75),
        "args": argparse.Namespace(lr=2e-4, batch_size=16, gpus=[0, 1]),
    }
    return [
        Checkpoint("zip_bare.pth", "zip, bare dict of tensors", saved(state)),
        Checkpoint(
            "zip_state_dict.pth", "zip, `state_dict` with `epoch`, `best_psnr`, `optimizer`", saved(training(state))
        ),
        Checkpoint("zip_module.pth", "zip, `state_dict` with the prefix `module.`", saved(training(prefixed(state)))),
        Checkpoint("zip_cuda.pth", "zip, `state_dict`, tensors on `cuda:0`", cuda(state, legacy=False)),
        Checkpoint(
            "zip_protocol4.pth", "zip, pickle protocol 4", saved({"state_dict": flat(state)}, pickle_protocol=4)
        ),
        Checkpoint("zip_parameters.pth", "zip, `nn.Parameter` instead of tensors", saved({"state_dict": parameters})),
        Checkpoint(
            "zip_metadata.pth",
            "zip, OrderedDict with `_metadata`, as `state_dict()` gives",
            saved(network.state_dict()),
        ),
        Checkpoint(
            "zip_extras.pth", "zip, with a numpy score and an argparse namespace; may be refused", saved(extras)
        ),
        Checkpoint("zip_whole_module.pth", "zip, `torch.save(network)`; may be refused", saved(network)),
        Checkpoint(
            "zip_deflated.pth", "zip_bare.pth with its entries compressed; may be refused", deflated(saved(state))
        ),
        Checkpoint("zip_big_endian.pth", "zip, of a big-endian machine; may be refused", big_endian(state)),
        Checkpoint("legacy_bare.pth", "before torch 1.6, bare OrderedDict", saved(OrderedDict(state), legacy=True)),
        Checkpoint(
            "legacy_module.pth",
            "before torch 1.6, `state_dict` with the prefix `module.`",
            saved(training(prefixed(state)), legacy=True),
        ),
        Checkpoint("legacy_cuda.pth", "before torch 1.6, `state_dict`, tensors on `cuda:0`", cuda(state, legacy=True)),
    ]


def wrappers(state: State) -> list[Checkpoint]:
    """Top-level keys of other codebases."""
    flattened = flat(state)
    alone = [
        Checkpoint(f"wrapper_{key}.pth", f"zip, under the key `{key}`", saved({key: flattened, "iter": 400}))
        for key in ("params", "model", "net")
    ]
    others = flat({key: value + 1 for key, value in state.items()})
    both = saved({"params": others, "params_ema": flattened})
    return [
        *alone,
        Checkpoint("wrapper_params_ema.pth", "zip, `params_ema`, the averaged weights, beside other `params`", both),
    ]


def dtypes(state: State) -> list[Checkpoint]:
    """Number formats."""
    kinds = {"f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}
    found = []
    for name, kind in kinds.items():
        cast = {key: value.to(kind) for key, value in state.items()}
        found.append(Checkpoint(f"dtype_{name}.pth", f"zip, {name}", saved(flat(cast))))
        found.append(Checkpoint(f"dtype_{name}.safetensors", f"safetensors, {name}", safetensors.torch.save(cast)))
    order = cycle([torch.float32, *kinds.values()])
    mixed = {key: value.to(next(order)) for key, value in state.items()}
    found.append(Checkpoint("dtype_mixed.pth", "before torch 1.6, f32, f16, bf16 and f64", saved(mixed, legacy=True)))
    return found


def storages(state: State) -> list[Checkpoint]:
    """Where the values of a tensor lie."""
    return [
        Checkpoint("shared.pth", "zip, all slopes are one tensor", saved({"state_dict": one_slope(state)})),
        Checkpoint("flat.pth", "zip, views into one storage", saved({"state_dict": flat(state)})),
        Checkpoint("legacy_flat.pth", "before torch 1.6, views into one storage", saved(flat(state), legacy=True)),
        Checkpoint(
            "strided.pth",
            "zip, channels last, transposed and reversed axes, slopes of stride 0",
            saved(permuted(state)),
        ),
        Checkpoint("legacy_strided.pth", "the same before torch 1.6", saved(permuted(state), legacy=True)),
        Checkpoint("sliced.pth", "zip, steps through larger storages that are -7 elsewhere", saved(sliced(state))),
    ]


def biased() -> list[Checkpoint]:
    """Biases that are one number expanded to all channels."""
    state = micro(MICRO_BIAS)
    expanded = {key: value[:1].expand(value.shape) if is_bias(key) else value for key, value in flat(state).items()}
    truth = "micro_bias.safetensors"
    return [
        Checkpoint(
            truth,
            "truth: the same with a slope for every block, and biases, each one number for all its channels",
            safetensors.torch.save(state),
            truth,
        ),
        Checkpoint("expanded.pth", "zip, every bias a number expanded with stride 0", saved(expanded), truth),
    ]


def variants() -> list[Checkpoint]:
    """All of them, and the files that their values are compared with."""
    state = micro(MICRO)
    truth = "micro.safetensors"
    others = [
        Checkpoint("safetensors_inside.pth", "a safetensors file named .pth", safetensors.torch.save(state)),
        Checkpoint("zip_inside.safetensors", "a zip checkpoint named .safetensors", saved({"state_dict": flat(state)})),
        Checkpoint(
            "save_model.safetensors",
            "`safetensors.torch.save_model`: one slope kept, the others named in the metadata",
            save_model(state),
        ),
    ]
    made = [*zip_layouts(state), *wrappers(state), *dtypes(state), *storages(state), *others]
    return [
        Checkpoint(
            truth,
            "truth: n 2, s 1, o 1, num_cab 1, reduction 2; numbers that are exact in bf16 and f16",
            safetensors.torch.save(state),
            truth,
        ),
        *(Checkpoint(one.name, one.what, one.content, truth) for one in made),
        *biased(),
    ]
