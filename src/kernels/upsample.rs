//! Bilinear x2, with or without a skip connection.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, residual: bool) -> Stage {
    if residual {
        return cx
            .flat_features("upsample", &["flat"], Reach::HalfAround)
            .add_residual(cx, cx.node.inputs[1]);
    }
    cx.flat_features("upsample", &["flat", "epilogue_none"], Reach::HalfAround)
}
