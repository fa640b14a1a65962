//! Bilinear x0.5 standing alone.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    cx.flat_features("downsample", &["flat", "source_half", "epilogue_none"], Reach::Times(2))
}
