//! The decoders: a whole file in memory becomes interleaved samples.
//!
//! Each one looks through the container first, so that the size, a cut-off end and everything that
//! is refused by name are known before any pixel is allocated or decoded.

mod jpeg;
mod png;
mod tiff;
mod webp;

use std::panic;

use image::error::{LimitError, LimitErrorKind};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError};

use super::ReadOptions;
use super::curve::light_of;
use super::metadata::{Metadata, exif, still_xmp, upright_xmp};
use super::sniff::FileFormat;
use crate::image::MAX_PIXELS;
use crate::image::light::Light;
use crate::image::samples::Samples;
use crate::image::symmetry::Symmetry;
use crate::panics;

/// Room for what a decoder allocates beside the pixels: rows, tables, profiles.
const SIDE_BYTES: usize = 1 << 28;

/// From this share on, which is told as 100.0%, nothing of a picture is worth having: a few bytes may announce billions of
/// pixels.
const ALL_BUT_LOST: f64 = 0.9995;

/// A decoded file, its pixels not yet turned upright.
pub(super) struct Decoded {
    /// Width in pixels as stored.
    pub width: u32,
    /// Height in pixels as stored.
    pub height: u32,
    /// 1 grey, 2 grey and transparency, 3 RGB, 4 RGB and transparency.
    pub channels: usize,
    /// `width * height * channels` samples.
    pub samples: Samples,
    /// How to turn the stored pixels upright.
    pub orientation: Orientation,
    /// What the file says besides.
    pub metadata: Metadata,
    /// What the user should know of how it was read.
    pub notes: Vec<Note>,
}

/// Something to say of a file that was read, to be completed with its path. The texts are sentences without an end.
#[derive(Debug)]
pub(super) enum Note {
    /// The picture is not what the file was meant to hold.
    Warning(String),
    /// It is, and still worth a word to who asks for it.
    Info(String),
}

/// Why a file is not read, to be completed with its path. The texts are clauses.
#[derive(Debug)]
pub(super) enum Problem {
    /// Not an image, or not of a kind that is read; the clause says what to do.
    Unsupported(String),
    /// Broken: what is wrong, how much of the picture that concerns, and whether a part would be read if that were
    /// asked for.
    Damaged { reason: String, salvageable: bool },
    /// The end is missing: after how many bytes, how much of the picture is, and whether a part would be read.
    CutShort { reason: String, salvageable: bool },
    /// The decoder panicked, with this message.
    Panicked(String),
    /// More than [`MAX_PIXELS`]: width and height.
    TooLarge(u64, u64),
}

impl Problem {
    fn damaged(reason: String) -> Self {
        Self::Damaged { reason, salvageable: false }
    }

    fn cut_short(reason: String) -> Self {
        Self::CutShort { reason, salvageable: false }
    }

    /// The same of a file a part of which would be read.
    fn but_salvageable(mut self) -> Self {
        if let Self::Damaged { salvageable, .. } | Self::CutShort { salvageable, .. } = &mut self {
            *salvageable = true;
        }
        self
    }
}

/// What to say of a profile that could not be read.
fn lost_profile() -> Note {
    Note::Warning("its colour profile is damaged and is not kept".to_owned())
}

/// Decodes a file of this format, and finds out what its samples are proportional to. A panic of a decoder is this
/// file's problem.
pub(super) fn decode(
    format: FileFormat,
    bytes: &[u8],
    options: &ReadOptions,
) -> Result<(Decoded, Light), Problem> {
    let decode = match format {
        FileFormat::Png => png::decode,
        FileFormat::Jpeg => jpeg::decode,
        FileFormat::WebP => webp::decode,
        FileFormat::Tiff => tiff::decode,
    };
    let told = |decoded: Decoded| {
        let decoded = settled(decoded);
        let light = light_of(&decoded.metadata);
        (decoded, light)
    };
    panic::catch_unwind(|| decode(bytes, options).map(told)).unwrap_or_else(|payload| {
        let lines: Vec<_> = panics::message(payload.as_ref()).lines().collect();
        Err(Problem::Panicked(lines.join(" ")))
    })
}

