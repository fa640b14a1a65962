//! Bilinear x0.5 standing alone.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Lowered {
    cx.flat_features("downsample", &["flat", "source_half", "epilogue_none"], Reach::Times(2))
}
