//! Channel attention applied: gate * r + x.

use super::{Context, Grid, Slot, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    let stage = cx.flat_features("gate", &["source_one"], Reach::Same);
    let lanes = stage.domain.columns().saturating_mul(cx.quads(cx.dst()));
    Stage { grid: Grid::Flat { lanes, depth: 1 }, ..stage }.add_residual(cx, cx.node.inputs[1]).bind(
        Slot::Gates,
        cx.node.inputs[2],
        Reach::Whole,
    )
}