/// The file with metadata that are true of the picture turned upright.
fn settled(mut decoded: Decoded) -> Decoded {
    let metadata = &mut decoded.metadata;
    let on_its_side = Symmetry::from(decoded.orientation).transposed;
    if let (true, Some(resolution)) = (on_its_side, &mut metadata.resolution) {
        std::mem::swap(&mut resolution.x, &mut resolution.y);
    }
    if let Some(block) = metadata.exif.take() {
        metadata.exif = exif::upright(&block, on_its_side);
        if metadata.exif.is_none() {
            let note =
                "its EXIF block is damaged and is not kept; the picture may lie on its side".to_owned();
            decoded.notes.push(Note::Warning(note));
        }
    }
    let noted = metadata.exif.as_deref().and_then(exif::resolution);
    metadata.resolution = metadata.resolution.or(noted);
    if let Some(packet) = &mut metadata.xmp {
        still_xmp(packet);
        if decoded.orientation != Orientation::NoTransforms {
            upright_xmp(packet);
        }
    }
    decoded
}

/// Refuses a size without pixels and one beyond the limit.
fn check_size(width: u32, height: u32) -> Result<(), Problem> {
    let (width, height) = (u64::from(width), u64::from(height));
    if width == 0 || height == 0 {
        return Err(Problem::damaged(format!(
            "its header says {width} x {height} pixels, which is no image"
        )));
    }
    if width * height > MAX_PIXELS {
        return Err(Problem::TooLarge(width, height));
    }
    Ok(())
}

/// The problem of a file that ends before its content does.
fn cut_short(format: FileFormat, bytes: &[u8]) -> Problem {
    Problem::cut_short(format!("the {} data is cut short after {} bytes", format.name(), bytes.len()))
}

/// The problem of a file whose content a decoder does not accept.
fn broken(format: FileFormat, reason: &dyn std::fmt::Display) -> Problem {
    let (name, reason) = (format.name(), reason.to_string());
    // Some decoders describe what they found in Rust's own notation, which says nothing to who took the photo.
    let clear = !reason.contains(['{', '[', '\n']);
    Problem::damaged(format!(
        "its {name} data is damaged{}",
        if clear { format!(" ({reason})") } else { String::new() }
    ))
}

/// Takes the pixels from one of the `image` crate's decoders.
fn pixels(decoder: impl ImageDecoder) -> Result<(usize, Samples), ImageError> {
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let channels = usize::from(color.channel_count());
    let count = width as usize * height as usize * channels;
    let samples = match color {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let mut samples: Vec<u16> = zeros(count)?;
            decoder.read_image(bytemuck::cast_slice_mut(&mut samples))?;
            Samples::U16(samples)
        }
        // The decoders this is used with deliver no other depth.
        _ => {
            let mut samples: Vec<u8> = zeros(count)?;
            decoder.read_image(&mut samples)?;
            Samples::U8(samples)
        }
    };
    Ok((channels, samples))
}

/// Room for samples, where there is any.
fn zeros<T: bytemuck::Zeroable>(count: usize) -> Result<Vec<T>, ImageError> {
    let none = |()| ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory));
    bytemuck::try_zeroed_vec(count).map_err(none)
}

/// Sorts an error of the `image` crate.
fn problem(format: FileFormat, bytes: &[u8], error: &ImageError) -> Problem {
    match error {
        ImageError::Unsupported(e) => Problem::Unsupported(format!(
            "this kind of {} file is not read ({e}); save it as an ordinary PNG first",
            format.name()
        )),
        ImageError::Limits(e) => Problem::Unsupported(format!(
            "decoding it would take too much memory ({e}); save it as an ordinary PNG first"
        )),
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => cut_short(format, bytes),
        e => broken(format, e),
    }
}

/// The orientation in an EXIF block.
fn exif_orientation(exif: Option<&[u8]>) -> Orientation {
    exif.map_or(Orientation::NoTransforms, exif::orientation)
}
