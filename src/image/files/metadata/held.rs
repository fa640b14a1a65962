//! What a format has room for.

use std::path::Path;

use super::{Metadata, exif, jpeg, png};
use crate::image::files::WriteOptions;
use crate::image::files::sniff::FileFormat;
use crate::image::files::write::output_format;
use crate::image::frame::Frame;
use crate::image::samples::Depth;

/// The frame's metadata as far as the format holds them and the options let them through. A profile that does not
/// describe the colours written is left out.
pub(crate) fn held(frame: &Frame, format: FileFormat, options: &WriteOptions) -> Metadata {
    let mut metadata = frame.metadata().clone();
    if options.strip_metadata {
        metadata = Metadata { icc: metadata.icc, png_colors: metadata.png_colors, ..Metadata::default() };
    }
    // WebP has no grey: there the luma stands in all three channels.
    let space: &[u8] = if frame.is_grey() && format != FileFormat::WebP { b"GRAY" } else { b"RGB " };
    // In these bytes a profile names its colour space.
    metadata.icc = metadata.icc.filter(|profile| profile.get(16..20) == Some(space));
    if format != FileFormat::Png {
        metadata.png_colors.clear();
    }
    let at_most = |block: Option<Vec<u8>>, limit| block.filter(|block| block.len() <= limit);
    match format {
        FileFormat::Jpeg => {
            metadata.icc = at_most(metadata.icc, jpeg::MAX_ICC);
            metadata.exif = at_most(metadata.exif, jpeg::MAX_EXIF);
            metadata.xmp = at_most(metadata.xmp, jpeg::MAX_XMP);
            metadata.iptc = at_most(metadata.iptc, jpeg::MAX_IPTC);
            metadata.resolution = metadata.resolution.filter(|it| jpeg::to_density(*it).is_some());
        }
        FileFormat::Png => {
            metadata.iptc = None;
            metadata.resolution = metadata.resolution.filter(|it| png::to_dimensions(*it).is_some());
        }
        FileFormat::WebP => {
            metadata.iptc = None;
            metadata.resolution = None;
        }
        FileFormat::Tiff => metadata.exif = metadata.exif.filter(|block| exif::fields(block).is_some()),
    }
    metadata
}

/// What is lost of floats, of which TIFF has room.
pub(crate) const BEYOND_16_BITS: &str = "depth beyond 16 bits";

/// What the file to be written cannot hold of the frame, each in words that complete "... is lost": nothing where the
/// options ask for the loss, and nothing where the name stands for no format.
///
/// A colour profile counts as lost where it does not describe the colours written, PNG's colour chunks where they say
/// more than that the colours are sRGB, the resolution where it is not in the EXIF block either.
#[must_use]
pub fn losses(frame: &Frame, path: &Path, options: &WriteOptions) -> Vec<&'static str> {
    let Ok(format) = output_format(path, options) else { return Vec::new() };
    let (had, keeps) = (frame.metadata(), held(frame, format, options));
    let mut losses = Vec::new();
    match (frame.samples().depth(), format) {
        (Depth::U8, _) | (Depth::U16, FileFormat::Png | FileFormat::Tiff) => {}
        (Depth::F32, FileFormat::Tiff) if options.float => {}
        (_, FileFormat::Jpeg | FileFormat::WebP) => losses.push("depth beyond 8 bits"),
        (Depth::F32, _) => losses.push(BEYOND_16_BITS),
    }
    let mut lost = |had: bool, keeps: bool, what| {
        if had && !keeps {
            losses.push(what);
        }
    };
    lost(had.icc.is_some(), keeps.icc.is_some(), "the colour profile");
    let plain = png::are_srgb(&had.png_colors, keeps.icc.is_some());
    lost(!plain, !keeps.png_colors.is_empty(), "what PNG's colour chunks say");
    if options.strip_metadata {
        return losses;
    }
    lost(had.exif.is_some(), keeps.exif.is_some(), "EXIF");
    lost(had.xmp.is_some(), keeps.xmp.is_some(), "XMP");
    lost(had.iptc.is_some(), keeps.iptc.is_some(), "IPTC");
    let noted = keeps.exif.as_deref().and_then(exif::resolution) == had.resolution;
    lost(had.resolution.is_some(), keeps.resolution.is_some() || noted, "the resolution");
    losses
}
