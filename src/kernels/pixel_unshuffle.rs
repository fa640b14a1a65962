//! Space to depth.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, factor: u32) -> Lowered {
    let mut lowered =
        cx.flat_features("pixel_unshuffle", &["flat", "by_channel", "epilogue_none"], Reach::Times(factor));
    lowered.scalars.factor = factor;
    lowered
}
