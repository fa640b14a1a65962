//! 3x3 convolution.

use super::{Context, Lowered, Slot, convolution};
use crate::graph::Conv;
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Lowered {
    let mut lowered = convolution::lower(cx, conv, "conv3x3", Reach::Around);
    if conv.pooled {
        lowered = lowered.bind(Slot::Dst2, cx.node.outputs[1], Reach::Bands);
    }
    lowered.spec.parts.push(if conv.pooled { "pool_sums" } else { "pool_none" }.to_owned());
    lowered
}
