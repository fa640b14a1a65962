//! An image to pixels of the device's own images, with the alpha of those that it was made of.

use super::read_pixels::part;
use super::{BindingIndex, Context, Grid, Stage};
use crate::graph::PixelFormat;
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, format: PixelFormat, strength: f32) -> Stage {
    let mut stage = cx.flat("write_pixels", &["source_one", "pixels", part(format)], Reach::Same);
    stage.spec = stage.spec.stored("in", cx.stored(cx.x()));
    stage.scalars.scalar = strength;
    let lanes = cx.graph.desc(cx.dst()).width / format.words();
    Stage { grid: Grid::Flat { lanes, depth: 1 }, ..stage }.bind(
        BindingIndex::X2,
        cx.node.inputs[1],
        Reach::Same,
    )
}
