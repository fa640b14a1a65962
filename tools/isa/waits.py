"""How long loads of a loop are in flight: the multiply-adds between a load and the wait for its value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from assembly import Pipeline
from dialects import Instruction
from loops import Loop

ITERATIONS = 3
"""Of the loop that are gone through: a value may be waited for in the next."""


@dataclass(eq=False)
class Flight:
    """A load, and the products done before it and before the wait for it, from the begin of its iteration."""

    load: Instruction
    issued: int
    waited: int | None = None


@dataclass(frozen=True)
class Event:
    """What a line of the loop is for its loads, with the products before it."""

    at: int
    what: str


def aco_done(instruction: Instruction, flying: list[Flight]) -> list[Flight]:
    """Which loads a counter waits for: loads come back in order, scalar ones do not, so all of them."""
    text = instruction.text
    done: list[Flight] = []
    count = re.search(r"vmcnt\((\d+)\)", text) or re.search(r"s_wait_loadcnt (\w+)", text)
    left = int(count[1], 0) if count else None
    if both := re.match(r"s_wait_loadcnt_dscnt (\w+)", text):
        left = int(both[1], 0) >> 8
    if left is not None:
        vector = [f for f in flying if f.load.kind != "scalar_load"]
        done += vector[: max(len(vector) - left, 0)]
    if re.search(r"lgkmcnt\(0\)|s_wait_kmcnt 0x0", text):
        done += [f for f in flying if f.load.kind == "scalar_load"]
    return done


def nak_done(instruction: Instruction, flying: list[Flight]) -> list[Flight]:
    """Scoreboards: a load names one to set (`wr:3`), an instruction a mask of those it waits for (`wt=001000`)."""
    mask = re.search(r"\bwt=([01]+)", instruction.text)
    board = {f: re.search(r"\bwr:(\d)", f.load.text) for f in flying}
    return [f for f, b in board.items() if mask and b and mask[1][-1 - int(b[1])] == "1"]


def ir3_done(instruction: Instruction, flying: list[Flight]) -> list[Flight]:
    """(sy) waits for all."""
    return list(flying) if "(sy)" in instruction.text else []


def brw_done(instruction: Instruction, flying: list[Flight]) -> list[Flight]:
    """Tokens: a send sets `$4`, an instruction waits for `$4.dst`."""
    if instruction.op == "sync.allwr":
        return list(flying)
    waited = set(re.findall(r"\$(\d+)\.dst", instruction.text))
    return [f for f in flying if (own := re.search(r"[{,]\$(\d+)[},]", f.load.text)) and own[1] in waited]


def agx_done(instruction: Instruction, flying: list[Flight]) -> list[Flight]:
    """A load's last operand is a slot, which `wait` names."""
    if instruction.op != "wait":
        return []
    slot = instruction.text.split()[-1]
    return [f for f in flying if f.load.text.split()[-1] == slot]


DONE = {"aco": aco_done, "nak": nak_done, "ir3": ir3_done, "brw": brw_done, "agx": agx_done}


def flights(pipeline: Pipeline, loop: Loop, kinds: Iterable[str] = ("load",)) -> tuple[list[Flight], int]:
    """The loads of an iteration, and the multiply-adds that it does. A matrix instruction counts as one."""
    kinds = set(kinds)
    body = loop.all()
    products = sum(product(i) for i in body)
    done = DONE[pipeline.dialect.name] if pipeline.dialect else ir3_done
    first: list[Flight] = []
    flying: list[Flight] = []
    at = 0
    for iteration in range(ITERATIONS):
        for instruction in body:
            for flight in done(instruction, flying):
                flight.waited = at
                flying.remove(flight)
            # Spilled values come back through the same counters.
            if instruction.kind in kinds | {"scratch_load"}:
                flight = Flight(instruction, at)
                flying.append(flight)
                if iteration == 0 and instruction.kind in kinds:
                    first.append(flight)
            at += product(instruction)
    return first, products


def product(instruction: Instruction) -> int:
    """Multiply-adds, or matrix instructions."""
    return instruction.work if instruction.kind == "fma" else int(instruction.kind == "matrix")


def step(inner: Loop) -> int:
    """The multiply-adds between two barriers: of a loop without any, all of an iteration's. Where an iteration is written
    out as several steps with a barrier after each, what is loaded in one is stored in workgroup memory at its end."""
    runs = [0]
    for instruction in inner.all():
        if instruction.kind == "barrier" and runs[-1]:
            runs.append(0)
        runs[-1] += product(instruction)
    steps = [run for run in runs if run]
    return max(sum(steps) // max(len(steps), 1), 1)


def shares(pipeline: Pipeline, inner: Loop) -> list[float]:
    """For each load of the inner loop, and of those around it by themselves, the share of a step's multiply-adds that are
    done while it is in flight. A value that nothing waits for in the iterations looked at counts as 1."""
    products = step(inner)
    found = []
    for loop in inner.chain():
        own = set(map(id, loop.own()))
        found += [f for f in flights(pipeline, loop)[0] if id(f.load) in own]
    return [1.0 if f.waited is None else (f.waited - f.issued) / products for f in found]


def timeline(pipeline: Pipeline, loop: Loop) -> str:
    """`load@0..758 barrier@768`: loads with the products before them and before their waits."""
    found, products = flights(pipeline, loop, ("load", "scalar_load"))
    events = [Event(f.issued, f"{f.load.kind}@{f.issued}..{'-' if f.waited is None else f.waited}") for f in found]
    at = 0
    for instruction in loop.all():
        if instruction.kind == "barrier":
            events.append(Event(at, f"barrier@{at}"))
        at += product(instruction)
    events.sort(key=lambda event: event.at)
    return f"of {products}: " + " ".join(event.what for event in events)
