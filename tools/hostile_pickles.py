"""Pickles that no reader may believe: programs that run commands, and programs that exhaust memory or the stack.

Every command creates the file `mprnet_pickle_was_executed` in the current directory, and does nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

MARKER = b"mprnet_pickle_was_executed"
DEPTH = 20_000
DOUBLINGS = 64

Programs = Mapping[str, tuple[str, bytes]]
"""What each program does, and the program."""


def text(value: bytes) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value)) + value


def named(module: bytes, name: bytes) -> bytes:
    """GLOBAL."""
    return b"c" + module + b"\n" + name + b"\n"


def named_by_stack(module: bytes, name: bytes) -> bytes:
    """STACK_GLOBAL."""
    return text(module) + text(name) + b"\x93"


def commands() -> Programs:
    """Programs that run a command where they are executed."""
    touch = text(b"touch " + MARKER) + b"\x85"
    opening = text(b"open('" + MARKER + b"', 'w')") + b"\x85"
    system = named(b"os", b"system")
    partial = named(b"functools", b"partial") + named(b"builtins", b"print") + b"\x85R"
    beside = text(b"epoch") + b"K\x01" + text(b"state_dict") + b"}" + text(b"hook") + system + touch + b"R"
    programs = {
        "os_system": ("GLOBAL `os.system`, REDUCE", system + touch + b"R"),
        "eval": ("GLOBAL `builtins.eval`, REDUCE", named(b"builtins", b"eval") + opening + b"R"),
        "eval_python2": ("GLOBAL `__builtin__.eval`, REDUCE", named(b"__builtin__", b"eval") + opening + b"R"),
        "stack_global": ("STACK_GLOBAL `posix.system`, REDUCE", named_by_stack(b"posix", b"system") + touch + b"R"),
        "dotted": (
            "STACK_GLOBAL `os.system` of `torch.serialization`: a known module, another's function",
            named_by_stack(b"torch.serialization", b"os.system") + touch + b"R",
        ),
        "inst": ("INST `os.system`", b"(" + text(b"touch " + MARKER) + b"ios\nsystem\n"),
        "obj": ("OBJ `os.system`", b"(" + system + text(b"touch " + MARKER) + b"o"),
        "build": (
            "BUILD puts `os.system` into a `functools.partial`, which REDUCE then calls",
            partial + b"(" + system + touch + b"}Ntb)R",
        ),
        "extension": ("EXT1, a function by number", b"\x82\x01" + touch + b"R"),
        "beside_weights": ("a dict with `epoch`, `state_dict` and a call of `os.system`", b"}(" + beside + b"u"),
    }
    # Names with dots need protocol 4, Python 2's names need one before 3.
    return {
        name: (what, (b"\x80\x04" if b"\x93" in program else b"\x80\x02") + program + b".")
        for name, (what, program) in programs.items()
    }


def _memo_bomb() -> bytes:
    levels = [b"]q\x00"]
    for level in range(1, DOUBLINGS):
        levels.append(b"0(" + bytes([0x68, level - 1]) * 10 + bytes([0x6C, 0x71, level]))
    return b"".join(levels)


def exhausting() -> Programs:
    """Small programs that grow or that claim to be large, and broken ones."""
    claim32, claim64 = struct.pack("<I", 0xFFFF_FFF0), struct.pack("<Q", 1 << 62)
    programs = {
        "pairs": (
            f"a pair of a pair of ..., {DOUBLINGS} times, all the same: 2^{DOUBLINGS} leaves",
            b"K\x01" + b"2\x86" * DOUBLINGS,
        ),
        "memo_bomb": (f"a list of ten times a list of ten times ..., {DOUBLINGS} times, by BINGET", _memo_bomb()),
        "deep_tuples": (f"{DEPTH:,} tuples within each other", b")" + b"\x85" * DEPTH),
        "cycle": ("a list that holds itself", b"]q\x00h\x00a"),
        "cycle_state_dict": ("a dict whose `state_dict` is itself", b"}q\x00" + text(b"state_dict") + b"h\x00s"),
        "long_memo_index": ("LONG_BINPUT at 4,294,967,280", b"}r" + claim32),
        "long_text": ("BINUNICODE that claims 4 GB", b"X" + claim32 + b"a"),
        "long_text8": ("BINUNICODE8 that claims 2^62 bytes", b"\x8d" + claim64 + b"a"),
        "long_bytes8": ("BINBYTES8 that claims 2^62 bytes", b"\x8e" + claim64 + b"a"),
        "long_frame": ("FRAME that claims 2^62 bytes", b"\x95" + claim64 + b"}"),
        "long_integer": ("LONG4 that claims 2 GB", b"\x8b" + struct.pack("<i", 0x7FFF_FFFF) + b"\x01"),
        "negative_integer": ("LONG4 with a negative length", b"\x8b" + struct.pack("<i", -1) + b"\x01"),
        "underflow": ("REDUCE on an empty stack", b"R"),
        "no_mark": ("SETITEMS without MARK", b"}u"),
        "unknown_memo": ("BINGET of what was never put", b"h\x07"),
        "unknown_opcode": ("opcode 0xff", b"}\xff"),
        "persistent": ("persistent id that is no storage", text(b"weights") + b"Q"),
        "integer": ("an integer instead of a dict", b"K\x07"),
    }
    found = {name: (what, b"\x80\x04" + program + b".") for name, (what, program) in programs.items()}
    return found | {"no_stop": ("no STOP", b"\x80\x04}"), "protocol": ("protocol 9", b"\x80\x09}.")}
