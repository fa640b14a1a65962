//! PReLU standing alone.

use super::{Context, Lowered};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, slope: f32) -> Lowered {
    let mut lowered = cx.flat_features("prelu", &["flat", "source_one", "epilogue_prelu"], Reach::Same);
    lowered.scalars.scalar = slope;
    lowered
}
