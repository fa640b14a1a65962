//! For GPUs: three dispatches for each strip, which hand over through scratch memory in quads of channels of a tile.

use super::super::{POOL_SHARED, pooled};
use super::{Algorithm, bias_packing, packed, row, stage, whole_subgroups};
use crate::gpu::{KernelSpec, Maker, Storage};
use crate::graph::{CELL, Conv, Graph};
use crate::kernels::convolution::{Filter, Sources, packing};
use crate::kernels::{BindingIndex, Context, Grid, Lowered, Operand, Packed, Scratch, Stage};
use crate::plan::Reach;

/// Bytes of a quad.
const QUAD: u32 = 16;

/// How the product is blocked.
#[derive(Clone, Copy)]
struct Blocking {
    /// Where weights come from: what supplies them.
    weights: &'static str,
    /// Lanes that hold neighbouring tiles.
    width: u32,
    /// Tiles of a lane.
    across: u32,
    /// Quads of outputs of a lane.
    quads: u32,
    /// Lanes of a workgroup at most: every adapter has 256, and workgroup memory is 16 KiB.
    lanes: u32,
}

/// Weights that a subgroup shares, in scalar registers or loaded once.
const UNIFORM: Blocking = Blocking { weights: "weights_uniform", width: 64, across: 2, quads: 4, lanes: 256 };
/// As many sums where the register of a lane is as good as any.
const SHARED: Blocking = Blocking { weights: "weights_shared", width: 16, across: 4, quads: 2, lanes: 256 };
/// Twice as many, where registers are for the asking and workgroup memory is what is waited for.
const LARGE: Blocking = Blocking { across: 8, lanes: 192, ..SHARED };

/// Half as many again, which Adreno has registers for at 6 waves; but in workgroups of 96 to 128 lanes its compiler
/// takes more registers than that.
const WIDER: Blocking = Blocking { across: 6, ..SHARED };

impl Blocking {
    fn of(cx: &Context<'_>) -> Self {
        match cx.target.maker {
            Maker::Amd | Maker::Intel if whole_subgroups(cx, UNIFORM.width) => UNIFORM,
            Maker::Nvidia => LARGE,
            Maker::Qualcomm if !(6..=8).contains(&cx.quads(cx.dst()).div_ceil(WIDER.quads)) => WIDER,
            _ => SHARED,
        }
    }
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, algorithm: &'static Algorithm) -> Lowered {
    let blocking = Blocking::of(cx);
    let points = algorithm.filter.len() as u32;
    let inputs = Scratch {
        index: 0,
        planes: points * points,
        tiles: (CELL / algorithm.m).pow(2),
        align: blocking.width * blocking.across,
        run: 1,
        items: Sources::of(cx, conv).quads(cx).next_multiple_of(2),
        item_bytes: QUAD,
    };
    let items = cx.quads(cx.dst()).next_multiple_of(blocking.quads);
    let outputs = Scratch { index: 1, items, ..inputs };
    let stages = vec![
        transform_input(cx, conv, algorithm, inputs),
        multiply(cx, conv, algorithm, blocking, [inputs, outputs]),
        transform_output(cx, conv, algorithm, outputs),
    ];
    Lowered::staged(stages, cx.target.scratch)
}

fn transform_input(cx: &Context<'_>, conv: &Conv, algorithm: &Algorithm, scratch: Scratch) -> Stage {
    let spec = KernelSpec::new("conv3x3/winograd_tile_input", &["tile", algorithm.part]);
    let grid = Grid::CellLanes { cells: 1, lanes: scratch.tiles * scratch.items, depth: 2 };
    let stage = stage(cx, spec, grid, None).bind_any(BindingIndex::Dst, Operand::Scratch(scratch));
    Sources::of(cx, conv).bind(stage, cx, conv, Reach::Around)
}

fn multiply(
    cx: &Context<'_>,
    conv: &Conv,
    algorithm: &'static Algorithm,
    blocking: Blocking,
    [inputs, outputs]: [Scratch; 2],
) -> Stage {
    let groups = outputs.items / blocking.quads;
    let depth = groups.div_ceil(blocking.lanes / blocking.width);
    let spec = KernelSpec::new("conv3x3/winograd_product", &[blocking.weights, row(cx, blocking.width)])
        .constant("WIDTH", blocking.width)
        .constant("ACROSS", blocking.across)
        .constant("QUADS", blocking.quads)
        .constant("GROUPS", groups.div_ceil(depth));
    let grid = Grid::Planes { scratch: inputs, run: blocking.width * blocking.across, depth };
    let own = blocking.quads * 4;
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        let filter = Filter::of(graph, conv, sources);
        pack(&filter, algorithm, inputs.items as usize * 4, groups as usize, own as usize)
    };
    let packing = packing(cx, conv, ("winograd_product", own), Storage::F32, pack);
    stage(cx, spec, grid, Some(packing))
        .bind_any(BindingIndex::X, Operand::Scratch(inputs))
        .bind_any(BindingIndex::Dst, Operand::Scratch(outputs))
}

fn transform_output(cx: &Context<'_>, conv: &Conv, algorithm: &Algorithm, scratch: Scratch) -> Stage {
    let quads = cx.quads(cx.dst());
    let spec = KernelSpec::new("conv3x3/winograd_tile_output", &["tile", algorithm.part]);
    let packing = bias_packing(cx, conv);
    let grid = Grid::CellLanes { cells: 1, lanes: scratch.tiles * quads, depth: 1 };
    let stage = stage(cx, spec, grid, Some(packing)).bind_any(BindingIndex::X, Operand::Scratch(scratch));
    pooled(Sources::of(cx, conv).finish(stage, cx, conv), cx, conv, POOL_SHARED)
}

/// `[point][group of outputs][input, padded][output of the group]`.
fn pack(filter: &Filter<'_>, algorithm: &Algorithm, inputs: usize, groups: usize, own: usize) -> Packed {
    let len = algorithm.filter.len().pow(2) * groups * inputs * own;
    packed(filter, algorithm, len, |point, input, output| {
        ((point * groups + output / own) * inputs + input) * own + output % own
    })
}
