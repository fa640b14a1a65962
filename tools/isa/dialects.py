"""What a line of a driver's assembly is, for the five compilers whose listings can be had.

An `Instruction` has a kind that means the same in all of them, so that loops of different vendors can be compared:

    fma           multiply-add of floats, f32, f16 or mixed
    matrix        a product of matrix fragments
    alu           whatever else the vector unit does: addresses, comparisons, selections, additions
    mov, cvt      moves; conversions between types
    salu          the scalar or uniform unit's arithmetic
    load, store   storage and textures
    scalar_load   one value for all lanes: uniforms, constants, scalar and block loads
    shared_load, shared_store     workgroup memory
    scratch_load, scratch_store   a lane's own memory: spilled values and arrays with computed indices
    barrier, branch, wait         `wait` is all that only delays: counters, hints to the scheduler, `nop`
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

KINDS = (
    "fma", "matrix", "alu", "mov", "cvt", "salu", "load", "store", "scalar_load", "shared_load", "shared_store",
    "scratch_load", "scratch_store", "barrier", "branch", "wait",
)  # fmt: skip
OVERHEAD = ("alu", "mov", "cvt", "salu")
"""Arithmetic that is not the products themselves."""


@dataclass(frozen=True)
class Instruction:
    """One instruction of a listing, or the half of a pair that issues two at once."""

    line: int
    """Of the listing, from 0."""
    text: str
    op: str
    kind: str
    count: int = 1
    """How often it issues: repetitions are one line of Qualcomm's listings."""
    work: int = 0
    """Multiply-adds: of a lane for `fma`, of the whole subgroup for `matrix`; repetitions included."""
    width: int = 0
    """Lanes it is issued for where the listing says so (Intel), else 0: the subgroup."""
    paired: bool = False
    """Issued together with the instruction before it."""


@dataclass(frozen=True)
class Line:
    """What a line of a listing is: instructions, labels that stand before them, a label it may jump to."""

    instructions: tuple[Instruction, ...] = ()
    labels: tuple[str, ...] = ()
    target: str | None = None
    falls: bool = True
    """Whether the next line may follow it."""


Rules = tuple[tuple[str, re.Pattern[str]], ...]


def rules(*pairs: tuple[str, str]) -> Rules:
    """Kinds by patterns that the whole mnemonic must match, the first that does."""
    return tuple((kind, re.compile(pattern)) for kind, pattern in pairs)


def kind_of(op: str, table: Rules) -> str:
    """The kind of a mnemonic; every table ends with a pattern that matches anything."""
    return next(kind for kind, pattern in table if pattern.fullmatch(op))


def matrix_work(op: str) -> int:
    """Multiply-adds that a matrix instruction's name tells: `v_wmma_f32_16x16x16_f16`, `hmma.m16n8k16.f32`."""
    found = re.search(r"(\d+)x(\d+)x(\d+)", op) or re.search(r"m(\d+)n(\d+)k(\d+)", op)
    return int(found[1]) * int(found[2]) * int(found[3]) if found else 0


# AMD, ACO. Pairs of RDNA3 and RDNA4 (VOPD) stand on one line with `::` between them.
ACO = rules(
    ("matrix", r"v_(s?wmmac?|swmmac|mfma|smfmac)_.*"),
    ("fma", r"v_(dual_|pk_)?(fma|fmac|fmaak|fmamk|mac|mad|madak|madmk)(_mix(lo|hi)?)?(_legacy)?_f(16|32)"),
    ("fma", r"v_(dual_)?dot2\w*_f(16|32)\w*"),
    ("cvt", r"v_(pk_)?cvt_.*"),
    ("mov", r"v_(dual_)?mov.*|v_swap.*|v_accvgpr.*"),
    ("shared_load", r"ds_(load|read|bpermute|permute|swizzle).*"),
    ("shared_store", r"ds_.*"),
    ("scratch_load", r"scratch_load.*"),
    ("scratch_store", r"scratch_store.*"),
    ("load", r"(buffer|tbuffer|global|flat|image)_(load|sample|gather|get).*"),
    ("store", r"(buffer|tbuffer|global|flat|image)_.*"),
    ("scalar_load", r"s_(buffer_)?load.*"),
    ("barrier", r"s_barrier(_signal)?"),
    ("wait", r"s_(wait|delay|clause|nop|sleep|set_inst|barrier_wait|inst_prefetch|code_end).*"),
    ("branch", r"s_c?branch.*|s_endpgm|s_setpc.*|s_swappc.*|s_sendmsg.*"),
    ("salu", r"s_.*"),
    ("alu", r".*"),
)


