//! The top left corner of an image, which may be packed on the way.

use super::{Context, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, pack: bool) -> Stage {
    let parts = ["flat", "source_one", "epilogue_none"];
    if !pack {
        return cx.flat_features("crop", &parts, Reach::Same);
    }
    let mut stage = cx.flat("crop", &parts, Reach::Same);
    stage.spec.parts.push("out_words".to_owned());
    stage.spec = stage.spec.stored("in", cx.stored(cx.x()));
    stage
}
