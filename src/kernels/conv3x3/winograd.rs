//! Winograd's minimal filtering F(m x m, 3x3) (Lavin and Gray, CVPR 2016): three dispatches for each strip, which hand
//! over through scratch memory. The filters are transformed here, in f64.

use super::pooled;
use crate::gpu::{KernelSpec, Storage};
use crate::graph::{CELL, Conv, Graph};
use crate::kernels::convolution::{Filter, Sources, biases, packing};
use crate::kernels::{Context, Grid, Lowered, Operand, Packed, Packing, Scalars, Scratch, Slot, Stage};
use crate::plan::Reach;

/// Lanes that hold neighbouring outputs in `shaders/conv3x3/winograd_multiply.wgsl`.
const LANES: u32 = 8;
/// Such groups of lanes in a workgroup.
const GROUPS: u32 = 2;

/// One of the algorithms: tiles of `m` x `m` outputs from m + 2 points a side.
pub(super) struct Algorithm {
    m: u32,
    part: &'static str,
    /// G, as fractions: rows for points, columns for filter taps.
    filter: &'static [[f64; 3]],
}

/// Points 0, 1, -1 and infinity.
pub(super) const F2: Algorithm = Algorithm {
    m: 2,
    part: "winograd_2",
    filter: &[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]],
};

/// Points 0, 1, -1, 2, -2 and infinity.
pub(super) const F4: Algorithm = Algorithm {
    m: 4,
    part: "winograd_4",
    filter: &[
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ],
};

/// How the multiplication is blocked: a lane holds `outputs` channels of `tiles` tiles.
#[derive(Clone, Copy)]
struct Blocking {
    tiles: u32,
    outputs: u32,
    /// Time of a multiply-add, in percent of the fastest's.
    cost: u32,
}

/// About 160 sums a lane: past that they leave the first-level cache of software adapters, below it loads cost more
/// than multiply-adds. Three blockings, since each is a pipeline: between them no width of the published
/// configurations is padded by more than a quarter.
const BLOCKINGS: [Blocking; 3] = [
    Blocking { tiles: 32, outputs: 5, cost: 100 },
    Blocking { tiles: 24, outputs: 7, cost: 105 },
    Blocking { tiles: 64, outputs: 2, cost: 120 },
];

impl Blocking {
    /// The one that takes least time for that many outputs.
    fn of(channels: u32) -> Self {
        let time = |b: &&Self| b.padded(channels) * b.cost;
        *BLOCKINGS.iter().min_by_key(time).unwrap_or(&BLOCKINGS[0])
    }

    fn padded(self, channels: u32) -> u32 {
        channels.next_multiple_of(LANES * self.outputs)
    }
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, algorithm: &'static Algorithm) -> Lowered {
    let blocking = Blocking::of(cx.channels(cx.dst()));
    let points = algorithm.filter.len() as u32;
    let tiles = (CELL / algorithm.m).pow(2);
    let inputs = Scratch {
        index: 0,
        planes: points * points,
        per_cell: tiles,
        align: blocking.tiles,
        quads: Sources::of(cx, conv).quads(cx),
    };
    // Four tiles to a quad, one element for each padded output channel.
    let outputs = Scratch {
        index: 1,
        per_cell: tiles / 4,
        align: blocking.tiles / 4,
        quads: blocking.padded(cx.channels(cx.dst())),
        ..inputs
    };
    let stages = vec![
        transform_input(cx, conv, algorithm, inputs),
        multiply(cx, conv, algorithm, blocking, [inputs, outputs]),
        transform_output(cx, conv, algorithm, outputs),
    ];
    Lowered::staged(stages, cx.target.scratch)
}

fn stage(cx: &Context<'_>, spec: KernelSpec, grid: Grid, packing: Option<Packing>) -> Stage {
    let (domain, scalars) = (cx.cells(), Scalars::default());
    Stage { spec, domain, bindings: Vec::new(), packing, grid, scalars }
}

fn transform_input(cx: &Context<'_>, conv: &Conv, algorithm: &Algorithm, scratch: Scratch) -> Stage {
    let spec = KernelSpec::new("conv3x3/winograd_input", &["tile", "padded", algorithm.part]);
    let grid = Grid::CellLanes { lanes: scratch.per_cell * scratch.quads };
    let stage = stage(cx, spec, grid, None).bind_any(Slot::Dst, Operand::Scratch(scratch));
    Sources::of(cx, conv).bind(stage, cx, conv, Reach::Around)
}

fn multiply(
    cx: &Context<'_>,
    conv: &Conv,
    algorithm: &'static Algorithm,
    blocking: Blocking,
    [inputs, outputs]: [Scratch; 2],
) -> Stage {
    let spread = if cx.target.subgroups == Some((LANES, LANES)) { "spread_broadcast" } else { "spread_load" };
    let spec = KernelSpec::new("conv3x3/winograd_multiply", &[spread])
        .constant("TILES", blocking.tiles)
        .constant("OUTPUTS", blocking.outputs);
    let depth = outputs.quads / (LANES * blocking.outputs);
    let grid = Grid::Planes { scratch: inputs, run: blocking.tiles * GROUPS, depth };
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        pack(&Filter::of(graph, conv, sources), algorithm, outputs.quads as usize)
    };
    let packing = packing(cx, conv, (algorithm.part, outputs.quads), Storage::F32, pack);
    stage(cx, spec, grid, Some(packing))
        .bind_any(Slot::X, Operand::Scratch(inputs))
        .bind_any(Slot::Dst, Operand::Scratch(outputs))
}

fn transform_output(cx: &Context<'_>, conv: &Conv, algorithm: &Algorithm, scratch: Scratch) -> Stage {
    let quads = cx.quads(cx.dst());
    let spec = KernelSpec::new("conv3x3/winograd_output", &["tile", algorithm.part]);
    let bias = move |graph: &Graph, conv: &Conv, _: &[u32]| Packed {
        weights: Vec::new(),
        bias: biases(graph, conv, quads as usize * 4),
    };
    let packing = packing(cx, conv, ("bias", quads), Storage::F32, bias);
    let mut stage = stage(cx, spec, Grid::CellLanes { lanes: quads }, Some(packing))
        .bind_any(Slot::X, Operand::Scratch(scratch));
    stage = Sources::of(cx, conv).finish(stage, cx, conv);
    pooled(stage, cx, conv, "pool_own")
}

/// G g G^T of every filter: `[point][input quad][output, padded]` of the quad's inputs.
fn pack(filter: &Filter<'_>, algorithm: &Algorithm, outputs: usize) -> Packed {
    let rows = algorithm.filter;
    let mut weights = Vec::with_capacity(rows.len() * rows.len() * filter.inputs.len() * outputs);
    for row in rows {
        for column in rows {
            for quad in filter.inputs.chunks_exact(4) {
                for output in 0..outputs {
                    weights.extend(quad.iter().map(|&input| point(filter, row, column, output, input)));
                }
            }
        }
    }
    Packed { weights, bias: Vec::new() }
}

/// One point of a transformed filter.
fn point(filter: &Filter<'_>, row: &[f64; 3], column: &[f64; 3], output: usize, input: Option<usize>) -> f32 {
    let term = |tap: usize| row[tap / 3] * column[tap % 3] * f64::from(filter.at(output, input, tap));
    (0..9).map(term).sum::<f64>() as f32
}