def aco(number: int, line: str) -> Line:
    """`v_fmac_f32_e32 v1, v2, v3   ; 56000000`."""
    text = line.split(";")[0].strip()
    if label := re.fullmatch(r"(BB\d+):", text):
        return Line(labels=(label[1],))
    found: list[Instruction] = []
    for half in text.split("::"):
        half = half.strip()
        if not re.match(r"[a-z]+_", half):
            continue
        op = re.sub(r"(_e32|_e64|_dpp|_sdwa)+$", "", half.split()[0])
        kind = kind_of(op, ACO)
        # x * 1 - 0 by the mixed instruction is how it converts.
        if "_mix" in op and "1.0" in half and "neg(0)" in half:
            kind = "cvt"
        work = matrix_work(op) if kind == "matrix" else 0
        if kind == "fma":
            work = 2 if op.startswith("v_pk_") or "dot2" in op else 1
        found.append(Instruction(number, half, op, kind, work=work, paired=bool(found)))
    jump = re.match(r"s_c?branch\S*\s+(BB\d+)", text)
    falls = not re.match(r"s_branch|s_endpgm|s_setpc", text)
    return Line(tuple(found), target=jump[1] if jump else None, falls=falls)


# Intel, brw. The mnemonic follows a predicate, the lanes stand in brackets behind it.
BRW = rules(
    ("matrix", r"dpas.*"),
    ("wait", r"sync\..*|nop|wait"),
    ("branch", r"while|if|else|endif|break|cont|jmpi|halt|brd|brc|goto|join|call|ret|do"),
    ("alu", r".*"),
)
# What the comment behind a `send` says, old forms (data cache) and new (LSC).
SENDS = rules(
    ("barrier", r".*(barrier_msg).*"),
    ("wait", r".*(fence|memory_fence|EOT).*"),
    ("scratch_load", r".*(load\.\S*\.ss\[|oword_block_read\S* .*bti\(253\)|scratch.*read).*"),
    ("scratch_store", r".*(store\.\S*\.ss\[|oword_block_write\S* .*bti\(253\)|scratch.*write).*"),
    ("shared_load", r".*(load\.slm|untyped_read\S* .*bti\(254\)).*"),
    ("shared_store", r".*(store\.slm|untyped_write\S* .*bti\(254\)).*"),
    ("scalar_load", r".*(load\.\S*\.d\d+x\d+t\.|block_read).*"),
    ("store", r".*(store|write|atomic).*"),
    ("load", r".*"),
)


def brw(number: int, line: str) -> Line:
    """`(W&f0.0) mad (8)   r69:f   r59:f   r5:f   r46<1>:f {F@1}`."""
    text = line.strip()
    if label := re.fullmatch(r"(L\d+):", text):
        return Line(labels=(label[1],))
    head = re.match(r"(?:\([^)]*\)\s*)?([a-z][\w.]*)\s*(?:\((\d+)\))?", text)
    if not head or not head[2]:
        return Line()
    op, width = head[1], int(head[2])
    operands = text[head.end() :].split("//")[0]
    kind = kind_of(text, SENDS) if op.startswith("send") else kind_of(op, BRW)
    if kind == "alu":
        kind = brw_arithmetic(op, width, operands)
    work = 1 if kind == "fma" else 0
    if kind == "matrix" and (shape := re.search(r"dpas\.(\d+)x(\d+)", op)):
        # Depth times repetitions, for as many lanes; two halves a step.
        work = int(shape[1]) * int(shape[2]) * width * 2
    jump = re.match(r"while.*?(L\d+)", text[head.start(1) :])
    return Line((Instruction(number, text, op, kind, work=work, width=width),), target=jump[1] if jump else None)


