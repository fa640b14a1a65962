//! Sum of two tensors.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    cx.flat_features("add", &["flat", "source_one"], Reach::Same).add_residual(cx, cx.node.inputs[1])
}
