#!/usr/bin/env python3
"""Tests of the tools here, on excerpts of listings: `python3 tools/isa/tests.py`."""

from __future__ import annotations

import struct
import tempfile
import unittest
from pathlib import Path

import check
from assembly import Pipeline, parse, read_folder, workgroup_of
from dialects import DIALECTS, Dialect
from loops import Loop
from rules import beside_matrix, device_name, judge, overhead
from statistics_names import normalised
from trips import trips_by_text
from waits import shares

ACO_LOOP = """
BB0:
	s_branch BB2                         ; bfa00002
BB1:
	v_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5 ; c8000000
	s_waitcnt vmcnt(0)                   ; bf8903f7
	v_fma_mix_f32 v8, v6, 1.0, neg(0) op_sel_hi:[1,0,0]
BB2:
	buffer_load_b128 v[16:19], v9, s[12:15], 0 offen ; e05c0000
	v_pk_fma_f16 v1, v2, v3, v1
	s_buffer_load_b64 s[0:1], s[4:7], 0x0
	s_cbranch_scc1 BB1                   ; bfa2ff99
BB3:
	s_endpgm                             ; bfb00000
"""
BRW_LOOP = """
L0:
(W)     mov (1)                   r22           0x00000120
(f0.0)  break (8)                             jip:L1              uip:L1
        mad (8)                   r69:f         r59:f             r5:f              r46<1>:f
(W)     mad (8)                   r19           128:uw            r19:uw            4:uw
        mov (8)                   r19:f         r18<0>:hf                          {F@1}
(W)     send.ugm (1)              r10     r25    null:0  0x01000000  0x6210B500   {$0}  // wr:1+0, rd:1; load.ugm.d32x4t.a32.bti[1]
        send.ugm (8)              r11     r25    null:0  0x01000000  0x6210B500   {$1}  // wr:1+0, rd:4; load.ugm.d32x4.a32.bti[1]
(W)     send.ugm (8)              null    r19    r18:1   a0.4        0x42000504   {$2}  // wr:1+1, rd:0; store.ugm.d32.a32.ss[a0.4]
        mad (8)                   r71:f         r59:f             r5:f              r46<1>:f
        mad (8)                   r70:f         r11:f             r5:f              r46<1>:f {$1.dst}
L1:
        while (8)                             L0
"""
NAK_LOOP = """
block 0 L3 [] -> {
      ur0       = iadd3 ur0 ur3 rZ                                      // delay=3 wt=001001
} -> [1]
block 1 L2 [0, 3] -> {
      r1        = ld.global.a64.constant.b32 [r2..4]                    // delay=1 wr:2
@!p1              bra pT L4                                             // delay=1
} -> [2, 3]
block 2 L5 [1] -> {
                  exit                                                  // delay=1
} -> []
block 3 L4 [1] -> {
      r9        = ffma.ftz r7 r8 r9                                     // delay=1
      r9        = ffma.ftz r1 r8 r9                                     // delay=1 wt=000100
      r48..52   = hmma.m16n8k16.f32 r72..76 r92..94 r48..52             // delay=1
                  bra pT L2                                             // delay=1
} -> [1]
"""
IR3_LOOP = """
shps #l36
(sy)(ss)add.u r49.x, r49.x, -1
l36:
(sy)(ss)shpe
l40:
isam.v.base0 (u32)(xyzw)r20.z, r16.w, s#0, t#1
(nop3) cmps.s.lt p0.z, r35.z, 200
(rpt3)mad.f32 r2.x, (last)r6.z, (r)r5.w, (r)r2.x
add.u r48.z, r48.z, r0.w
(sy)stl.u32 l[r9.w], r35.w, 4
br !p0.x, #l50
jump #l40
l50:
end
"""
AGX_LOOP = """
   0: 72051000                   get_sr   r1, sr80
   4: 52acac820003               while    $r22, 200, 1, slt
   a: 45298c0600c01200           load     r5, dr6, r4, i32, x, a
  12: 3800                       wait     a
  14: 1a8e0600c01200             ffma     r5, r5, r6, r7
  1b: 00c050fdffff               jmp_any  -23
  21: 8800                       stop
"""


