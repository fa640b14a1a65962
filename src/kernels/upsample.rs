//! Bilinear x2, with what is added fused.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, residual: bool) -> Stage {
    let residual = residual.then(|| cx.node.inputs[1]);
    cx.flat_features("upsample", &["flat"], Reach::HalfAround).epilogue(cx, 1.0, residual)
}
