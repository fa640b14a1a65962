//! PReLU standing alone.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, slope: f32) -> Stage {
    let mut stage = cx.flat_features("prelu", &["flat", "source_one", "epilogue_prelu"], Reach::Same);
    stage.scalars.scalar = slope;
    stage
}
