//! 8-bit pixels to an image.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    let mut stage = cx.flat("unpack", &["flat", "source_one", "epilogue_none", "in_words"], Reach::Same);
    stage.spec = stage.spec.stored("out", cx.stored(cx.dst()));
    stage
}
