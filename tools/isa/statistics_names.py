"""The statistics of `VK_KHR_pipeline_executable_properties`, which every driver names its own way, in common terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """None is what a driver does not say."""

    registers: int | None
    """Of a lane: AMD's VGPRs, NVIDIA's GPRs, Qualcomm's vec4, Apple's of 16 bits; Intel: most alive at a time."""
    spills: int
    """Values that went to memory, or to lanes of other registers."""
    fills: int
    """Values that came back, where the driver counts them."""
    scratch: int
    """Bytes of a lane's own memory, or of a subgroup's (AMD, Intel)."""
    occupancy: int | None
    """AMD: subgroups a SIMD (RADV counts one of 64 as two); NVIDIA: warps a multiprocessor; Qualcomm: waves a core;
    Apple: threads a core. Intel's threads do not depend on the program: its `simd` does."""
    max_occupancy: int | None
    simd: int
    """Lanes of a subgroup."""
    code_bytes: int | None
    cycles: int | None
    """The compiler's own guess: AMD's inverse throughput, Intel's and NVIDIA's cycles. For one loop nest only."""
    latency: int | None
    shared_bytes: int | None
    """Workgroup memory."""

    @property
    def clean(self) -> bool:
        """Nothing is spilled, and nothing lies in scratch memory."""
        return not (self.spills or self.fills or self.scratch)


def amd_waves(device: str, subgroup: int) -> int:
    """The most that RADV counts a SIMD."""
    if re.search(r"VEGA|ARCTURUS|ALDEBARAN|RAVEN|RENOIR|MI\d", device):
        return 10
    slots = 20 if re.search(r"NAVI1\d", device) else 16
    return slots * max(subgroup, 32) // 32


def nvidia_warps(device: str) -> int | None:
    """Of a multiprocessor, by the chip's number in NVK's name."""
    found = re.search(r"NVK ([0-9A-F]{2})", device)
    return {"13": 64, "14": 64, "16": 32, "17": 48, "19": 48, "1B": 48}.get(found[1]) if found else None


def normalised(dialect: str, told: Mapping[str, str], subgroup: int, device: str) -> Statistics:
    """A driver's statistics in common terms."""

    def number(name: str) -> int | None:
        value = told.get(name, "")
        return int(float(value)) if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", value) else None

    def total(*names: str) -> int:
        return sum(number(name) or 0 for name in names)

    def made(
        registers: str, spills: int, fills: int, scratch: str, waves: str, most: int | None, cycles: str
    ) -> Statistics:
        shared = number("LDS size") if dialect == "aco" else number("Workgroup Memory Size")
        return Statistics(
            number(registers), spills, fills, total(scratch), number(waves), most, subgroup, number("Code size"),
            number(cycles), number("Latency"), shared,
        )  # fmt: skip

    if dialect == "aco":
        spills = total("Spilled VGPRs", "Spilled SGPRs")
        waves = amd_waves(device, subgroup)
        return made("VGPRs", spills, 0, "Scratch size", "Subgroups per SIMD", waves, "Inverse Throughput")
    if dialect == "brw":
        return made("Max live registers", total("Spills"), total("Fills"), "Scratch Memory Size", "", None, "Cycles")
    if dialect == "nak":
        spills, fills = total("Spills to memory"), total("Fills from memory")
        return made(
            "Number of GPRs", spills, fills, "SLM size", "Max warps/SM", nvidia_warps(device), "Static cycle count"
        )
    if dialect == "ir3":
        return made("Registers used", total("STP Count"), total("LDP Count"), "", "Max Waves Per Core", 16, "")
    # Apple's driver, whose assembly may be missing where its statistics are not.
    return made("GPRs", total("Spills"), total("Fills"), "Scratch", "Threads", 1024, "")
