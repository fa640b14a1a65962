//! Sums of a row of cells: the second level of the pooling tree.

use super::{BindingIndex, Context, Grid, Scalars, Stage};
use crate::gpu::KernelSpec;
use crate::plan::{Domain, Reach};

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    let desc = cx.graph.desc(cx.dst());
    Stage {
        spec: KernelSpec::new("pool_rows", &[]).constant("AHEAD", cx.target.loads_ahead()),
        domain: Domain::Rows(desc),
        bindings: Vec::new(),
        packing: None,
        grid: Grid::Flat { lanes: cx.quads(cx.dst()), depth: desc.width },
        scalars: Scalars::default(),
    }
    .bind(BindingIndex::Dst, cx.dst(), Reach::Same)
    .bind(BindingIndex::X, cx.x(), Reach::Same)
}