def brw_arithmetic(op: str, width: int, operands: str) -> str:
    """The kind of what the execution units compute: by the types of the operands, and by the lanes."""
    types = re.findall(r":(hf|f|df|bf|q|uq|d|ud|w|uw|b|ub)\b", operands)
    floats = {"hf", "f", "df", "bf"}
    if re.match(r"(mad|mac|madm)(\.sat)?$", op) and floats & set(types):
        return "fma"
    if width == 1:
        return "salu"
    if op.startswith("mov"):
        mixed = len(types) > 1 and types[0] != types[1] and bool(floats & set(types))
        return "cvt" if mixed else "mov"
    return "alu"


# NVIDIA, NAK.
NAK = rules(
    ("matrix", r"[hbi]mma\..*"),
    ("fma", r"ffma.*|hfma2.*"),
    ("cvt", r"(f2f|f2fp|i2f|f2i|i2i|frnd)\b.*|hadd2\.f32.*"),
    ("mov", r"mov\b.*|s2r.*|s2ur.*|cs2r.*"),
    ("shared_load", r"ld\.shared.*|ldsm.*|lds\b.*"),
    ("shared_store", r"st\.shared.*|sts\b.*|atoms.*"),
    ("scratch_load", r"ld\.local.*|ldl\b.*"),
    ("scratch_store", r"st\.local.*|stl\b.*"),
    ("scalar_load", r"ldcu?\b.*"),
    ("load", r"ld\..*|ldg.*|tex.*|tld.*|suld.*"),
    ("store", r"st\..*|stg.*|sust.*|atom.*|red\b.*"),
    ("barrier", r"bar\..*"),
    (
        "branch",
        r"bra|exit|bssy|bsync|bclear|break|ssy|sync|pbk|brk|pcnt|cont|warpsync.*|bmov.*|brx.*|call.*|ret.*|yield",
    ),
    ("wait", r"nop|depbar.*|membar.*|fence.*|errbar.*|cctl.*"),
    ("alu", r".*"),
)


def nak(number: int, line: str) -> Line:
    """`@!p0  r48..52 = hmma.m16n8k16.f32 r72..76 r92..94 r48..52   // delay=1 wt=001001 rd:3 wr:0`."""
    text = line.strip()
    if block := re.match(r"block(?:\.u)? \d+ (L\d+) ", text):
        return Line(labels=(block[1],))
    head = re.match(r"(?:@\S+\s+)?(?:([^=/]*?)\s+=\s+)?([a-z][\w.]*)", text)
    if not head or text.startswith("}"):
        return Line()
    op = head[2]
    kind = kind_of(op, NAK)
    # The uniform unit is told by where the result goes.
    if kind in ("alu", "mov", "cvt") and head[1] and re.match(r"u[rp]\d", head[1].strip()):
        kind = "salu"
    work = {"matrix": matrix_work(op), "fma": 2 if op.startswith("hfma2") else 1}.get(kind, 0)
    # Up to Volta the three others go to where `ssy`, `pbk` and `pcnt` said.
    jump = re.match(r".*\b(?:bra|sync|brk|cont)\b.*?\b(L\d+)", text)
    falls = not re.match(r"bra pT|(bra|sync|brk|cont) L|exit|ret", text)
    return Line((Instruction(number, text, op, kind, work=work),), target=jump[1] if jump else None, falls=falls)


# Qualcomm, ir3.
IR3 = rules(
    ("fma", r"mad\.f(16|32)"),
    ("cvt", r"cov\..*"),
    ("mov", r"mov.*|swz.*|gat.*|sct.*"),
    ("scalar_load", r"ldc.*"),
    ("shared_load", r"ldl\b.*|ldlw.*"),
    ("shared_store", r"stl\b.*|stlw.*|atomic\.l.*"),
    ("scratch_load", r"ldp\b.*"),
    ("scratch_store", r"stp\b.*"),
    ("load", r"isam.*|sam\b.*|ldib.*|ldg\b.*|ldg\..*|resinfo.*"),
    ("store", r"stib.*|stg\b.*|stg\..*|stc.*|stsc.*|atomic.*"),
    ("barrier", r"bar\b.*"),
    ("wait", r"nop|fence.*|sleep.*"),
    ("branch", r"br\w*|jump|pred[etf]|getone|shp[se]|end|call|ret|kill|bkt|alias.*"),
    ("alu", r".*"),
)
SHARED_REGISTER = 48
"""From this number on a register is one for the subgroup."""


