//! Channel attention applied: gate * r + x.

use super::{BindingIndex, Context, Grid, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    let residual = cx.node.inputs[1];
    let (even, patch_width) = (cx.quads(cx.dst()).is_multiple_of(2), cx.graph.desc(cx.dst()).patch_width());
    // The two quads that a lane has may be of two pixels, where every patch begins with a whole two.
    let two = cx.halves(&[cx.x(), residual, cx.dst()]) && (even || patch_width % 2 == 0);
    let stage = cx.by_quads("gate", two, Some(residual), Reach::Same);
    let lanes = cx.quads(cx.dst()) / if two && even { 2 } else { 1 };
    let lanes = stage.domain.columns().saturating_mul(lanes);
    Stage { grid: Grid::Flat { lanes, depth: 1 }, ..stage }.bind(
        BindingIndex::Gates,
        cx.node.inputs[2],
        Reach::Whole,
    )
}
