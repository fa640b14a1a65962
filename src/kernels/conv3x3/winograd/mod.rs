//! Winograd's minimal filtering F(m x m, 3x3) (Lavin and Gray, CVPR 2016). The filters are transformed here, in f64.

mod fused;
mod octets;
mod strips;

use crate::gpu::{KernelSpec, Storage};
use crate::graph::{Conv, Graph};
use crate::kernels::convolution::{Filter, biases, packing};
use crate::kernels::{Context, Grid, Lowered, Packed, Packing, Scalars, Stage};

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

/// Software adapters pay for instructions, and take long rows of sums from lanes of which eight are a vector; GPUs pay
/// for registers and for memory, and take whole subgroups side by side.
pub(super) fn lower(cx: &Context<'_>, conv: &Conv, algorithm: &'static Algorithm) -> Lowered {
    if cx.target.software {
        octets::lower(cx, conv, algorithm)
    } else if algorithm.m == 2 {
        fused::lower(cx, conv, algorithm).into()
    } else {
        strips::lower(cx, conv, algorithm)
    }
}

/// Whether rows of so many lanes of a workgroup are whole subgroups.
fn whole_subgroups(cx: &Context<'_>, lanes: u32) -> bool {
    cx.target.subgroups.is_some_and(|(_, most)| most <= lanes)
}

/// The part that says which row of a workgroup a lane is in.
fn row(cx: &Context<'_>, lanes: u32) -> &'static str {
    if whole_subgroups(cx, lanes) { "row_subgroup" } else { "row_lane" }
}

fn stage(cx: &Context<'_>, spec: KernelSpec, grid: Grid, packing: Option<Packing>) -> Stage {
    let (domain, scalars) = (cx.cells(), Scalars::default());
    Stage { spec, domain, bindings: Vec::new(), packing, grid, scalars }
}

/// The biases, which the last stage adds, without weights.
fn bias_packing(cx: &Context<'_>, conv: &Conv) -> Packing {
    let quads = cx.quads(cx.dst());
    let pack = move |graph: &Graph, conv: &Conv, _: &[u32]| Packed {
        weights: Vec::new(),
        bias: biases(graph, conv, quads as usize * 4),
    };
    packing(cx, conv, ("bias", quads), Storage::F32, pack)
}

/// One point of a transformed filter.
fn point(filter: &Filter<'_>, row: &[f64; 3], column: &[f64; 3], output: usize, input: Option<usize>) -> f32 {
    let term = |tap: usize| row[tap / 3] * column[tap % 3] * f64::from(filter.at(output, input, tap));
    (0..9).map(term).sum::<f64>() as f32
}
