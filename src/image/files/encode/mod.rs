//! The encoders: a frame becomes the bytes of a file.

mod jpeg;
mod png;
mod tiff;
mod webp;

use std::borrow::Cow;
use std::io::{self, Seek, Write};

use super::WriteOptions;
use super::metadata::{Metadata, held};
use super::sniff::FileFormat;
use crate::image::frame::Frame;
use crate::image::samples::{Depth, Samples};

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
    let mut frame = frame.in_depth(depth);
    if format == FileFormat::Jpeg && frame.alpha().is_some() {
        frame = Cow::Owned(frame.into_owned().opaque());
    }
    // WebP has no grey.
    let (channels, samples) = frame.interleaved(format != FileFormat::WebP);
    let picture = Picture { width: frame.width(), height: frame.height(), channels, samples, metadata };
    match format {
        FileFormat::Png => png::encode(&picture, options, out),
        FileFormat::Jpeg => jpeg::encode(&picture, options, out),
        FileFormat::WebP => webp::encode(&picture, options, out),
        FileFormat::Tiff => tiff::encode(&picture, out),
    }
}
