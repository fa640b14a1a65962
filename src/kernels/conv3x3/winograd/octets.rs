//! For software adapters: three dispatches for each strip, which hand over through scratch memory in pairs of vec4,
//! eight channels of a tile or eight tiles of a channel.

use super::{Algorithm, bias_packing, packed, stage};
use crate::gpu::{KernelSpec, Storage};
use crate::graph::{CELL, Conv, Graph};
use crate::kernels::convolution::{Filter, Sources, bind_sums, packing};
use crate::kernels::{BindingIndex, Context, Grid, Lowered, Operand, Packed, Scratch, Stage, Target};
use crate::plan::Reach;

/// Bytes of a pair.
const PAIR: u32 = 32;

/// Lanes that hold neighbouring outputs in `shaders/conv3x3/winograd_multiply.wgsl`.
const LANES: u32 = 8;
/// Groups of such lanes in a workgroup. `shaders/conv3x3/winograd_multiply_by_tile.wgsl` has one, and so the same tiles
/// for all lanes.
const GROUPS: u32 = 2;
/// Tiles in one pair of the sums.
const OCTET: u32 = 8;
/// What tiles are padded to a multiple of: the most that such lanes share.
const ALIGN: u32 = 2 * OCTET;

/// How the multiplication is blocked: a lane holds `outputs` channels of `octets` x 8 tiles.
#[derive(Clone, Copy)]
struct Blocking {
    lanes: u32,
    octets: u32,
    outputs: u32,
    /// Time of a multiply-add, in percent of two octets' by seven.
    cost: u32,
}

/// More outputs save loads, until compilers stop unrolling their loops and no longer keep the sums in registers. Few
/// blockings, since each is a pipeline: between them no width of the published configurations is padded by more than
/// an eighth.
const BLOCKINGS: [Blocking; 5] = [
    Blocking { lanes: LANES, octets: 1, outputs: 10, cost: 92 },
    Blocking { lanes: LANES, octets: 2, outputs: 7, cost: 100 },
    Blocking { lanes: LANES, octets: 2, outputs: 6, cost: 100 },
    Blocking { lanes: LANES, octets: 2, outputs: 5, cost: 103 },
    Blocking { lanes: LANES, octets: 2, outputs: 4, cost: 110 },
];

/// For vectors of 16 lanes.
const WIDE: [Blocking; 3] = [
    Blocking { lanes: 2 * LANES, octets: 2, outputs: 5, cost: 100 },
    Blocking { lanes: 2 * LANES, octets: 2, outputs: 4, cost: 103 },
    Blocking { lanes: 2 * LANES, octets: 2, outputs: 3, cost: 110 },
];

impl Blocking {
    /// The one that takes least time for that many outputs.
    fn of(target: &Target, channels: u32) -> Self {
        let blockings = if target.uniform_loads == Some(2 * LANES) { &WIDE[..] } else { &BLOCKINGS };
        let time = |b: &&Self| b.padded(channels) * b.cost;
        *blockings.iter().min_by_key(time).unwrap_or(&blockings[0])
    }

    fn padded(self, channels: u32) -> u32 {
        channels.next_multiple_of(self.lanes * self.outputs)
    }
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, algorithm: &'static Algorithm) -> Lowered {
    let blocking = Blocking::of(cx.target, cx.channels(cx.dst()));
    let points = algorithm.filter.len() as u32;
    let inputs = Scratch {
        index: 0,
        planes: points * points,
        tiles: (CELL / algorithm.m).pow(2),
        align: ALIGN,
        run: 1,
        items: Sources::of(cx, conv).quads(cx).div_ceil(2),
        item_bytes: PAIR,
    };
    let pairs = blocking.padded(cx.channels(cx.dst()));
    let outputs = Scratch { index: 1, run: OCTET, items: pairs, ..inputs };
    let stages = vec![
        transform_input(cx, conv, algorithm, inputs),
        multiply(cx, conv, algorithm, blocking, [inputs, outputs]),
        transform_output(cx, conv, algorithm, [inputs, outputs]),
    ];
    Lowered::staged(stages, cx.target.scratch)
}

