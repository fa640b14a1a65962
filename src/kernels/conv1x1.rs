//! 1x1 convolution.

use super::{Context, Lowered, convolution};
use crate::graph::Conv;
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Lowered {
    let reach = if conv.halve { Reach::Times(2) } else { Reach::Same };
    convolution::lower(cx, conv, "conv1x1", reach)
}