def pipeline(
    name: str, text: str, label: str = "conv3x3/tiled [in_f32]", device: str = "AMD (RADV NAVI31)"
) -> Pipeline:
    """A pipeline of nothing but a listing."""
    dialect = next(dialect for dialect in DIALECTS if dialect.name == name)
    return Pipeline(1, label, 0.0, 32, {}, dialect, text.split("\n"), (8, 8, 1), device)


def inner_of(p: Pipeline) -> Loop:
    """A loop that the excerpt has."""
    inner = p.inner()
    assert inner is not None
    return inner


def read(name: str, text: str) -> tuple[Dialect, list[str], Loop]:
    """Kinds of all instructions, and the root."""
    dialect = next(dialect for dialect in DIALECTS if dialect.name == name)
    program, root = parse(text.split("\n"), dialect)
    return dialect, [i.kind for i in program], root


class Dialects(unittest.TestCase):
    """Kinds, work and loops in each vendor's words."""

    def test_amd(self) -> None:
        """Pairs are two instructions, packed multiply-adds two products; a loop may begin above its label."""
        _, kinds, root = read("aco", ACO_LOOP)
        expected = ["branch", "fma", "mov", "wait", "cvt", "load", "fma", "scalar_load", "branch", "branch"]
        self.assertEqual(kinds, expected)
        (loop,) = root.children
        self.assertEqual(
            loop.mix(), {"fma": 2, "mov": 1, "wait": 1, "cvt": 1, "load": 1, "scalar_load": 1, "branch": 1}
        )
        self.assertEqual(loop.work(), 3)
        self.assertEqual([i.paired for i in loop.all() if i.kind == "mov"], [True])

    def test_intel(self) -> None:
        """Integer `mad` is an address; one lane is scalar; spilled values go to their own surface."""
        _, kinds, root = read("brw", BRW_LOOP)
        expected = ["salu", "branch", "fma", "alu", "cvt", "scalar_load", "load", "scratch_store"]
        self.assertEqual(kinds, [*expected, "fma", "fma", "branch"])
        self.assertEqual(len(root.children), 1)
        self.assertEqual(root.children[0].all()[2].width, 8)

    def test_nvidia(self) -> None:
        """What leaves the loop in the middle of its code is no part of it."""
        _, kinds, root = read("nak", NAK_LOOP)
        self.assertEqual(kinds, ["salu", "load", "branch", "branch", "fma", "fma", "matrix", "branch"])
        (loop,) = root.children
        self.assertEqual(loop.mix(), {"load": 1, "branch": 2, "fma": 2, "matrix": 1})
        self.assertEqual(loop.matrix_work(), 16 * 8 * 16)

    def test_pascal(self) -> None:
        """`sync` jumps to the label that it names."""
        text = NAK_LOOP.replace("bra pT L2 ", "sync L2 ").replace("ur0 ", "r0 ")
        _, kinds, root = read("nak", text)
        self.assertEqual(kinds[-1], "branch")
        self.assertEqual([len(loop.all()) for loop in root.children], [6])

    def test_qualcomm(self) -> None:
        """Repetitions count, delays are waits, and the preamble is not executed by a wave."""
        _, kinds, root = read("ir3", IR3_LOOP)
        self.assertEqual(kinds, ["load", "wait", "alu", "fma", "salu", "shared_store", "branch", "branch", "branch"])
        (loop,) = root.children
        expected = {"load": 1, "wait": 3, "alu": 1, "fma": 4, "salu": 1, "shared_store": 1, "branch": 2}
        self.assertEqual(loop.mix(), expected)

    def test_apple(self) -> None:
        """Jumps are told as distances."""
        _, kinds, root = read("agx", AGX_LOOP)
        self.assertEqual(kinds, ["mov", "branch", "load", "wait", "fma", "branch", "branch"])
        self.assertEqual(len(root.children[0].all()), 4 + 1)


