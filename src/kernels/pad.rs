//! An image padded by its reflection, which may be unpacked on the way.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, unpack: bool) -> Stage {
    let parts = ["flat", "source_one", "epilogue_none"];
    if !unpack {
        return cx.flat_features("pad", &parts, Reach::Reflected);
    }
    let mut stage = cx.flat("pad", &parts, Reach::Reflected);
    stage.spec.parts.push("in_words".to_owned());
    stage.spec = stage.spec.stored("out", cx.stored(cx.dst()));
    stage
}
