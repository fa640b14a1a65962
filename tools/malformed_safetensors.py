"""Safetensors files that are none: headers and offsets that do not fit, and values that are no weights."""

from __future__ import annotations

import json
import struct

import safetensors.torch
import torch

from checkpoint_container import Checkpoint
from checkpoint_variants import MICRO, micro

KEY = "shallow_feat1.0.weight"
SHAPE = [2, 3, 3, 3]
BYTES = 4 * 54
DATA = b"\x00\x00\x80\x3f" * 54
NESTED = 10_000


def raw(header: bytes, data: bytes = DATA, length: int | None = None) -> bytes:
    """A file with that header, whatever it is; `length` is what it claims to be long."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(begin: int = 0, end: int = BYTES, shape: list[int] | None = None, dtype: str = "F32") -> dict[str, object]:
    """A tensor of a header."""
    return {"dtype": dtype, "shape": SHAPE if shape is None else shape, "data_offsets": [begin, end]}


def one(**fields: object) -> bytes:
    """A file of one tensor."""
    return raw(json.dumps({KEY: entry(**fields)}).encode())


def two(first: dict[str, object], second: dict[str, object], data: bytes = DATA + DATA) -> bytes:
    """A file of two tensors."""
    return raw(json.dumps({KEY: first, "tail.weight": second}).encode(), data)


def headers() -> dict[str, tuple[str, bytes]]:
    """Headers that cannot be read."""
    valid = json.dumps(entry()).encode()
    twice = b'{"' + KEY.encode() + b'": ' + valid + b', "' + KEY.encode() + b'": ' + valid + b"}"
    return {
        "short": ("7 bytes", b"\x08\x00\x00\x00\x00\x00\x00"),
        "no_header": ("a length and nothing else", struct.pack("<Q", 100)),
        "length_2_63": ("a header of 2^63 bytes", raw(b"{}", b"", 1 << 63)),
        "length_2_64": ("a header of 2^64 - 1 bytes", raw(b"{}", b"", (1 << 64) - 1)),
        "length_100_mb": ("a header that claims 100 MB", raw(b"{}", b"", 100_000_000)),
        "length_zero": ("a header of 0 bytes", raw(b"", DATA)),
        "not_json": ("a header that is not JSON", raw(b'{"' + KEY.encode() + b'": ')),
        "not_utf8": ("a key that is not UTF-8", raw(b'{"\xff\xfe": ' + valid + b"}")),
        "array": ("a header that is a list", raw(b"[1, 2]")),
        "nested": (f"{NESTED:,} lists within each other", raw(b'{"a": ' + b"[" * NESTED)),
        "duplicate": ("a key twice", raw(twice)),
        "empty": ("no tensor", raw(b"{}", b"")),
        "metadata": ("metadata that is not text", raw(b'{"__metadata__": {"epoch": 12}}', b"")),
        "dtype": ("an unknown number format", one(dtype="F31")),
        "text_shape": ("a shape of text", one(shape=["2", "3", "3", "3"])),
    }


def offsets() -> dict[str, tuple[str, bytes]]:
    """Tensors that are not where they are said to be."""
    return {
        "overlap": ("two tensors that overlap", two(entry(), entry(4, BYTES + 4))),
        "same": ("two tensors in one place", two(entry(), entry(), DATA)),
        "hole": ("bytes between two tensors", two(entry(), entry(BYTES + 8, 2 * BYTES + 8), DATA + bytes(8) + DATA)),
        "past_end": ("offsets past the end of the file", one(begin=1 << 40, end=(1 << 40) + BYTES)),
        "overflow": ("offsets at the end of 64 bits", one(begin=(1 << 64) - BYTES, end=(1 << 64) - 1)),
        "backwards": ("an end before the beginning", one(begin=BYTES, end=0)),
        "negative": ("a negative offset", one(begin=-BYTES, end=0)),
        "product": ("a shape whose product is 2^64", one(shape=[1 << 32, 1 << 32, 1, 1])),
        "mismatch": ("a shape of more values than bytes", one(shape=[4, 3, 3, 3])),
        "trailing": ("bytes behind the last tensor", raw(json.dumps({KEY: entry()}).encode(), DATA + bytes(8))),
        "truncated": ("half of the bytes", raw(json.dumps({KEY: entry()}).encode(), DATA[: BYTES // 2])),
    }


def values() -> dict[str, tuple[str, bytes]]:
    """Whole files with values that are no weights."""
    found = {}
    for name, value in (("nan", float("nan")), ("infinity", float("inf"))):
        state = {key: tensor.half() for key, tensor in micro(MICRO).items()}
        state["stage2_decoder.up32.up.1.weight"][1, 2] = value
        found[name] = (f"micro with one {value}", safetensors.torch.save(state))
    integers = {KEY: torch.ones(SHAPE, dtype=torch.int64)}
    return found | {"integers": ("integers", safetensors.torch.save(integers))}


def safetensors_files() -> list[Checkpoint]:
    """All of them."""
    files = headers() | offsets() | values()
    return [Checkpoint(f"{name}.safetensors", what, content) for name, (what, content) in files.items()]
