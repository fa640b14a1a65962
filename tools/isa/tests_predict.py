#!/usr/bin/env python3
"""Tests of the predictions: `python3 tools/isa/tests_predict.py`."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import ncnn
import nvidia
import predict_all
import predictions
from assembly import Dispatch, Pipeline, parse
from dialects import DIALECTS, Dialect, Instruction
from latency import Walk
from predict import CARDS, Card, lane_sums, predict, trips
from trips import Shape
from units import charge, words
from works import Work, depth, halo, span_work

AMD = """
BB0:
	s_mov_b32 s0, 0
BB1:
	buffer_load_b128 v[16:19], v9, s[12:15], 0 offen
	ds_load_b128 v[20:23], v8
	v_fmac_f32_e32 v0, v16, v17
	v_fmac_f32_e32 v1, v16, v17
	v_fmac_f32_e32 v2, v16, v17
	v_fmac_f32_e32 v3, v16, v17
	s_waitcnt vmcnt(0)
	v_add_nc_u32_e32 v9, v9, v10
	s_cbranch_scc1 BB1
BB2:
	v_fmac_f32_e32 v0, v16, v17
	v_fmac_f32_e32 v1, v16, v17
	s_endpgm
"""
SASS = """
.L_x_1:
        /*0010*/                   FFMA R0, R1, R2, R0 ;                 /* 0x0000000201007223 */
                                                                         /* 0x003fe80000000000 */
        /*0020*/              @!P0 LDG.E.128 R4, [R2.64] ;               /* 0x0000000402048981 */
                                                                         /* 0x0004e2000c1e1d00 */
        /*0030*/                   IADD3 R9, R4, R5, RZ ;                /* 0x0000000504097210 */
                                                                         /* 0x004fca0007ffe0ff */
        /*0040*/               @P0 BRA `(.L_x_1) ;                       /* 0xffffffd000000947 */
                                                                         /* 0x000fea000383ffff */
        /*0050*/                   EXIT ;                                /* 0x000000000000794d */
                                                                         /* 0x000fea0003800000 */
"""


def card(name: str) -> Card:
    """Of the table."""
    return next(c for c in CARDS if c.name == name)


def amd() -> Dialect:
    """ACO's listings."""
    return next(d for d in DIALECTS if d.name == "aco")


def pipeline(listing: str = AMD, label: str = "conv3x3/tiled [in_f32]", subgroup: int = 64) -> Pipeline:
    """Four sums a lane, one input an iteration; half of an iteration behind the loop."""
    told = {"VGPRs": "24", "Subgroups per SIMD": "32", "LDS size": "0"}
    return Pipeline(7, label, 0.0, subgroup, told, amd(), listing.splitlines(), (64, 1, 1), "NAVI31")


def aco(text: str) -> Instruction:
    """One instruction."""
    return amd().read(0, text).instructions[0]


class Cards(unittest.TestCase):
    def test_peaks_are_the_published_ones(self) -> None:
        published = {
            "RX 7900 XTX": (61.4, 122.8), "RX 9070 XT": (48.7, 195), "Arc A770": (17.2, 137.6), "Arc B580": (13.7, 109.1),
            "RTX 3090": (35.6, 71), "RTX 4090": (82.6, 165.2), "H100": (66.9, 0), "Adreno 740": (2.1, 0),
            "Apple M1": (2.6, 0),
        }  # fmt: skip
        # Intel's 233 TOPS of int8 are at 2.85 GHz.
        self.assertEqual(set(published), {c.name for c in CARDS})
        for c in CARDS:
            vector, matrix = published[c.name]
            self.assertAlmostEqual(2e-12 * c.peak / vector, 1, delta=0.02, msg=c.name)
            self.assertAlmostEqual(2e-12 * c.matrix_peak, matrix, delta=0.02 * matrix, msg=c.name)


class Units(unittest.TestCase):
    def test_rdna3_passes_products_of_64_lanes_at_once(self) -> None:
        rates = card("RX 7900 XTX").rates
        for text, unit, cycles in [
            ("v_fmac_f32_e32 v0, v1, v2", "vector", 1), ("v_add_nc_u32_e32 v0, v1, v2", "vector", 2),
            ("v_mul_lo_u32 v0, v1, v2", "vector", 8), ("v_fma_mix_f32 v0, v1, v2, v3", "vector", 2),
            ("v_wmma_f32_16x16x16_f16 v[0:3], v[4:11], v[12:19], v[0:3]", "vector", 32),
            ("ds_load_b64 v[0:1], v2", "shared", 4),
            ("buffer_load_b128 v[0:3], v4, s[0:3], 0 offen", "memory", 8), ("s_add_u32 s0, s1, s2", "scalar", 1),
        ]:  # fmt: skip
            self.assertEqual(charge(aco(text), "aco", 64, rates)[unit], cycles, text)
        second = amd().read(0, "v_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6").instructions[1]
        self.assertEqual(charge(second, "aco", 32, rates), {})

    def test_integers_of_ampere_take_half_of_the_lanes(self) -> None:
        rates = card("RTX 3090").rates
        told = nvidia.sass(0, "IADD3 R0, R1, R2, RZ // delay=1").instructions[0]
        self.assertEqual(charge(told, "nak", 32, rates), {"issue": 1, "vector": 1, "integer": 2})

    def test_bytes_of_accesses(self) -> None:
        for text, kind, size in [
            ("ds_load_2addr_b64 v[0:3], v4", "shared_load", 16), ("ds_load_u16_d16 v64, v24 offset:4096", "shared_load", 2),
            ("buffer_load_dwordx4 v[0:3], v4, s[0:3], 0", "load", 16), ("LDG.E.128.CONSTANT R4, [R2.64]", "load", 16),
            ("LDS.64 R4, [R2]", "shared_load", 8), ("STG.E [R2.64], R4", "store", 4),
            ("r18 = ld.global.a64.constant.b32 [r22..24+rZ], p2", "load", 4),
            ("ldl.u32 r9.y, l[r21.x+80], 4", "shared_load", 16),
            ("stib.b.untyped.1d.u32.4.imm.base0 r6.z, r1.y, 5", "store", 16),
            ("send.ugm (8) r1 // wr:1+0, rd:4; load.ugm.d32x4.a32.bti[2]", "load", 16), ("v_mov_b32 v0, v1", "mov", 0),
        ]:  # fmt: skip
            self.assertEqual(words(text, kind), size, text)


class Latency(unittest.TestCase):
    def test_products_hide_a_load_only_until_its_wait(self) -> None:
        c = card("RX 7900 XTX")
        load, wait = "buffer_load_b32 v0, v1, s[0:3], 0 offen", "s_waitcnt vmcnt({})"
        product = "v_fmac_f32_e32 v2, v3, v4"

        def cycles(*lines: str) -> float:
            return Walk("aco", 64, c.rates, c.latency).run([aco(line) for line in lines])

        waited = cycles(load, wait.format(0))
        self.assertGreaterEqual(waited, c.latency["load"])
        self.assertEqual(cycles(load, *[product] * 50, wait.format(0)), waited)
        self.assertLess(cycles(load, wait.format(1)), c.latency["load"])
        # The older of two is there first.
        both = (load, *[product] * 100, load)
        self.assertLess(cycles(*both, wait.format(1)), cycles(*both, wait.format(0)))


class Model(unittest.TestCase):
    def work(self, **more: float) -> Work:
        """96 compute units' worth of workgroups, 100 inputs of each sum."""
        groups = 9600
        products = groups * 64 * 4 * 100
        return Work("w", pipeline(), groups, products=products, inputs=100, defined=products, **more)

    def test_trips_follow_from_products_and_sums(self) -> None:
        work = self.work()
        inner = work.pipeline.inner()
        assert inner
        self.assertEqual((lane_sums(work), trips(work, inner, work.groups)), (4, 100))
        # Lanes with nothing to do run along.
        work.products = work.products * 5 // 8
        self.assertEqual(trips(work, inner, work.groups), 100)
        # Of Winograd's values an iteration takes a power of two.
        work.transformed = True
        self.assertEqual(trips(work, inner, work.groups), 100)
        # Padding included, as another program's: just what is asked for, in parts of an iteration.
        work.inputs = 0
        self.assertEqual(trips(work, inner, work.groups), 62.5)

    def test_the_busiest_unit_decides(self) -> None:
        c = card("RX 7900 XTX")
        told = predict(self.work(), c)
        # A hundred workgroups of one subgroup for each unit, an iteration of 8 cycles of data from each kind of memory.
        self.assertAlmostEqual(told.bounds["memory"] * c.ghz * 1e9, 100 * 100 * 8, delta=100 * 100 * 0.1)
        self.assertAlmostEqual(told.bounds["shared"], told.bounds["memory"])
        self.assertEqual(max((u for u in told.bounds if u != "latency"), key=lambda u: told.bounds[u]), "memory")
        self.assertGreater(predict(self.work(moved=1e9), c).bounds["DRAM"], 1e-3)

    def test_what_fits_the_last_cache_is_not_in_dram(self) -> None:
        c = card("RX 7900 XTX")
        fits, large = (predict(self.work(scratch=1e9, strip=strip), c) for strip in (32 << 20, 64 << 20))
        self.assertEqual((fits.bounds["DRAM"], large.bounds["DRAM"] > 1e-3), (0, True))
        self.assertEqual(fits.bounds["last cache"], large.bounds["last cache"])

    def test_more_subgroups_hide_more_latency(self) -> None:
        c, work = card("RX 7900 XTX"), self.work()
        few = self.work()
        few.pipeline.statistics = {**few.pipeline.statistics, "Subgroups per SIMD": "4"}
        self.assertAlmostEqual(predict(few, c).bounds["latency"] / predict(work, c).bounds["latency"], 8)

    def test_spans_become_works(self) -> None:
        span = {
            "tensor": "t", "op": "conv3x3", "outputs": [[80, 720, 1280]], "workgroups": 28800, "grid": [160, 90, 2],
            "dispatches": 1, "multiply_adds": 9 * 80 * 80 * 720 * 1280, "executed": 9 * 80 * 80 * 720 * 1280, "bytes": 6e8,
            "scratch_bytes": 0,
        }  # fmt: skip
        work = span_work(span, pipeline())
        self.assertEqual((work.inputs, work.scratch), (720, 0))
        # Half of the weights and 10x10 pixels of 80 channels for each of 28,800 workgroups.
        self.assertEqual(work.again, 28800 * 4 * (9 * 80 * 80 / 2 + 100 * 80))
        self.assertEqual(halo(64, "conv3x3/tiled"), 100 / 64)
        for grid, dispatches, shared in [([160, 90, 2], 1, 2), ([160, 30, 1], 3, 1), ([3600, 5, 1], 1, 5)]:
            self.assertEqual(depth({"grid": grid, "dispatches": dispatches}, 720), shared)


class Nvidia(unittest.TestCase):
    def test_listings_say_stalls_and_barriers(self) -> None:
        lines = nvidia.listing(SASS)
        self.assertEqual(lines[0], ".L_x_1:")
        self.assertEqual(lines[1], "FFMA R0, R1, R2, R0 // delay=4 wt=000011")
        self.assertEqual(lines[2], "@!P0 LDG.E.128 R4, [R2.64] // delay=1 rd:2 wr:3")
        program, root = parse(lines, nvidia.DIALECT)
        self.assertEqual([i.kind for i in program], ["fma", "load", "alu", "branch", "branch"])
        self.assertEqual(len(root.children), 1)

    def test_occupancy_by_registers_shared_memory_and_blocks(self) -> None:
        self.assertEqual(nvidia.occupancy("sm_86", 156, 0, 96), 12)
        self.assertEqual(nvidia.occupancy("sm_86", 32, 0, 64), 32)
        self.assertEqual(nvidia.occupancy("sm_90", 32, 100 << 10, 256), 16)

    def test_quads_are_one_access(self) -> None:
        told = nvidia.cuda("ByteAddressBuffer x : register(t3);\nreturn x.Load<float4>(at(a, b) * 32 + 16);")
        self.assertIn("StructuredBuffer<float4> x", told)
        self.assertIn("x[(at(a, b)) * 2 + 1]", told)
        self.assertIn("quad_of(w[i])", nvidia.cuda("ByteAddressBuffer w : register(t1);\nw.Load<half4>(i * 8 + 0);"))


class Others(unittest.TestCase):
    def test_products_of_ncnn_fill_a_power_of_two(self) -> None:
        product = Dispatch(13, (1800, 1, 36), 1)
        work = ncnn.stage("product", product, pipeline(), product, Shape(80, 1280, 720), "f16")
        # 64 x 64 results a workgroup, for 80 outputs 128.
        self.assertEqual(work.products, 1800 * 36 * 4096 * 80)
        self.assertEqual((work.scratch, work.strip), (2 * 36 * 57600 * 80 * 2, 36 * 57600 * 80 * 2))

    def test_the_best_variant_is_held_against_ncnn(self) -> None:
        part = predict(Model().work(), card("RX 7900 XTX"))

        def run(variant: str, times: int) -> predictions.Run:
            return predictions.Run({"channels": 80, "precision": "f32", "variant": variant}, [part] * times)

        told = list(predict_all.versus([run("auto", 4), run("block", 4), run("tiled", 1), run("ncnn", 2)]))
        self.assertEqual(len(told), 1)
        self.assertIn("(2.00 of ncnn's), best tiled", told[0])

    def test_files_keep_what_others_predicted(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            path, part = Path(name) / "predicted.json", predict(Model().work(), card("RX 7900 XTX"))
            of = {"kernel": "conv3x3", "channels": 80, "size": "1280x720", "precision": "f32", "variant": "tiled"}
            predictions.write(path, card("RTX 3090"), [predictions.Run(of, [part])])
            for parts in ([part], [part, part]):
                predictions.write(path, card("RX 7900 XTX"), [predictions.Run(of, parts)])
            entries = json.loads(path.read_text())["predictions"]
            self.assertEqual([e["adapter"] for e in entries], ["RTX 3090", "RX 7900 XTX"])
            self.assertEqual(entries[1], {"adapter": "RX 7900 XTX", **of, "seconds": 2 * part.seconds})


if __name__ == "__main__":
    unittest.main()
