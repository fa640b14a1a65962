"""Files that look like PyTorch checkpoints and must be refused, without a crash, a command or gigabytes of memory."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from dataclasses import dataclass

import torch
from torch._utils import _rebuild_sparse_tensor

from checkpoint_container import (
    EPOCH,
    Checkpoint,
    Storage,
    View,
    contiguous,
    dumps,
    legacy_checkpoint,
    views,
    zip_archive,
    zip_checkpoint,
)
from checkpoint_variants import MICRO
from hostile_pickles import commands, exhausting
from malformed_safetensors import safetensors_files

KEY = "shallow_feat1.0.weight"
SHAPE = (2, 3, 3, 3)
NUMEL = 256
"""At least the values of any tensor of micro."""
ONES = struct.pack("<f", 1.0) * NUMEL
STORAGE = Storage("0", NUMEL)
PICKLE = "archive/data.pkl"
MIB = 1 << 20
DIMENSIONS = 10_000
DEPTH = 1_000_000

Files = dict[str, tuple[str, bytes]]


@dataclass(frozen=True)
class Sparse:
    """A sparse tensor of a checkpoint."""

    indices: View
    values: View
    size: tuple[int, ...]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_sparse_tensor, (torch.sparse_coo, (self.indices, self.values, self.size, True))


def micro_with(tensor: object, key: str = KEY, **storages: bytes) -> bytes:
    """The right keys and shapes, and `tensor` under a key; the pickle is compressed to keep the file small."""
    state = views(MICRO.shapes(), STORAGE) | {key: tensor}
    entries = {"0": ONES} | {name.removeprefix("_"): content for name, content in storages.items()}
    return zip_checkpoint(dumps({"state_dict": state}), entries, deflate=[PICKLE])


def micro_of(kind: type, content: bytes) -> bytes:
    """The right keys and shapes in another number format."""
    state = views(MICRO.shapes(), Storage("0", NUMEL, kind))
    return zip_checkpoint(dumps({"state_dict": state}), {"0": content}, deflate=[PICKLE])


def shapes() -> Files:
    """Views that no storage has."""
    strides = contiguous(SHAPE)
    ones = (1,) * DIMENSIONS
    absurd = {
        "size_2_40": ("2^40 values of a storage of 256", View(STORAGE, (1 << 40,), (1,))),
        "size_expanded": ("2^40 values by stride 0", View(STORAGE, (1 << 40,), (0,))),
        "size_product": (
            "a size whose product is 2^64, by stride 0",
            View(STORAGE, (1 << 32, 1 << 32, 1, 1), (0,) * 4),
        ),
        "size_negative": ("a negative size", View(STORAGE, (-2, 3, 3, 3), strides)),
        "size_beyond_i64": ("a size of 2^64 + 2", View(STORAGE, ((1 << 64) + 2, 3, 3, 3), strides)),
        "size_text": ("a size of text", View(STORAGE, ("2", "3", "3", "3"), strides)),
        "size_zero": ("no values", View(STORAGE, (0, 3, 3, 3), strides)),
        "dimensions": (f"{DIMENSIONS:,} dimensions", View(STORAGE, ones, ones)),
        "stride_negative": ("negative strides", View(STORAGE, SHAPE, (-27, -9, -3, -1), 100)),
        "stride_overflow": ("strides of 2^62", View(STORAGE, SHAPE, (1 << 62, 1 << 62, 3, 1))),
        "stride_missing": ("fewer strides than sizes", View(STORAGE, SHAPE, (9, 3, 1))),
        "offset_negative": ("a negative offset", View(STORAGE, SHAPE, strides, -1)),
        "offset_beyond": ("an offset behind the storage", View(STORAGE, SHAPE, strides, NUMEL - 53)),
        "offset_overflow": ("an offset of 2^63 - 1", View(STORAGE, SHAPE, strides, (1 << 63) - 1)),
    }
    return {name: (what, micro_with(view)) for name, (what, view) in absurd.items()}


def storages() -> Files:
    """Storages that are not what the pickle says."""

    def stored(storage: Storage, content: bytes) -> bytes:
        return micro_with(View(storage, SHAPE, contiguous(SHAPE)), _1=content)

    named = View(Storage("../version", 54), SHAPE, contiguous(SHAPE))
    return {
        "numel_negative": ("a negative number of values", stored(Storage("1", -54), ONES[:216])),
        "numel_short": ("54 values in 53", stored(Storage("1", 54), ONES[:212])),
        "numel_odd": ("bytes that are no whole number of values", stored(Storage("1", 54), ONES[:215])),
        "no_storage": ("a storage that is not in the archive", stored(Storage("2", 54), ONES[:216])),
        "storage_path": ("a storage named `../version`", micro_with(named)),
    }


def values() -> Files:
    """Whole checkpoints that are not the weights of an MPRNet."""

    def own(value: float) -> bytes:
        content = ONES[:212] + struct.pack("<f", value)
        return micro_with(View(Storage("1", 54), SHAPE, contiguous(SHAPE)), _1=content)

    indices = View(Storage("1", 4, torch.LongStorage), (4, 1), (1, 1))
    sparse = Sparse(indices, View(STORAGE, (1,), (1,)), SHAPE)
    without = {key: shape for key, shape in MICRO.shapes().items() if key != "sam23.conv2.weight"}
    missing = zip_checkpoint(dumps(views(without, STORAGE)), {"0": ONES}, deflate=[PICKLE])
    wide = View(STORAGE, (4, 3, 3, 3), contiguous((4, 3, 3, 3)))
    return {
        "nan": ("one NaN", own(float("nan"))),
        "infinity": ("one infinity", own(float("-inf"))),
        "wrong_shape": ("`tail.weight` with a channel too many", micro_with(wide, "tail.weight")),
        "missing_key": ("without `sam23.conv2.weight`", missing),
        "unknown_key": ("a `head.weight` more", micro_with(wide, "head.weight")),
        "integers": ("int64", micro_of(torch.LongStorage, struct.pack("<q", 1) * NUMEL)),
        "bytes": ("uint8", micro_of(torch.ByteStorage, b"\x01" * NUMEL)),
        "booleans": ("bool", micro_of(torch.BoolStorage, b"\x01" * NUMEL)),
        "complex": ("complex64", micro_of(torch.ComplexFloatStorage, struct.pack("<ff", 1, 1) * NUMEL)),
        "sparse": ("a sparse tensor", micro_with(sparse, _1=bytes(32))),
        "not_a_tensor": ("a weight that is a number", micro_with(0.5)),
        "no_tensors": ("a dict without tensors", zip_checkpoint(dumps({"state_dict": {}, "epoch": 3}))),
    }


def patched(content: bytes = ONES, deflate: bool = False, **fields: int) -> bytes:
    """A checkpoint whose central directory says something else of its storage."""
    name = "archive/data/0"
    entries = {PICKLE: dumps(views(MICRO.shapes(), STORAGE)), "archive/byteorder": b"little", name: content}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for entry, stored in (entries | {"archive/version": b"3\n"}).items():
            kind = zipfile.ZIP_DEFLATED if deflate or entry == PICKLE else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(entry, EPOCH), stored, kind)
        for field, value in fields.items():
            setattr(archive.getinfo(name), field, value)
    return file.getvalue()


def archives() -> Files:
    """Zip archives that are broken or that grow."""
    data = dumps(views(MICRO.shapes(), STORAGE))
    good = zip_checkpoint(data, {"0": ONES}, deflate=[PICKLE])

    def grown(program: bytes) -> bytes:
        return zip_checkpoint(b"\x80\x02" + program, {"0": ONES}, deflate=[PICKLE])

    nested = b"}X\x01\x00\x00\x00k" * (DEPTH // 10) + b"N" + b"s" * (DEPTH // 10)
    return {
        "truncated": ("the first half", good[: len(good) // 2]),
        "truncated_end": ("without its last byte", good[:-1]),
        "empty_archive": ("an archive without entries", zip_archive([])),
        "no_pickle": ("an archive without `data.pkl`", zip_archive([("readme.txt", b"weights\n")])),
        "byteorder": ("byte order `middle`", zip_checkpoint(data, {"0": ONES}, "middle", [PICKLE])),
        "method": ("compression method 99", patched(compress_type=99)),
        "encrypted": ("an encrypted storage", patched(flag_bits=1)),
        "entry_offset": ("a storage behind the end of the file", patched(header_offset=1 << 33)),
        "entry_overlap": ("a storage where the pickle is", patched(header_offset=0)),
        "entry_claims": ("1 kB that claims 2^40 bytes", patched(bytes(MIB), True, file_size=1 << 40)),
        "stored_claims": (
            "a stored entry that claims 2^40 bytes",
            patched(file_size=1 << 40, compress_size=1 << 40),
        ),
        "bomb_zeros": ("a pickle of 104 MiB of zeros", grown(bytes(104 * MIB))),
        "bomb_lists": ("a pickle of 96 MiB that is an empty list per byte", grown(b"]" * (96 * MIB))),
        "bomb_marks": ("a pickle of 16 MiB that is a MARK per byte", grown(b"(" * (16 * MIB))),
        "bomb_tuples": (f"{DEPTH:,} tuples within each other", grown(b")" + b"\x85" * DEPTH + b".")),
        "bomb_dicts": (f"{DEPTH // 10:,} dicts within each other", grown(nested + b".")),
    }


def legacy() -> Files:
    """The layout before torch 1.6, broken."""
    data = dumps({KEY: View(STORAGE, SHAPE, contiguous(SHAPE))}, legacy=True)
    good = legacy_checkpoint(data, {"0": (NUMEL, ONES)})
    return {
        "truncated": ("without its last value", good[:-4]),
        "truncated_pickle": ("ends within the pickle", good[: good.index(b"_rebuild_tensor_v2") + 8]),
        "magic": ("only the magic number", good[: good.index(b".") + 1]),
        "numel": ("a storage that claims 2^61 values", legacy_checkpoint(data, {"0": (1 << 61, ONES)})),
        "numel_negative": ("a storage of -1 values", legacy_checkpoint(data, {"0": (-1, ONES)})),
        "no_storage": ("no storage", legacy_checkpoint(data)),
        "other_storage": ("another storage", legacy_checkpoint(data, {"1": (NUMEL, ONES)})),
    }


def others() -> list[Checkpoint]:
    """What people have by mistake instead of a checkpoint."""
    page = b"<!DOCTYPE html>\n<html><head><title>Quota exceeded</title></head><body>Too many users.</body></html>\n"
    pointer = (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0123456789abcdef" * 4 + b"\nsize 80526371\n"
    )
    graph = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x1c\x0a\x05input\x12\x06output\x1a\x04Conv"
    files = {
        "empty.pth": ("0 bytes", b""),
        "empty_file.safetensors": ("0 bytes", b""),
        "text.pth": ("a text", b"The weights are on the project's page.\n"),
        "page.pth": ("a web page", page),
        "page.safetensors": ("a web page", page),
        "pointer.pth": ("a pointer of git-lfs", pointer),
        "pointer.safetensors": ("a pointer of git-lfs", pointer),
        "graph.pth": ("the beginning of an ONNX file", graph),
        "gzip.pth": ("a text compressed with gzip", gzip.compress(b"weights\n", mtime=0)),
        "zeros.pth": ("1 kB of zeros", bytes(1024)),
        "pickle.safetensors": ("pickle_os_system.pth under another name", commands()["os_system"][1]),
    }
    return [Checkpoint(name, what, content) for name, (what, content) in files.items()]


def malformed() -> list[Checkpoint]:
    """All of them."""
    found = []
    for name, (what, program) in commands().items():
        found.append(Checkpoint(f"pickle_{name}.pth", f"{what}; a bare pickle", program))
        found.append(Checkpoint(f"zip_{name}.pth", "the same in the zip layout", zip_checkpoint(program)))
        found.append(Checkpoint(f"legacy_{name}.pth", "the same before torch 1.6", legacy_checkpoint(program)))
    for name, (what, program) in exhausting().items():
        found.append(Checkpoint(f"grow_{name}.pth", f"zip, {what}", zip_checkpoint(program)))
    zips = shapes() | storages() | values() | archives()
    found += [Checkpoint(f"zip_{name}.pth", what, content) for name, (what, content) in zips.items()]
    found += [Checkpoint(f"legacy_{name}.pth", what, content) for name, (what, content) in legacy().items()]
    names = [one.name for one in found + others() + safetensors_files()]
    if len(set(names)) < len(names):
        raise ValueError("two files of one name")
    return [*found, *others(), *safetensors_files()]