class Loops(unittest.TestCase):
    """Nests."""

    NEST = (
        "BB0:\nBB1:\n\tv_mov_b32 v0, v1\nBB2:\n\tv_fma_f32 v0, v1, v2, v3\n\ts_cbranch_scc1 BB2\n\ts_cbranch_scc0 BB1\n"
    )

    def test_nest(self) -> None:
        """The inner loop is not counted in the outer one's own, and trips multiply."""
        p = pipeline("aco", self.NEST)
        inner = inner_of(p)
        self.assertEqual([loop.number for loop in inner.chain()], [1, 2])
        self.assertEqual(p.executed(trips_by_text(p, inner, "20,3")), {"mov": 20, "fma": 60, "branch": 80})
        self.assertEqual(p.executed({}), {"mov": 1, "fma": 1, "branch": 2})

    def test_unreachable(self) -> None:
        """Code that nothing leads to makes no loop."""
        text = "\ts_branch BB3\nBB1:\n\tv_mov_b32 v0, v1\n\ts_branch BB1\nBB3:\n\ts_endpgm\n"
        self.assertEqual(read("aco", text)[2].children, [])


class Waits(unittest.TestCase):
    """How long loads are in flight."""

    def test_in_order(self) -> None:
        """vmcnt(1) leaves the newer of two loads in flight, over the end of the iteration too."""
        fma = "\tv_fma_f32 v0, v1, v2, v3\n"
        load = "\tbuffer_load_b32 v1, v2, s[0:3], 0\n"
        text = (
            f"BB1:\n{load}{load}{fma}\ts_waitcnt vmcnt(1)\n{fma}{fma}{fma}\ts_waitcnt vmcnt(0)\n\ts_cbranch_scc1 BB1\n"
        )
        p = pipeline("aco", text)
        self.assertEqual(shares(p, inner_of(p)), [0.25, 1.0])
        p = pipeline("aco", text.replace("\ts_waitcnt vmcnt(0)\n", ""))
        self.assertEqual(shares(p, inner_of(p)), [0.25, 1.25])

    def test_others(self) -> None:
        """Scoreboards, tokens, flags and slots."""
        for name, text, expected in (
            ("nak", NAK_LOOP.replace("hmma.m16n8k16.f32", "mov"), [0.5]),
            ("brw", BRW_LOOP, [1 / 3]),
            ("ir3", IR3_LOOP, [1.0]),
            ("agx", AGX_LOOP, [0.0]),
        ):
            p = pipeline(name, text)
            self.assertEqual(shares(p, inner_of(p)), expected, name)


