"""Which unit of a GPU an instruction keeps busy, for how many cycles, and how many bytes it moves.

Units of a scheduler ("SIMD", partition, vector engine): `issue`, `vector`, `integer`, `scalar`, `matrix`. Units that the
schedulers of a compute unit share: `shared` (workgroup memory) and `memory` (addresses and data of loads and stores).
Cycles are of one subgroup's instruction. Sources, by vendor:

- AMD: Mesa's compiler (src/amd/compiler/aco_statistics.cpp) says which instructions of 64 lanes pass in one cycle on RDNA3
  and RDNA4, and the cost of slow ones; a matrix instruction's cycles follow from the card's published rate. Workgroup
  memory gives 128 bytes a cycle and compute unit, the vector cache as many; a SIMD issues four instructions a cycle, of
  different kinds (AMD, "RDNA Architecture" white paper, 2019).
- NVIDIA: an instruction a cycle and partition; since Ampere half of the 32 lanes compute integers too, so that those take
  two cycles of that half; Turing has 16 lanes of each ("NVIDIA Ampere GA102 GPU Architecture" and "Turing" white papers).
  128 bytes a cycle and multiprocessor from the cache and shared memory, which are one.
- Intel: 8 lanes of 32 bits a vector engine (Xe-HPG), 16 (Xe2); floats and integers have a port each (Intel's oneAPI
  optimization guide, "Intel Xe GPU Architecture").
- Qualcomm, Apple: four schedulers of 64 lanes, of 32; an instruction a cycle. Neither is documented by its maker.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from dialects import Instruction

# What ACO counts as one cycle for 64 lanes on GPUs that issue two at once.
PAIRED = re.compile(
    r"v_(fma|fmac|fmaak|fmamk|mul|add|sub|subrev|mul_legacy|fma_legacy|fmac_legacy|max|min)_f(16|32)|v_mov_b(16|32)|"
    r"v_cndmask_b(16|32)|v_(add|sub|mad)_[iu]16|v_(max|min)_[iu]16|v_dot2\w*"
)
QUARTER = re.compile(r"v_mul_(lo|hi)_[iu]32|v_mad_[iu]64_[iu]32|v_(rcp|rsq|sqrt|exp|log|sin|cos)_f(16|32)")


@dataclass(frozen=True)
class Rates:
    """What an architecture does in a cycle."""

    lanes: int
    """Multiply-adds of f32 that a scheduler's lanes do."""
    integers: int
    """Lanes of a scheduler that compute integers; as many as `lanes` where all do."""
    matrix: float = 0.0
    """Multiply-adds of f16 that a scheduler's matrix unit does, sums in f32."""
    shared_bytes: int = 128
    """Of workgroup memory, a compute unit."""
    memory_bytes: int = 128
    """Between registers and the first cache, a compute unit."""
    double_f16: bool = True
    """Whether f16 in pairs is twice as fast."""


@lru_cache(maxsize=None)
def words(text: str, kind: str) -> int:
    """Bytes that a lane's access moves; 0 for what moves none."""
    if not kind.endswith(("load", "store")):
        return 0
    if found := re.search(r"\b(?:ds|buffer|global|flat|scratch|image)_\w*", text.split()[0]):
        return aco_bytes(found[0])
    if found := re.search(r"(?:load|store)\.\w+\.d(\d+)(?:u\d+)?(?:x(\d+))?", text):
        return int(found[1]) // 8 * int(found[2] or 1)
    if found := re.search(r"\bldsm\S*x(\d)|\bldsm", text):
        return 4 * int(found[1] or 1)
    if found := re.match(r".*?\b(?:LD|ST)[GSL]\S*", text):
        wide = re.search(r"\.(128|64|U?8|[US]?16)\b", found[0])
        return {"128": 16, "64": 8}.get(wide[1], 2 if "16" in wide[1] else 1) if wide else 4
    if found := re.search(r"\b(?:ldib|stib|ldg|stg)\S*?\.[usf](\d+)(?:\.(\d))?", text):
        return int(found[1]) // 8 * int(found[2] or 1)
    if found := re.search(r"\b(?:ldl|stl|ldp|stp)\S*\.[usf](\d+).*,\s*(\d+)\s*$", text):
        return int(found[1]) // 8 * int(found[2])
    if found := re.search(r"\b(?:ld|st)\S*\.[bui](\d+)\b", text):
        return int(found[1]) // 8
    return 16 if re.search(r"\bisam|\bsam\b", text) else 4


