//! Concatenation by channel standing alone.

use super::{Context, Slot, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    cx.flat_features("concat", &["flat", "by_channel", "epilogue_none"], Reach::Same).bind(
        Slot::X2,
        cx.node.inputs[1],
        Reach::Same,
    )
}
