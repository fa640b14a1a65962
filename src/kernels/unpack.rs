//! 8-bit pixels to an image.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Lowered {
    let mut lowered = cx.flat("unpack", &["flat", "epilogue_none"], Reach::Same);
    lowered.spec = lowered.spec.stored("out", cx.stored(cx.dst()));
    lowered
}
