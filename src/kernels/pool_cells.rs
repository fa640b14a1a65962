//! Sums per cell standing alone.

use super::{BindingIndex, Context, FLAT_LANES, Grid, Scalars, Stage};
use crate::gpu::KernelSpec;
use crate::graph::TensorDesc;
use crate::plan::{Domain, Reach};

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    // The cells are those of the input's pixels on the result's patch grid.
    let patches = cx.graph.desc(cx.dst()).patches;
    let domain = Domain::Cells(TensorDesc { patches, ..cx.graph.desc(cx.x()) });
    Stage {
        spec: KernelSpec::new("pool_cells", &["tile"]).stored("in", cx.stored(cx.x())),
        domain,
        bindings: Vec::new(),
        packing: None,
        grid: Grid::Cells { depth: cx.quads(cx.dst()).div_ceil(FLAT_LANES) },
        scalars: Scalars::default(),
    }
    .bind(BindingIndex::Dst, cx.dst(), Reach::CellRows)
    .bind(BindingIndex::X, cx.x(), Reach::Same)
}