def aco_bytes(op: str) -> int:
    """`buffer_load_b128`, `buffer_load_dwordx4`, `ds_load_2addr_stride64_b64`, `ds_load_u16_d16`."""
    times = 2 if "2addr" in op or re.search(r"(read|write)2", op) else 1
    if found := re.search(r"dwordx(\d)", op):
        return 4 * int(found[1])
    if re.search(r"[ui]16|d16|b16|short", op):
        return 2
    if re.search(r"[ui]8|b8|byte", op):
        return 1
    found = re.search(r"_b(\d+)", op)
    return times * (int(found[1]) // 8 if found else 16 if "format_xyzw" in op else 4)


def charge(instruction: Instruction, dialect: str, subgroup: int, rates: Rates) -> dict[str, float]:
    """Cycles of each unit that the instruction takes, repetitions included."""
    kind, count = instruction.kind, instruction.count
    if kind == "wait":
        return {}
    width = instruction.width or subgroup
    moved = words(instruction.text, kind) * width * count
    if kind in ("shared_load", "shared_store"):
        return {"issue": count, "shared": max(moved / rates.shared_bytes, 1.0)}
    if kind in ("load", "store", "scratch_load", "scratch_store"):
        return {"issue": count, "memory": max(moved / rates.memory_bytes, 1.0)}
    if kind in ("scalar_load", "barrier", "branch"):
        return {"issue": count}
    if kind == "salu":
        return {"issue": count, "scalar": count}
    if kind == "matrix":
        cycles = instruction.work / rates.matrix if rates.matrix else 0.0
        # AMD's matrices are computed by the vector unit.
        return {"issue": count, "matrix": cycles} | ({"vector": cycles} if dialect == "aco" else {})
    return VECTORS[dialect](instruction, width, count, rates)


def aco_vector(i: Instruction, width: int, count: int, rates: Rates) -> dict[str, float]:
    """One cycle for 32 lanes; the second of a pair costs nothing."""
    if i.paired:
        return {}
    passes = (
        1 if width <= rates.lanes or (PAIRED.fullmatch(i.op) and not i.op.startswith("v_pk")) else width / rates.lanes
    )
    return {"issue": 1, "vector": passes * (4 if QUARTER.fullmatch(i.op) else 1)}


def nvidia_vector(i: Instruction, width: int, count: int, rates: Rates) -> dict[str, float]:
    """Floats on all lanes; all else on those that compute integers, and conversions on an eighth of them."""
    floats = i.kind == "fma" or re.match(r"(f(add|mul|mnmx|sel)|h(add|mul)2)\b", i.op.lower())
    cycles = width / rates.lanes
    if floats or rates.integers == 0:
        return {"issue": 1, "vector": cycles}
    slow = 4 if i.kind == "cvt" and "f2fp" not in i.op.lower() else 1
    return {"issue": 1, "vector": cycles, "integer": slow * width / rates.integers}


def intel_vector(i: Instruction, width: int, count: int, rates: Rates) -> dict[str, float]:
    """Floats and integers on ports of their own; halves pass at twice the rate where all operands are."""
    types = re.findall(r":(hf|f|df|q|uq|d|ud|w|uw|b|ub)\b", i.text)
    halves = bool(types) and all(t in ("hf", "w", "uw") for t in types)
    cycles = max(width / rates.lanes / (2 if halves and rates.double_f16 else 1), 1.0)
    floats = i.kind == "fma" or (types and types[0] in ("f", "hf"))
    return {"issue": 1, "vector" if floats else "integer": cycles}


def plain_vector(i: Instruction, width: int, count: int, rates: Rates) -> dict[str, float]:
    """All alike; halves twice as fast where the architecture says so."""
    halves = bool(re.search(r"\.f16\b|^hf|\bhr\d", i.text)) and rates.double_f16
    cycles = count * max(width / rates.lanes, 0.5 if halves else 1.0) / (2 if halves and width > rates.lanes else 1)
    return {"issue": cycles, "vector": cycles}


VECTORS = {
    "aco": aco_vector, "nak": nvidia_vector, "sass": nvidia_vector, "brw": intel_vector, "ir3": plain_vector,
    "agx": plain_vector,
}  # fmt: skip


ISSUED = {"aco": 4, "brw": 2}
"""Instructions a cycle and scheduler, of different subgroups to different units; one elsewhere."""


def total(instructions: list[Instruction], dialect: str, subgroup: int, rates: Rates) -> Counter[str]:
    """Cycles of each unit for all of them once."""
    sums: Counter[str] = Counter()
    for instruction in instructions:
        sums.update(charge(instruction, dialect, subgroup, rates))
    sums["issue"] /= ISSUED.get(dialect, 1)
    return sums