fn transform_input(cx: &Context<'_>, conv: &Conv, algorithm: &Algorithm, scratch: Scratch) -> Stage {
    let spec = KernelSpec::new("conv3x3/winograd_input", &["tile", "padded", "pair", algorithm.part]);
    let grid = Grid::CellLanes { cells: 1, lanes: scratch.tiles * scratch.items, depth: 1 };
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
    // Among eight lanes a broadcast is one permutation, and costs less than a load of a scalar and its check; among 16
    // it is a loop.
    let broadcast = blocking.lanes == LANES && cx.target.subgroups == Some((LANES, LANES));
    let (spec, groups) = if cx.target.uniform_loads.is_some() {
        let tiles = if broadcast { "tiles_broadcast" } else { "tiles_load" };
        let spec = KernelSpec::new("conv3x3/winograd_multiply_by_tile", &["pair", tiles]);
        (spec.constant("LANES", blocking.lanes), 1)
    } else if broadcast {
        let parts = &["pair", "octet_broadcast", "pairs_broadcast"];
        (KernelSpec::new("conv3x3/winograd_multiply", parts), GROUPS)
    } else {
        (KernelSpec::new("conv3x3/winograd_multiply", &["pair", "pairs_load"]), GROUPS)
    };
    let spec = spec
        .stored("weight", Storage::F32)
        .constant("OCTETS", blocking.octets)
        .constant("OUTPUTS", blocking.outputs);
    let depth = outputs.items / (blocking.lanes * blocking.outputs);
    let grid = Grid::Planes { scratch: inputs, run: OCTET * blocking.octets * groups, depth };
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        pack(&Filter::of(graph, conv, sources), algorithm, outputs.items as usize)
    };
    let packing = packing(cx, conv, (algorithm.part, outputs.items), Storage::F32, pack);
    stage(cx, spec, grid, Some(packing))
        .bind_any(BindingIndex::X, Operand::Scratch(inputs))
        .bind_any(BindingIndex::Dst, Operand::Scratch(outputs))
}

/// One pipeline serves convolutions with sums per cell and without: without, their place is the first stage's scratch.
fn transform_output(
    cx: &Context<'_>,
    conv: &Conv,
    algorithm: &Algorithm,
    [inputs, outputs]: [Scratch; 2],
) -> Stage {
    let quads = cx.quads(cx.dst());
    let sums = if cx.target.uniform_loads.is_some() { "tiles_whole" } else { "tiles_by_row" };
    let parts = &["tile", "pair", algorithm.part, sums, "pool_own"];
    let spec = KernelSpec::new("conv3x3/winograd_output", parts);
    let packing = bias_packing(cx, conv);
    let grid = Grid::CellLanes { cells: (OCTET / outputs.tiles).max(1), lanes: quads, depth: 1 };
    let mut stage = stage(cx, spec, grid, Some(packing)).bind_any(BindingIndex::X, Operand::Scratch(outputs));
    stage = Sources::of(cx, conv).finish(stage, cx, conv);
    if conv.pooled { bind_sums(stage, cx) } else { stage.bind_any(BindingIndex::Dst2, Operand::Idle(inputs)) }
}

/// `[point][input quad][output, padded]` of the quad's inputs; quads are even in number.
fn pack(filter: &Filter<'_>, algorithm: &Algorithm, outputs: usize) -> Packed {
    let quads = filter.inputs.len().next_multiple_of(8) / 4;
    let len = algorithm.filter.len().pow(2) * quads * outputs * 4;
    packed(filter, algorithm, len, |point, input, output| {
        ((point * quads + input / 4) * outputs + output) * 4 + input % 4
    })
}

#[cfg(test)]
mod tests {
    use super::super::F4;
    use super::*;
    use crate::gpu::TEXEL_COLUMNS;
    use crate::graph::MAX_CHANNELS;

    /// WebGPU guarantees images of as many rows.
    #[test]
    fn filters_fit_an_image() {
        let eight = Target::lavapipe(Storage::F32);
        let sixteen = eight.clone().with_uniform_loads(Some(16));
        for target in [eight, sixteen] {
            let padded = |channels| Blocking::of(&target, channels).padded(channels);
            let outputs = (1..=MAX_CHANNELS).map(padded).max().unwrap();
            let points = F4.filter.len().pow(2) as u32;
            let texels = points * 2 * MAX_CHANNELS.div_ceil(4) * outputs;
            assert!(texels.div_ceil(TEXEL_COLUMNS) <= 8192);
        }
    }
}
