//! Register-blocked: a lane owns 8 pixels x 8 outputs on software adapters, 4 x 8 on GPUs.

use super::{POOL_SHARED, pooled};
use crate::graph::Conv;
use crate::kernels::{Context, Stage, convolution};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Stage {
    pooled(convolution::block(cx, conv, "conv3x3/block", Reach::Around), cx, conv, POOL_SHARED)
}
