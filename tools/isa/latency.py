"""How long one subgroup takes for a piece of code by itself: instructions in order, loads in flight until their waits.

What an instruction waits for is read from the listing as `waits.py` reads it; how long a load takes is the card's. What is
computed in between hides it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dialects import Instruction
from units import Rates, charge
from waits import DONE, Flight

DIRECT = ("load", "scalar_load", "scratch_load")
LOADS = (*DIRECT, "shared_load")
SETTLED = 2
"""Times that a loop's body is gone through, of which the last counts: a value may be waited for in the next iteration."""


def shared_done(dialect: str, instruction: Instruction, flying: list[Flight]) -> list[Flight]:
    """Loads from workgroup memory that an instruction waits for: AMD counts them apart, in order."""
    if dialect == "aco":
        count = re.search(r"lgkmcnt\((\d+)\)", instruction.text) or re.match(r"s_wait_dscnt (\w+)", instruction.text)
        left = int(count[1], 0) if count else None
        if both := re.match(r"s_wait_loadcnt_dscnt (\w+)", instruction.text):
            left = int(both[1], 0) & 0xFF
        return [] if left is None else flying[: max(len(flying) - left, 0)]
    if dialect == "ir3":
        return list(flying) if re.search(r"\((ss|sy)\)", instruction.text) else []
    return DONE[dialect](instruction, flying)


def stall(dialect: str, instruction: Instruction) -> float:
    """Cycles that the instruction's own text adds: NVIDIA's stall counts, Qualcomm's idle cycles."""
    if found := re.search(r"// delay=(\d+)", instruction.text):
        return max(int(found[1]) - 1, 0)
    return instruction.count if dialect == "ir3" and instruction.op == "nop" else 0.0


class Walk:
    """Time goes on from piece to piece, and so does what is in flight."""

    def __init__(self, dialect: str, subgroup: int, rates: Rates, latency: Mapping[str, float]) -> None:
        self.dialect, self.subgroup, self.rates, self.latency = dialect, subgroup, rates, latency
        self.now = 0.0
        self.flying: list[Flight] = []
        self.shared: list[Flight] = []
        self.ready: dict[Flight, float] = {}

    def run(self, code: Sequence[Instruction]) -> float:
        """Executes code once; gives the cycles until its last instruction has issued."""
        begin = self.now
        for instruction in code:
            self.wait(instruction)
            cycles = charge(instruction, self.dialect, self.subgroup, self.rates)
            self.now += max((c for unit, c in cycles.items() if unit not in ("shared", "memory")), default=0.0)
            self.now += stall(self.dialect, instruction)
            if instruction.kind in LOADS:
                moved = max(cycles.get("shared", 0.0), cycles.get("memory", 0.0))
                flight = Flight(instruction, 0)
                self.ready[flight] = self.now + moved + self.latency[instruction.kind]
                (self.shared if instruction.kind == "shared_load" else self.flying).append(flight)
        return self.now - begin

    def wait(self, instruction: Instruction) -> None:
        """Until what the instruction waits for is there."""
        done = list(DONE[DIALECT.get(self.dialect, self.dialect)](instruction, self.flying))
        shared = list(shared_done(DIALECT.get(self.dialect, self.dialect), instruction, self.shared))
        for flight, flying in [(f, self.flying) for f in done] + [(f, self.shared) for f in shared]:
            flying.remove(flight)
            self.now = max(self.now, self.ready.pop(flight))


DIALECT = {"sass": "nak"}
"""Listings whose waits read as another's: `nvidia.py` writes them so."""
