//! 1x1 convolution.

use super::{Context, Stage, convolution};
use crate::graph::Conv;
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Stage {
    let reach = if conv.halve { Reach::Times(2) } else { Reach::Same };
    convolution::block(cx, conv, "conv1x1", reach)
}
