//! Sum of two tensors.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Lowered {
    cx.flat_features("add", &["flat", "source_one"], Reach::Same).add_residual(cx, cx.node.inputs[1])
}