class Rules(unittest.TestCase):
    """Shares, and verdicts that can be both."""

    def test_overhead(self) -> None:
        """Everything that computes and is no multiply-add, against their number."""
        self.assertEqual(overhead(pipeline("ir3", IR3_LOOP)), 2 / 4)
        self.assertEqual(beside_matrix(pipeline("nak", NAK_LOOP)), 2.0)
        self.assertIsNone(beside_matrix(pipeline("ir3", IR3_LOOP)))

    def test_verdicts(self) -> None:
        """A folder with a pipeline that spills, whose waves are few, and whose load is waited for at once."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "device.txt").write_text("AMD Radeon Graphics (RADV NAVI31)\ndriver\tradv Mesa 1\n")
            (folder / "index.tsv").write_text(
                "created\t0000\tresult 0\t0.5 s\tentry main\nnamed\t0000\tconv3x3/tiled [in_f32 GROUPS=4]\n"
                "created\t0001\tresult 0\t0.5 s\tentry main\nnamed\t0001\t(wgpu internal) x\n"
            )
            stats = "".join(
                f"#STAT\t{stat}\t{value}\n"
                for stat, value in {
                    "VGPRs": 96,
                    "Spilled VGPRs": 2,
                    "Scratch size": 0,
                    "Subgroups per SIMD": 12,
                }.items()
            )
            text = f"#EXECUTABLE\tcompute\tx\tsubgroup 64\n{stats}#IR\tAssembly\tFinal\n{ACO_LOOP}"
            (folder / "0000.txt").write_text(text)
            self.assertEqual(read_folder(folder).cut_off, ["conv3x3/tiled"])
            with (folder / "index.tsv").open("a") as index:
                index.write("described\t0000\n")
            device = read_folder(folder)
            self.assertEqual(device.cut_off, [])
            # What another file's text stands before is no text of this pipeline's.
            (folder / "0000.txt").write_text(text.replace("#EXECUTABLE", "mov r0.x, r1.x#EXECUTABLE"))
            self.assertEqual(read_folder(folder).cut_off, ["conv3x3/tiled"])
            found = {v.rule: v.passed for v in judge(device)}
            self.assertEqual((device_name(device), device.driver), ("gfx1100", "radv Mesa 1"))
        self.assertEqual([p.short for p in device.pipelines], ["conv3x3/tiled GROUPS=4"])
        self.assertEqual(list(found.values()), [False, True, False, True])


class Budget(unittest.TestCase):
    """What is worse and what is better."""

    ENTRY = check.Entry(64, 96, 0, 0, 12, 1000, 768)

    def test_compared(self) -> None:
        """Spills, occupancy, instructions and rules, each way; registers alone are neither."""
        for other, sides in (
            (check.Entry(64, 128, 0, 0, 12, 1000, 768), (0, 0)),
            (check.Entry(64, 96, 1, 0, 12, 1000, 768), (1, 0)),
            (check.Entry(64, 96, 0, 0, 10, 1000, 768), (1, 0)),
            (check.Entry(64, 96, 0, 0, 16, 900, 768), (0, 2)),
            (check.Entry(64, 96, 0, 0, 12, 1010, 768), (0, 0)),
            (check.Entry(64, 96, 0, 0, 12, 1100, 768), (1, 0)),
            (check.Entry(64, 96, 0, 0, 12, 500, 384), (0, 0)),
            (check.Entry(64, 96, 0, 0, 12, 1000, 768, ("a rule",)), (1, 0)),
        ):
            self.assertEqual(tuple(map(len, self.ENTRY.compared(other))), sides, other)

    def test_file(self) -> None:
        """What is written is read back."""
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "isa" / "budget.json"
            failing = check.Entry(8, None, 3, 4, None, 10, 0, ("no spills, no scratch",))
            budget = check.Budget("1-2", {"dg2": {"gate [x]": self.ENTRY, "sam [y]": failing}})
            budget.write(path)
            self.assertEqual(check.Budget.read(path), budget)


class Files(unittest.TestCase):
    """What the layer and drivers write."""

    def test_workgroup(self) -> None:
        """The size stands in an execution mode of the module."""
        words = [0x07230203, 0x10300, 0, 9, 0, (2 << 16) | 17, 1, (6 << 16) | 16, 4, 17, 8, 2, 5]
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "0000.spv"
            path.write_bytes(struct.pack(f"<{len(words)}I", *words))
            self.assertEqual(workgroup_of(path), (8, 2, 5))
            path.write_bytes(b"no module")
            self.assertEqual(workgroup_of(path), (0, 0, 0))

    def test_statistics(self) -> None:
        """Waves of 64 lanes count as two on RDNA alone."""
        told = {"VGPRs": "168", "Subgroups per SIMD": "8", "Spilled SGPRs": "3"}
        found = normalised("aco", told, 64, "AMD Radeon Graphics (RADV NAVI31)")
        self.assertEqual((found.registers, found.spills, found.occupancy, found.max_occupancy), (168, 3, 8, 32))
        self.assertEqual(normalised("aco", told, 64, "(RADV VEGA10)").max_occupancy, 10)
        found = normalised("nak", {"Max warps/SM": "12", "SLM size": "32"}, 32, "NVIDIA GeForce RTX 3090 (NVK 172)")
        self.assertEqual((found.occupancy, found.max_occupancy, found.clean), (12, 48, False))
        self.assertIsNone(normalised("brw", {"Spills": "0"}, 8, "Intel").occupancy)


if __name__ == "__main__":
    unittest.main()
