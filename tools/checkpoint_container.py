"""The containers of PyTorch checkpoints, written by hand: what `torch.save` never writes can be written too.

A checkpoint is a pickle in which every tensor is a call of `_rebuild_tensor_v2` on a storage named by a persistent
id, and the bytes of those storages: as entries of a zip archive (torch 1.6 and newer), or one after the other behind
five pickles (older).
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch._utils import _rebuild_tensor_v2

MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
EPOCH = (1980, 1, 1, 0, 0, 0)

HOOKS: OrderedDict[str, None] = OrderedDict()


@dataclass(frozen=True)
class Checkpoint:
    """A file: its name, what it is for the table, its bytes, and the file whose values it holds."""

    name: str
    what: str
    content: bytes
    truth: str = ""


@dataclass(frozen=True)
class Storage:
    """A storage of a checkpoint, as its persistent id has it."""

    key: str
    numel: int
    kind: type = torch.FloatStorage
    location: str = "cpu"


@dataclass(frozen=True)
class View:
    """A tensor of a checkpoint: sizes and strides over a storage, in whatever combination."""

    storage: Storage
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_tensor_v2, (self.storage, self.offset, self.size, self.stride, False, HOOKS)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, legacy: bool) -> None:
        super().__init__(file, protocol=2)
        self.legacy = legacy

    def persistent_id(self, value: object) -> tuple[object, ...] | None:
        if not isinstance(value, Storage):
            return None
        found = ("storage", value.kind, value.key, value.location, value.numel)
        return (*found, None) if self.legacy else found


def dumps(value: object, legacy: bool = False) -> bytes:
    """A pickle with `Storage` and `View` in it."""
    file = io.BytesIO()
    _Pickler(file, legacy).dump(value)
    return pickletools.optimize(file.getvalue())


def zip_archive(entries: Iterable[tuple[str, bytes]], deflate: Iterable[str] = ()) -> bytes:
    """An archive of these entries, the same bytes every time; those in `deflate` are compressed."""
    compressed = set(deflate)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 0
            kind = zipfile.ZIP_DEFLATED if name in compressed else zipfile.ZIP_STORED
            archive.writestr(entry, content, kind, 9)
    return file.getvalue()


def zip_checkpoint(
    data: bytes, storages: Mapping[str, bytes] | None = None, byteorder: str = "little", deflate: Iterable[str] = ()
) -> bytes:
    """A checkpoint in the zip layout, from its pickle and its storages."""
    entries = [("archive/data.pkl", data), ("archive/byteorder", byteorder.encode())]
    entries += [(f"archive/data/{key}", content) for key, content in (storages or {}).items()]
    return zip_archive([*entries, ("archive/version", b"3\n")], deflate)


def legacy_checkpoint(data: bytes, storages: Mapping[str, tuple[int, bytes]] | None = None) -> bytes:
    """A checkpoint in the layout before torch 1.6, from its pickle, and numel and bytes of its storages."""
    storages = storages or {}
    system = {
        "protocol_version": LEGACY_VERSION,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, LEGACY_VERSION, system))
    tail = b"".join(struct.pack("<q", numel) + content for numel, content in storages.values())
    return head + data + pickle.dumps(list(storages), 2) + tail


def contiguous(shape: Iterable[int]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    sizes = [*shape, 1]
    return tuple(int(np.prod(sizes[axis + 1 :])) for axis in range(len(sizes) - 1))


def views(shapes: Mapping[str, Iterable[int]], storage: Storage) -> dict[str, View]:
    """A view of each shape, all of them at the beginning of one storage: right shapes in a small file."""
    return {key: View(storage, tuple(shape), contiguous(shape)) for key, shape in shapes.items()}
