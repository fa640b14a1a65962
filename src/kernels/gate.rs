//! Channel attention applied: gate * r + x.

use super::{Context, Slot, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    cx.flat_features("gate", &["flat", "source_one"], Reach::Same).add_residual(cx, cx.node.inputs[1]).bind(
        Slot::Gates,
        cx.node.inputs[2],
        Reach::Whole,
    )
}
