//! Pixels of the device's own images to an image.

use super::{Context, Stage};
use crate::graph::PixelFormat;
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, format: PixelFormat) -> Stage {
    let parts = ["flat", "epilogue_none", "pixels", part(format)];
    let mut stage = cx.flat("read_pixels", &parts, Reach::Same);
    stage.spec = stage.spec.stored("out", cx.stored(cx.dst()));
    stage
}

/// What knows how they are stored.
pub(super) fn part(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Unorm8 => "pixels_unorm8",
        PixelFormat::Float16 => "pixels_float16",
        PixelFormat::Float32 => "pixels_float32",
    }
}
