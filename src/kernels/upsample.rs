//! Bilinear x2, with what is added fused.

use super::{Context, Grid, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, residual: bool) -> Stage {
    let residual = residual.then(|| cx.node.inputs[1]);
    let quads = cx.quads(cx.dst());
    let two = quads.is_multiple_of(2)
        && cx.halves(&[cx.x(), cx.dst()])
        && residual.is_none_or(|id| cx.halves(&[id]));
    let stage = cx.by_quads("upsample", two, residual, Reach::HalfAround);
    let corners = cx.graph.desc(cx.x()).width.saturating_add(1);
    let lanes = corners.saturating_mul(quads / if two { 2 } else { 1 });
    Stage { grid: Grid::Corners { lanes }, ..stage }
}
