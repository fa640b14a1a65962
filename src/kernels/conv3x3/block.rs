//! Register-blocked: a lane owns 8 pixels x 8 outputs.

use crate::graph::Conv;
use crate::kernels::{Context, Stage, convolution};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Stage {
    let mut stage = convolution::block(cx, conv, "conv3x3/block", Reach::Around);
    if !conv.pooled {
        stage.spec.parts.push("pool_none".to_owned());
        return stage;
    }
    stage.spec.parts.push("pool_sums".to_owned());
    convolution::bind_sums(stage, cx)
}
