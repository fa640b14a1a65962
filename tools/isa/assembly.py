"""What drivers' compilers made of pipelines, read from the folder that the Vulkan layer here writes.

    device = read_folder(Path("out"))
    for pipeline in device.pipelines:
        inner = pipeline.inner()
        print(pipeline.short, pipeline.occupancy, inner and inner.mix())

Statistics are the same for all vendors where they mean the same; what a driver does not say is None. Instructions and
their kinds are those of `dialects.py`. Loops are found by `loops.py`.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dialects import DIALECTS, Dialect, Instruction
from loops import Jump, Loop, loop_tree
from statistics_names import Statistics, normalised

INTERNAL = "(wgpu internal)"
"""How the labels of pipelines begin that are not the program's."""


@dataclass(eq=False)
class Dispatch:
    """Workgroups that the program recorded a pipeline with."""

    pipeline: int
    groups: tuple[int, int, int]
    count: int
    """How often."""


@dataclass(eq=False)
class Pipeline:
    """A compute pipeline: its label, what the driver says of it, its instructions."""

    number: int
    label: str
    seconds: float
    """That the driver took to compile it."""
    subgroup: int
    """Lanes that the driver chose."""
    statistics: Mapping[str, str]
    """As the driver words them."""
    dialect: Dialect | None
    listing: Sequence[str]
    workgroup: tuple[int, int, int]
    device: str

    @property
    def kernel(self) -> str:
        """The shader, `conv3x3/tiled`."""
        return self.label.split(" [")[0]

    @property
    def tags(self) -> list[str]:
        """What the label has in brackets."""
        found = re.search(r"\[(.*)\]", self.label)
        return found[1].split() if found else []

    @property
    def short(self) -> str:
        """The kernel and what tells its pipelines apart."""
        keep = r"\w+=.*|source_.*|pool_(?!none).*|winograd_\d|matrix_.*|image_.*|epilogue_(?!any|none).*|by_.*"
        kept = [tag for tag in self.tags if re.fullmatch(keep, tag)]
        return " ".join([self.kernel, *kept, *(["f16"] if self.precision == "f16" else [])])

    @property
    def precision(self) -> str:
        """`f16` where any tensor or weight is stored in it, else `f32`."""
        return "f16" if any(re.fullmatch(r"(in|out|weight|res)_f16.*", tag) for tag in self.tags) else "f32"

    @cached_property
    def stated(self) -> Statistics:
        """The statistics, in the terms of no vendor."""
        return normalised(self.dialect.name if self.dialect else "", self.statistics, self.subgroup, self.device)

    @cached_property
    def program(self) -> tuple[list[Instruction], Loop]:
        """All instructions, and the loop tree's root."""
        return parse(self.listing, self.dialect) if self.dialect else ([], Loop([], []))

    @property
    def instructions(self) -> list[Instruction]:
        """All of the listing."""
        return self.program[0]

    @property
    def root(self) -> Loop:
        """The whole program, with its loops as children."""
        return self.program[1]

    @property
    def lanes(self) -> int:
        """Of a workgroup."""
        return self.workgroup[0] * self.workgroup[1] * self.workgroup[2]

    def inner(self) -> Loop | None:
        """The loop that does most multiply-adds an iteration by itself; matrix instructions before others."""
        loops = [loop for loop in self.root.walk() if loop is not self.root and loop.matrix_work() + loop.work() > 0]
        return max(loops, key=lambda loop: (loop.matrix_work(), loop.work()), default=None)

    def executed(self, trips: Mapping[int, int]) -> Counter[str]:
        """Instructions by kind that a subgroup executes, where loops (by number) run as often as `trips` says each
        time they are entered: once if it does not say. Both sides of a condition count."""
        total: Counter[str] = Counter()
        for loop in self.root.walk():
            times = 1
            for around in loop.chain():
                times *= trips.get(around.number, 1)
            for kind, count in loop.mix().items():
                total[kind] += count * times
        return total


@dataclass(eq=False)
class Device:
    """What a run on a device left behind."""

    name: str
    driver: str
    """With its version, as the driver says; empty where the folder does not tell."""
    pipelines: list[Pipeline]
    dispatches: list[Dispatch]
    cut_off: list[str] = field(default_factory=list)
    """Kernels that were not written down whole: the process ended meanwhile, or the driver does not tell."""

    def named(self, pattern: str) -> list[Pipeline]:
        """The pipelines in whose label the pattern is found."""
        return [p for p in self.pipelines if re.search(pattern, p.label)]


