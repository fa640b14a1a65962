//! SAM's last step standing alone: a * sigmoid(m) + x.

use super::{Context, Slot, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    cx.flat_features("sigmoid_gate", &["flat", "source_one", "sigmoid"], Reach::Same)
        .bind(Slot::X2, cx.node.inputs[1], Reach::Same)
        .add_residual(cx, cx.node.inputs[2])
}
