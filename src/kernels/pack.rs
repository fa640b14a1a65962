//! An image to 8-bit pixels.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Lowered {
    let mut lowered = cx.flat("pack", &["flat", "source_one", "epilogue_none", "out_words"], Reach::Same);
    lowered.spec = lowered.spec.stored("in", cx.stored(cx.x()));
    lowered
}
