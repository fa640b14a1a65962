//! Space to depth.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, factor: u32) -> Stage {
    let mut stage =
        cx.flat_features("pixel_unshuffle", &["flat", "by_channel", "epilogue_none"], Reach::Times(factor));
    stage.spec = stage.spec.constant("FACTOR", factor);
    stage
}
