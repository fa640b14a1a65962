//! An image to 8-bit pixels.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    let mut stage = cx.flat("pack", &["flat", "source_one", "epilogue_none", "out_words"], Reach::Same);
    stage.spec = stage.spec.stored("in", cx.stored(cx.x()));
    stage
}
