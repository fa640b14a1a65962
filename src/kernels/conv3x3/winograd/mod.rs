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

/// G g G^T of every filter, each of `len` values where `at` has the point, the padded input and the output; zero
/// elsewhere.
fn packed(
    filter: &Filter<'_>,
    algorithm: &Algorithm,
    len: usize,
    at: impl Fn(usize, usize, usize) -> usize,
) -> Packed {
    let rows = algorithm.filter;
    let product = |row: &[f64; 3], v: [f64; 3]| row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
    let mut weights = vec![0.0; len];
    for output in 0..filter.outputs() {
        for (i, taps) in filter.taps(output) {
            let tap = |t: usize| f64::from(taps[t]);
            for (r, row) in rows.iter().enumerate() {
                let half = [0, 1, 2].map(|column| product(row, [0, 3, 6].map(|first| tap(first + column))));
                for (c, column) in rows.iter().enumerate() {
                    weights[at(r * rows.len() + c, i, output)] = product(column, half) as f32;
                }
            }
        }
    }
    Packed { weights, bias: Vec::new() }
}
