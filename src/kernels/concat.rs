//! Concatenation by channel standing alone.

use super::{BindingIndex, Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    cx.flat_features("concat", &["flat", "by_channel", "epilogue_none"], Reach::Same).bind(
        BindingIndex::X2,
        cx.node.inputs[1],
        Reach::Same,
    )
}
