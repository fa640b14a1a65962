//! 8-bit pixels to an image.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Lowered {
    cx.flat("unpack", &["flat"], Reach::Same)
}
