//! The encoders: a frame becomes the bytes of a file.

mod jpeg;
mod png;
mod tiff;
mod webp;

use std::borrow::Cow;
use std::io::{self, Seek, Write};

use super::metadata::{Metadata, held};
use super::sniff::FileFormat;
use super::write::WriteOptions;
use crate::image::frame::Frame;
use crate::image::samples::{Depth, Sample, Samples, map_samples};

/// Why a frame is not written.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file takes no more.
    Io(io::Error),
    /// The encoder does not take the frame: a clause.
    Refused(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}

/// What an encoder needs to know beside its options.
struct Picture<'a> {
    width: u32,
    height: u32,
    /// 1 grey, 2 grey and transparency, 3 RGB, 4 RGB and transparency.
    channels: usize,
    /// `width * height * channels` samples of a depth that the format has.
    samples: Cow<'a, Samples>,
    /// What the format has room for.
    metadata: Metadata,
}

/// Writes the frame in this format, with what the format can hold of its metadata.
pub(super) fn encode<W: Write + Seek>(
    frame: &Frame,
    format: FileFormat,
    options: &WriteOptions,
    out: W,
) -> Result<(), Failure> {
    let metadata = held(frame, format, options);
    let deepest = match format {
        FileFormat::Jpeg | FileFormat::WebP => Depth::U8,
        FileFormat::Tiff if options.float => Depth::F32,
        FileFormat::Png | FileFormat::Tiff => Depth::U16,
    };
    let depth = match (frame.samples().depth(), deepest) {
        (Depth::U8, _) | (_, Depth::U8) => Depth::U8,
        (Depth::F32, Depth::F32) => Depth::F32,
        _ => Depth::U16,
    };
    let frame = frame.in_depth(depth);
    let (channels, samples) = pack(&frame, format);
    let picture = Picture { width: frame.width(), height: frame.height(), channels, samples, metadata };
    match format {
        FileFormat::Png => png::encode(&picture, out),
        FileFormat::Jpeg => jpeg::encode(&picture, options, out),
        FileFormat::WebP => webp::encode(&picture, options, out),
        FileFormat::Tiff => tiff::encode(&picture, out),
    }
}

/// The channels and samples of the file; RGB alone is taken as it stands.
fn pack(frame: &Frame, format: FileFormat) -> (usize, Cow<'_, Samples>) {
    let grey = frame.is_grey();
    // WebP has no grey.
    let one = grey && format != FileFormat::WebP;
    let channels = if one { 1 } else { 3 } + usize::from(frame.alpha().is_some());
    if !grey && frame.alpha().is_none() {
        return (channels, Cow::Borrowed(frame.samples()));
    }
    let samples = match (frame.samples(), frame.alpha()) {
        (Samples::U8(rgb), Some(Samples::U8(alpha))) => Samples::U8(interleave(rgb, Some(alpha), grey, one)),
        (Samples::U16(rgb), Some(Samples::U16(alpha))) => {
            Samples::U16(interleave(rgb, Some(alpha), grey, one))
        }
        (Samples::F32(rgb), Some(Samples::F32(alpha))) => {
            Samples::F32(interleave(rgb, Some(alpha), grey, one))
        }
        (rgb, _) => map_samples!(rgb, v => interleave(v, None, grey, one)),
    };
    (channels, Cow::Owned(samples))
}

/// Colour, or its luma in one channel or in three, with the transparency behind each pixel.
fn interleave<T: Sample>(rgb: &[T], alpha: Option<&Vec<T>>, grey: bool, one: bool) -> Vec<T> {
    let pixels = rgb.as_chunks::<3>().0;
    let per_pixel = if one { 1 } else { 3 } + usize::from(alpha.is_some());
    let mut out = Vec::with_capacity(pixels.len() * per_pixel);
    for (i, pixel) in pixels.iter().enumerate() {
        match (grey, one) {
            (true, true) => out.push(T::luma(*pixel)),
            (true, false) => out.extend_from_slice(&[T::luma(*pixel); 3]),
            (false, _) => out.extend_from_slice(pixel),
        }
        if let Some(alpha) = alpha {
            out.push(alpha[i]);
        }
    }
    out
}
