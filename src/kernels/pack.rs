//! An image to 8-bit pixels.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Lowered {
    cx.flat("pack", &["flat"], Reach::Same)
}