def ir3(number: int, line: str) -> Line:
    """`(sy)(rpt3)mad.f32 r2.x, (last)r6.z, (r)r5.w, (r)r2.x`."""
    text = line.strip()
    if label := re.fullmatch(r"(l\d+):", text):
        return Line(labels=(label[1],))
    head = re.match(r"((?:\([^)]*\)\s*)*)([a-z][a-z0-9]*(?:\.[\w.]*)?)(.*)", text)
    if not head or re.match(r"[a-z]\w*:", text):
        return Line()
    flags, op = head[1], head[2]
    repeat = re.search(r"\(rpt(\d+)\)", flags)
    count = 1 + int(repeat[1]) if repeat else 1
    kind = kind_of(op, IR3)
    result = re.match(r"\s*h?r(\d+)\.", head[3])
    if kind in ("alu", "mov", "cvt") and result and int(result[1]) >= SHARED_REGISTER:
        kind = "salu"
    found = [Instruction(number, text, op, kind, count, count if kind == "fma" else 0)]
    if delay := re.search(r"\(nop(\d+)\)", flags):
        found.insert(0, Instruction(number, text, "nop", "wait", int(delay[1])))
    jump = re.match(r"(?:br\w*|jump|getone)\b.*#(l\d+)", head[2] + head[3])
    return Line(tuple(found), target=jump[1] if jump else None, falls=op not in ("jump", "end"))


# Apple, the open compiler for AGX; its disassembly, which says where a jump goes as a distance.
AGX = rules(
    ("fma", r"ffma|hfma|fma"),
    ("cvt", r"\w+_to_\w+|convert"),
    ("mov", r"mov|ldimm|mov_imm|get_sr|bfeil_mov"),
    ("shared_load", r"lload"),
    ("shared_store", r"lstore|latomic"),
    ("scratch_load", r"stack_load"),
    ("scratch_store", r"stack_store"),
    ("load", r"load|texture_\w+|sample"),
    ("store", r"store|atomic\w*|uniform_store"),
    ("barrier", r"barrier|threadgroup_barrier"),
    ("wait", r"wait|nop|memory_barrier\w*"),
    ("branch", r"if|else|while|pop_exec|jmp_\w+|stop|begin_cf|break|stack_adjust"),
    ("alu", r".*"),
)


def agx(number: int, line: str) -> Line:
    """` 686: 00c050fdffff           jmp_any  -688`."""
    head = re.match(r"\s*([0-9a-f]+): [0-9a-f]{4,}\s+([a-z]\w*)\s*(.*)", line)
    if not head:
        return Line()
    kind = kind_of(head[2], AGX)
    found = Instruction(number, line.strip(), head[2], kind, work=1 if kind == "fma" else 0)
    jump = re.match(r"jmp_\w+\s+(-?\d+)", head[2] + " " + head[3])
    target = f"{int(head[1], 16) + int(jump[1]):x}" if jump else None
    return Line((found,), (head[1],), target)


@dataclass(frozen=True)
class Dialect:
    """A compiler's assembly: what its name is here, and how its listing is called by the driver."""

    name: str
    listing: re.Pattern[str]
    read: Callable[[int, str], Line]


DIALECTS = (
    Dialect("brw", re.compile(r"GEN Assembly"), brw),
    Dialect("nak", re.compile(r"NAK assembly"), nak),
    Dialect("ir3", re.compile(r"IR3 Assembly"), ir3),
    Dialect("agx", re.compile(r"Printed"), agx),
    Dialect("aco", re.compile(r"Assembly"), aco),
)