def parse(listing: Sequence[str], dialect: Dialect) -> tuple[list[Instruction], Loop]:
    """The instructions of a listing and its loop tree."""
    program: list[Instruction] = []
    labels: dict[str, int] = {}
    jumps: list[Jump] = []
    preamble = False
    for number, text in enumerate(listing):
        line = dialect.read(number, text)
        # Qualcomm's first wave alone computes what is the same for all: no part of what a wave executes.
        if dialect.name == "ir3" and any(i.op in ("shps", "shpe") for i in line.instructions):
            preamble = line.instructions[-1].op == "shps"
            continue
        if preamble:
            continue
        for label in line.labels:
            labels.setdefault(label, len(program))
        program.extend(line.instructions)
        if line.target is not None or not line.falls:
            jumps.append(Jump(len(program) - 1, line.target, line.falls))
    return program, loop_tree(program, labels, jumps)


def read_folder(folder: Path, *, internal: bool = False) -> Device:
    """What the layer wrote into a folder; the pipelines of wgpu itself only if asked for."""
    told = lines_of(folder / "device.txt") or [""]
    driver = next((line.split("\t", 1)[1] for line in told if line.startswith("driver\t")), "")
    seconds: dict[int, float] = {}
    labels: dict[int, str] = {}
    described: set[int] = set()
    for line in lines_of(folder / "index.tsv"):
        fields = line.split("\t")
        if fields[0] == "created":
            seconds[int(fields[1])] = float(fields[3].split()[0])
        elif fields[0] == "named":
            labels[int(fields[1])] = fields[2]
        elif fields[0] == "described":
            described.add(int(fields[1]))
    pipelines = [
        read_pipeline(folder, number, labels.get(number, ""), took, told[0])
        for number, took in sorted(seconds.items())
        if internal or not labels.get(number, "").startswith(INTERNAL)
    ]
    cut_off = [p.kernel for p in pipelines if p.number not in described or not p.subgroup or p.stated.registers is None]
    return Device(told[0], driver, pipelines, read_dispatches(folder / "dispatches.tsv"), cut_off)


def lines_of(path: Path) -> list[str]:
    """A file's lines; none of one that is not there."""
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def read_dispatches(path: Path) -> list[Dispatch]:
    """Lines of a pipeline's number, the groups in x, y and z, and how often they were recorded."""
    rows = [[int(x) for x in line.split("\t")] for line in lines_of(path)]
    return [Dispatch(row[0], (row[1], row[2], row[3]), row[4]) for row in rows]


def read_pipeline(folder: Path, number: int, label: str, seconds: float, device: str) -> Pipeline:
    """One pipeline. Of several executables the last: the one that runs where a driver compiles for several widths."""
    text = path.read_text(errors="replace") if (path := folder / f"{number:04}.txt").exists() else ""
    begins = [m.start() for m in re.finditer(r"^#EXECUTABLE\t", text, re.M)]
    text = text[begins[-1] :] if begins else text
    subgroup = re.match(r"#EXECUTABLE\t.*subgroup (\d+)", text)
    statistics = {m[1]: m[2] for m in re.finditer(r"^#STAT\t([^\t]*)\t(.*)$", text, re.M)}
    dialect, listing = find_listing(text)
    return Pipeline(
        number, label, seconds, int(subgroup[1]) if subgroup else 0, statistics, dialect, listing,
        workgroup_of(folder / f"{number:04}.spv"), device,
    )  # fmt: skip


def find_listing(text: str) -> tuple[Dialect | None, list[str]]:
    """The assembly among the representations of a pipeline, and whose it is."""
    parts = re.split(r"^#IR\t", text, flags=re.M)[1:]
    for dialect in DIALECTS:
        for part in reversed(parts):
            head, _, body = part.partition("\n")
            if dialect.listing.match(head):
                return dialect, (last_disassembly(body) if dialect.name == "agx" else body.split("\n"))
    return None, []


def last_disassembly(text: str) -> list[str]:
    """Apple's: the compiler prints the main part's and then the preamble's machine code; the longer is the main."""
    runs: list[list[str]] = [[]]
    for line in text.split("\n"):
        if re.match(r"\s*[0-9a-f]+: [0-9a-f]{4,}\s", line):
            if re.match(r"\s*0: ", line) and runs[-1]:
                runs.append([])
            runs[-1].append(line)
    return max(runs, key=len)


SPIRV_MAGIC = 0x07230203
OP_EXECUTION_MODE = 16
LOCAL_SIZE = 17


def workgroup_of(path: Path) -> tuple[int, int, int]:
    """The workgroup's size that a SPIR-V module of one entry point declares; zeros where it cannot be read."""
    data = path.read_bytes() if path.exists() else b""
    words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
    if len(words) < 5 or words[0] != SPIRV_MAGIC:
        return (0, 0, 0)
    at = 5
    while at < len(words):
        length, op = words[at] >> 16, words[at] & 0xFFFF
        if op == OP_EXECUTION_MODE and length == 6 and words[at + 2] == LOCAL_SIZE:
            return (words[at + 3], words[at + 4], words[at + 5])
        at += max(length, 1)
    return (0, 0, 0)
