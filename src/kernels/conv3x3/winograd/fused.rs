//! F(2x2) for GPUs in one dispatch.
//!
//! Where a subgroup's lanes share weights (scalar registers, loads that happen once), lanes hold their tile's
//! transformed inputs themselves and the weights are uniform. Elsewhere both go through workgroup memory.

use super::{Algorithm, packed, row};
use crate::gpu::{KernelSpec, Maker, Storage};
use crate::graph::{Conv, Graph};
use crate::kernels::conv3x3::pooled;
use crate::kernels::convolution::{self, Filter, biases, packing};
use crate::kernels::{Context, FLAT_LANES, Grid, Packed, Stage};
use crate::plan::Reach;

/// How a kernel is blocked.
struct Form {
    shader: &'static str,
    parts: Vec<&'static str>,
    constants: Vec<(&'static str, u32)>,
    /// Cells of a workgroup.
    cells: u32,
    /// Quads of outputs of a workgroup.
    quads: u32,
}

/// What `shaders/conv3x3/winograd_shared.wgsl` takes at most.
const SHARED: u32 = 25 << 10;

impl Form {
    fn of(cx: &Context<'_>, algorithm: &Algorithm) -> Self {
        let quads = cx.quads(cx.dst());
        if cx.target.maker == Maker::Nvidia && cx.target.workgroup_memory >= SHARED {
            // So many groups of eight outputs as are padded least.
            let fits = [5, 4].into_iter().filter(|across| across * FLAT_LANES <= cx.target.lanes);
            let across = fits.min_by_key(|across| quads.next_multiple_of(2 * across)).unwrap_or(4);
            return Self {
                shader: "conv3x3/winograd_shared",
                parts: vec!["tile"],
                constants: vec![("ACROSS", across)],
                cells: 2,
                quads: 2 * across,
            };
        }
        let own = if matches!(cx.target.maker, Maker::Amd | Maker::Nvidia) { 4 } else { 2 };
        Self {
            shader: "conv3x3/winograd_fused",
            parts: vec!["tile", algorithm.part, row(cx, FLAT_LANES)],
            constants: vec![("QUADS", own)],
            cells: 4,
            quads: own,
        }
    }
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, algorithm: &'static Algorithm) -> Stage {
    let form = Form::of(cx, algorithm);
    let groups = cx.quads(cx.dst()).div_ceil(form.quads);
    let mut spec = KernelSpec::new(form.shader, &form.parts).constant("POOLED", conv.pooled.into());
    spec.constants.extend(form.constants);
    let own = form.quads * 4;
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        let filter = Filter::of(graph, conv, sources);
        let bias = biases(graph, conv, (groups * own) as usize);
        Packed { bias, ..pack(&filter, algorithm, groups as usize, own as usize) }
    };
    let packing = packing(cx, conv, ("winograd_fused", own), Storage::F32, pack);
    let grid = Grid::CellLanes { cells: form.cells, lanes: FLAT_LANES, depth: groups };
    pooled(convolution::stage(cx, conv, spec, packing, (grid, Reach::Around)), cx, conv, &["pool_own"])
}

/// `[group of outputs][input quad][point][input][output]`.
fn pack(filter: &Filter<'_>, algorithm: &Algorithm, groups: usize, own: usize) -> Packed {
    let (quads, points) = (filter.inputs.len() / 4, algorithm.filter.len().pow(2));
    packed(filter, algorithm, groups * quads * points * 4 * own, |point, input, output| {
        let place = ((output / own * quads + input / 4) * points + point) * 4 + input % 4;
        place * own + output % own
    })
}
