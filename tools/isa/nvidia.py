#!/usr/bin/env python3
"""What NVIDIA's own compiler makes of kernels, beside NVK's: registers, spills, occupancy, instructions, static cycles.

    nvidia.py FOLDER [--only tiled] [--arch sm_86,sm_90]     of pipelines that the layer wrote down (run.sh), of any device

SPIR-V goes to HLSL (spirv-cross), CUDA C++ (slangc) and by ptxas to machine code. The driver compiles SPIR-V itself and
checks bounds: a close relative, not the same. Uniforms come from global memory here, from constant memory there: their
loads, outside of the inner loops, are too many. Kernels in f32 and f16 storage go through; not those with cooperative
matrices, textures or subgroup operations. setup_nvidia.sh installs what is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assembly import Pipeline, read_folder
from dialects import Dialect, Instruction, Line, kind_of, rules

ARCHITECTURES = {"sm_75": "Turing", "sm_86": "Ampere", "sm_89": "Ada", "sm_90": "Hopper", "sm_120": "Blackwell"}
# CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"
# (https://docs.nvidia.com/cuda/cuda-c-programming-guide/#features-and-technical-specifications).
WARPS = {"sm_75": 32, "sm_86": 48, "sm_89": 48, "sm_90": 64, "sm_120": 48}
BLOCKS = {"sm_75": 16, "sm_86": 16, "sm_89": 24, "sm_90": 32, "sm_120": 24}
SHARED = {"sm_75": 64 << 10, "sm_86": 100 << 10, "sm_89": 100 << 10, "sm_90": 228 << 10, "sm_120": 100 << 10}
REGISTERS = 65536
"""Of a multiprocessor; a warp is given them by 256."""
SHARED_OF_SYSTEM = 1 << 10
"""Bytes of shared memory that a block takes besides its own, since Ampere."""

# Mnemonics of machine code; modifiers follow behind points.
SASS = rules(
    ("matrix", r"[HI]MMA.*"),
    ("fma", r"FFMA.*|HFMA2(\.MMA)?(?!.*\.MOV).*"),
    ("cvt", r"F2F.*|F2FP.*|I2F.*|F2I.*|I2I.*|FRND.*|HADD2\.F32.*"),
    ("mov", r"MOV.*|S2R.*|CS2R.*"),
    ("salu", r"(U[A-Z]\w*|S2UR|R2UR|VOTEU)\b.*"),
    ("shared_load", r"LDS.*"),
    ("shared_store", r"STS.*|ATOMS.*"),
    ("scratch_load", r"LDL.*"),
    ("scratch_store", r"STL.*"),
    ("scalar_load", r"(LDC|ULDC).*"),
    ("load", r"(LDG|LD|TEX|TLD)\b.*"),
    ("store", r"(STG|ST|RED|ATOMG?)\b.*"),
    ("barrier", r"BAR.*"),
    ("branch", r"(BRA|EXIT|BSSY|BSYNC|BREAK|CALL|RET|WARPSYNC|BMOV|JMP|BRX|KILL|YIELD)\b.*"),
    ("wait", r"(NOP|DEPBAR|MEMBAR|ERRBAR|CCTL|LDGDEPBAR)\b.*"),
    ("alu", r".*"),
)


def sass(number: int, line: str) -> Line:
    """`@!P0 FFMA R142, R28.reuse, R32, R44 // delay=4 wt=000001 wr:2`, as `listing` writes it."""
    text = line.strip()
    if label := re.fullmatch(r"(\.L\w+):", text):
        return Line(labels=(label[1],))
    head = re.match(r"(@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)", text)
    if not head:
        return Line()
    op = head[2]
    kind = kind_of(op, SASS)
    work = (2 if op.startswith("HFMA2") else 1) if kind == "fma" else 0
    jump = re.search(r"\bBRA\b.*`\((\.L\w+)\)", text)
    conditional = head[1] or re.search(r"\bBRA\S*\s+(!?U?P|~)", text)
    falls = op.split(".")[0] not in ("BRA", "EXIT") or bool(conditional)
    return Line((Instruction(number, text, op, kind, work=work),), target=jump[1] if jump else None, falls=falls)


# Scoreboards and stall counts read as those of NVK's listing, and statistics have its names.
DIALECT = Dialect("nak", re.compile(r"SASS"), sass)


@dataclass(frozen=True)
class Tools:
    """Where setup_nvidia.sh put them."""

    site: Path

    @classmethod
    def found(cls) -> Tools:
        """Or one sentence about what to do."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        lab = Path(os.environ.get("MPRNET_ISA") or cache / "mprnet-isa")
        site = next((lab / "nvidia/lib").glob("python3*/site-packages"), None)
        if (
            site is None
            or not (site / "nvidia/cu13/bin/ptxas").exists()
            or not (site / "slangtorch/bin/slangc").exists()
        ):
            raise SystemExit(f"there is no NVIDIA compiler in {lab}/nvidia: sh tools/isa/setup_nvidia.sh")
        if shutil.which("spirv-cross") is None:
            raise SystemExit("spirv-cross is not installed: sh tools/isa/setup_nvidia.sh")
        return cls(site)

    def run(self, what: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A step, whose failure is told by its first error."""
        cuda, slang = self.site / "nvidia/cu13", self.site / "slangtorch"
        environment = os.environ | {"LD_LIBRARY_PATH": f"{slang}/lib:{cuda}/lib"}
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=environment)
        if done.returncode:
            lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower()]
            raise Refused(f"{what} fails: {(lines or ['no word'])[0].strip()}")
        return done


class Refused(Exception):
    """A kernel that does not go this way; why."""


def refused(spirv: Path) -> str | None:
    """What a module uses that is not carried, by its capabilities."""
    words = memoryview(spirv.read_bytes()).cast("I")
    used = {words[at + 1] for at in positions(words) if words[at] & 0xFFFF == OP_CAPABILITY}
    return next((what for capability, what in CAPABILITIES.items() if capability in used), None)


OP_CAPABILITY = 17
CAPABILITIES = {
    6022: "cooperative matrices", 44: "textures", 46: "textures", 47: "textures",
    **{number: "subgroup operations" for number in range(61, 69)},
}  # fmt: skip


def positions(words: Sequence[int]) -> list[int]:
    """Where a module's instructions begin."""
    found, at = [], 5
    while at < len(words):
        found.append(at)
        at += max(words[at] >> 16, 1)
    return found


BYTES = {"float4": 16, "half4": 8, "float": 4, "uint": 4, "uint2": 8, "uint4": 16, "float2": 8, "half": 2}
"""Of types that buffers hold."""


HALVES = """
half4 quad_of(uint2 w) {
    return half4(asfloat16(uint16_t(w.x & 0xffffu)), asfloat16(uint16_t(w.x >> 16)), asfloat16(uint16_t(w.y & 0xffffu)),
                 asfloat16(uint16_t(w.y >> 16)));
}
uint2 words_of(half4 v) {
    return uint2(uint(asuint16(v.x)) | uint(asuint16(v.y)) << 16, uint(asuint16(v.z)) | uint(asuint16(v.w)) << 16);
}
"""
"""Four halves are one access: slangc's own type would be loaded half by half."""


def cuda(hlsl: str) -> str:
    """HLSL as slangc wants it for CUDA: inputs as arguments, and quads where there are bytes, which would be loaded one by
    one."""
    inputs = re.search(r"struct SPIRV_Cross_Input\s*\{(.*?)\};", hlsl, re.S)
    fields = re.findall(r"(\w+) (\w+) : (\w+);", inputs[1]) if inputs else []
    hlsl = re.sub(r"struct SPIRV_Cross_Input\s*\{.*?\};", "", hlsl, flags=re.S)
    arguments = ", ".join(f"{kind} _{name} : {what}" for kind, name, what in fields)
    hlsl = hlsl.replace("void main(SPIRV_Cross_Input stage_input)", f"void main({arguments})")
    hlsl = re.sub(r"stage_input\.(\w+)", r"_\1", hlsl)
    for buffer in re.findall(r"ByteAddressBuffer (\w+) :", hlsl):
        access = rf"\b{buffer}\.(Load|Store)<(\w+)>\((.*?) \* (\d+) \+ (\d+)"
        used = {(kind, int(stride)) for _, kind, _, stride, _ in re.findall(access, hlsl)}
        if len(used) != 1 or (kind := used.copy().pop()[0]) not in BYTES:
            continue
        size, stride = BYTES[kind], used.pop()[1]

        def place(index: str, offset: str, size: int = size, stride: int = stride) -> str:
            return f"({index}) * {stride // size} + {int(offset) // size}" if stride > size else index

        whole = "uint2" if kind == "half4" else kind
        read, write = ("quad_of({})", "words_of({})") if kind == "half4" else ("{}", "{}")
        hlsl = re.sub(rf"ByteAddressBuffer {buffer} :", f"StructuredBuffer<{whole}> {buffer} :", hlsl)
        load = rf"\b{buffer}\.Load<{kind}>\((.*?) \* {stride} \+ (\d+)\)"
        hlsl = re.sub(load, lambda m, b=buffer, r=read: r.format(f"{b}[{place(m[1], m[2])}]"), hlsl)
        store = rf"\b{buffer}\.Store<{kind}>\((.*?) \* {stride} \+ (\d+), (.*)\);"
        hlsl = re.sub(store, lambda m, b=buffer, w=write: f"{b}[{place(m[1], m[2])}] = {w.format(m[3])};", hlsl)
    return HALVES + hlsl if "quad_of(" in hlsl or "words_of(" in hlsl else hlsl


def compiled(spirv: Path, arch: str, tools: Tools) -> tuple[str, str]:
    """What ptxas says, and the machine code with its encodings; kept, since a kernel takes seconds."""
    if what := refused(spirv):
        raise Refused(f"it uses {what}")
    key = hashlib.sha256(spirv.read_bytes() + Path(__file__).read_bytes() + arch.encode()).hexdigest()
    kept = tools.site.parents[2] / "kept" / key
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("\0".join(by_steps(spirv, arch, tools)))
    said, code = kept.read_text().split("\0")
    return said, code


def by_steps(spirv: Path, arch: str, tools: Tools) -> tuple[str, str]:
    """SPIR-V, HLSL, CUDA C++, machine code, listing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        to_hlsl = ("spirv-cross", spirv, "--hlsl", "--shader-model", "62", "--hlsl-enable-16bit-types")
        (folder / "k.hlsl").write_text(cuda(tools.run("spirv-cross", *to_hlsl).stdout))
        slang, bin_ = tools.site / "slangtorch/bin/slangc", tools.site / "nvidia/cu13/bin"
        of_what = ("-lang", "hlsl", folder / "k.hlsl", "-entry", "main", "-stage", "compute")
        tools.run("slangc", slang, *of_what, "-target", "cuda", "-O3", "-o", folder / "k.cu")
        # Arrays of zeros are initialised by calls, which nvcc refuses for constants.
        zeros = r"(__device__ static const FixedArray<\w+[^;]*?)=\s*\{.*?\};"
        text = re.sub(zeros, r"\1= {};", (folder / "k.cu").read_text(), flags=re.S)
        (folder / "k.cu").write_text(text)
        options = (
            "-std=c++17",
            "-w",
            "-DSLANG_CUDA_ENABLE_HALF=1",
            f"-I{tools.site}/nvidia/cu13/include",
            "-Xptxas",
            "-v",
        )
        nvcc = (bin_ / "nvcc", f"-arch={arch}", "-cubin", "-o", folder / "k.cubin", folder / "k.cu")
        said = tools.run("nvcc", *nvcc, *options).stderr
        return said, tools.run("nvdisasm", bin_ / "nvdisasm", "-c", "-hex", folder / "k.cubin").stdout


def listing(text: str) -> list[str]:
    """Instructions and labels, with what the encoding's upper bits say of scheduling: cycles to stall, barriers to wait for,
    barriers that are set when a value is there (`wr`) and when operands were read (`rd`)."""
    found: list[str] = []
    low: int | None = None
    for line in text.splitlines():
        if label := re.fullmatch(r"\s*(\.L\w+):\s*", line):
            found.append(f"{label[1]}:")
        elif code := re.match(r"\s+/\*[0-9a-f]+\*/\s+(.*?)\s*;\s*/\* 0x([0-9a-f]{16}) \*/", line):
            found.append(code[1])
            low = len(found) - 1
        elif (high := re.match(r"\s+/\* 0x([0-9a-f]{16}) \*/", line)) and low is not None:
            found[low] += control(int(high[1], 16))
            low = None
    return found


def control(high: int) -> str:
    """Bits 105 to 121 of an instruction's 128, in its upper half."""
    stall, write, read, mask = high >> 41 & 15, high >> 46 & 7, high >> 49 & 7, high >> 52 & 63
    parts = [f" // delay={stall}"]
    if mask:
        parts.append(f"wt={mask:06b}")
    # 7 is none.
    if read != 7:
        parts.append(f"rd:{read}")
    if write != 7:
        parts.append(f"wr:{write}")
    return " ".join(parts)


def occupancy(arch: str, registers: int, shared: int, lanes: int) -> int:
    """Warps of a multiprocessor."""
    warps = -(-lanes // 32)
    own = -(-registers * 32 // 256) * 256
    of_registers = REGISTERS // own // warps if own else BLOCKS[arch]
    of_shared = SHARED[arch] // (shared + (0 if arch == "sm_75" else SHARED_OF_SYSTEM)) if shared else BLOCKS[arch]
    return min(of_registers, of_shared, BLOCKS[arch], WARPS[arch] // warps) * warps


def pipeline(folder: Path, original: Pipeline, arch: str, tools: Tools) -> Pipeline:
    """The same kernel by ptxas."""
    said, code = compiled(folder / f"{original.number:04}.spv", arch, tools)

    def number(pattern: str) -> int:
        found = re.search(pattern, said)
        return int(found[1]) if found else 0

    registers, shared = number(r"Used (\d+) registers"), number(r"(\d+) bytes smem")
    lines = listing(code)
    cycles = sum(int(n) for n in re.findall(r"delay=(\d+)", "\n".join(lines)))
    told = {
        "Number of GPRs": registers, "Spills to memory": number(r"(\d+) bytes spill stores") // 4,
        "Fills from memory": number(r"(\d+) bytes spill loads") // 4, "SLM size": number(r"(\d+) bytes stack frame"),
        "Max warps/SM": occupancy(arch, registers, shared, original.lanes), "Workgroup Memory Size": shared,
        "Static cycle count": cycles,
    }  # fmt: skip
    statistics = {name: str(value) for name, value in told.items()}
    size, name = original.workgroup, f"ptxas {arch}"
    return Pipeline(original.number, original.label, 0.0, 32, statistics, DIALECT, lines, size, name)


def by_ptxas(folder: Path, pipelines: Sequence[Pipeline], arch: str) -> tuple[list[Pipeline], list[str]]:
    """All of them, those that do not go this way as they were; and which these are, with the reason."""
    tools = Tools.found()
    found, kept = [], []
    for original in pipelines:
        try:
            found.append(pipeline(folder, original, arch, tools))
        except Refused as reason:
            kept.append(f"{original.short}: {reason}")
            found.append(original)
    return found, kept


def main() -> None:
    """See the file's head."""
    parser = argparse.ArgumentParser(description="What NVIDIA's compiler makes of kernels.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="a pattern for labels")
    parser.add_argument("--arch", default=",".join(ARCHITECTURES), help="one or several of " + ", ".join(ARCHITECTURES))
    args = parser.parse_args()
    wanted = args.arch.split(",")
    if unknown := [arch for arch in wanted if arch not in ARCHITECTURES]:
        raise SystemExit(f"no architecture is called {unknown[0]}; there are: {', '.join(ARCHITECTURES)}")
    tools = Tools.found()
    chosen = read_folder(args.folder).named(args.only)
    if not chosen:
        raise SystemExit(f"{args.folder} has no pipeline like {args.only!r}")
    for original in chosen:
        for arch in wanted:
            try:
                told = pipeline(args.folder, original, arch, tools)
            except Refused as reason:
                print(f"{original.number:04} {original.short}: not by this way, {reason}")
                break
            print(report(told, arch))


def report(p: Pipeline, arch: str) -> str:
    """A line for the whole, and one for the inner loop."""
    s = p.stated
    text = f"{p.number:04} {p.short} {arch}: {s.registers} registers, {s.spills}/{s.fills} spilled, "
    text += f"{s.occupancy} of {WARPS[arch]} warps, "
    text += f"{s.shared_bytes} bytes shared, {len(p.instructions)} instructions, {s.cycles} static cycles"
    if inner := p.inner():
        mix = " ".join(f"{kind}:{count}" for kind, count in inner.mix().most_common())
        stalls = sum(int(n) for i in inner.own() for n in re.findall(r"delay=(\d+)", i.text))
        text += f"\n     inner loop: {mix}; {stalls} static cycles"
    return text


if __name__ == "__main__":
    main()
