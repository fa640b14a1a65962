//! F(2x2) for GPUs in one dispatch.

use super::{Algorithm, point, row};
use crate::gpu::{KernelSpec, Storage};
use crate::graph::{Conv, Graph};
use crate::kernels::conv3x3::pooled;
use crate::kernels::convolution::{self, Filter, biases, packing};
use crate::kernels::{Context, FLAT_LANES, Grid, Maker, Packed, Stage};
use crate::plan::Reach;

/// Cells of a workgroup in `shaders/conv3x3/winograd_fused.wgsl`.
const CELLS: u32 = 4;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, algorithm: &'static Algorithm) -> Stage {
    let quads = match cx.target.maker {
        Maker::Amd | Maker::Nvidia => 4,
        _ => 2,
    };
    let groups = cx.quads(cx.dst()).div_ceil(quads);
    let spec = KernelSpec::new(
        "conv3x3/winograd_fused",
        &["tile", "padded", algorithm.part, row(cx, FLAT_LANES)],
    )
    .constant("QUADS", quads)
    .constant("POOLED", conv.pooled.into());
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        let filter = Filter::of(graph, conv, sources);
        let bias = biases(graph, conv, (groups * quads * 4) as usize);
        Packed { bias, ..pack(&filter, algorithm, groups as usize, (quads * 4) as usize) }
    };
    let packing = packing(cx, conv, ("winograd_fused", quads), Storage::F32, pack);
    let grid = Grid::CellLanes { cells: CELLS, lanes: FLAT_LANES, depth: groups };
    pooled(convolution::stage(cx, conv, spec, packing, (grid, Reach::Around)), cx, conv, "pool_own")
}

/// G g G^T of every filter: `[group of outputs][input quad][point][input][output]`.
fn pack(filter: &Filter<'_>, algorithm: &Algorithm, groups: usize, own: usize) -> Packed {
    let rows = algorithm.filter;
    let mut weights = Vec::with_capacity(rows.len() * rows.len() * filter.inputs.len() * groups * own);
    for group in 0..groups {
        for quad in filter.inputs.chunks_exact(4) {
            for (row, column) in rows.iter().flat_map(|row| rows.iter().map(move |column| (row, column))) {
                for &input in quad {
                    let outputs = group * own..(group + 1) * own;
                    weights.extend(outputs.map(|output| point(filter, row, column, output, input)));
                }
            }
        }
    }
    Packed { weights, bias: Vec::new() }
}
