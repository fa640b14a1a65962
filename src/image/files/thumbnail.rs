//! Small copies of photos, to be shown in pages.

use std::io::{self, Cursor};

use image::{ImageBuffer, Luma, Pixel, Rgb, imageops};

use super::WriteOptions;
use super::encode::{self, Failure};
use super::metadata::Metadata;
use super::sniff::FileFormat;
use crate::error::{Error, Result};
use crate::image::frame::Frame;
use crate::image::light::Light;
use crate::image::samples::{Arithmetic, Samples};

/// Of WebP: what it loses is far less than what scaling loses.
const QUALITY: u8 = 85;
/// Bytes of a colour profile that is kept. Those of displays and cameras have fewer; those of printers would outweigh
/// the picture.
const LARGEST_PROFILE: usize = 4096;

/// A small copy of a photo as the bytes of a WebP file: scaled down, by averages, to at most `side` pixels a side (at
/// least one), and never up. Transparency is kept, linear light becomes the sRGB curve.
///
/// # Errors
/// [`Error::Io`] where the encoder lacks memory.
pub fn thumbnail(photo: &Frame, side: u32) -> Result<Vec<u8>> {
    let options = WriteOptions { quality: Some(QUALITY), ..WriteOptions::default() };
    let mut file = Cursor::new(Vec::new());
    encode::encode(&shrunk(photo, side)?, FileFormat::WebP, &options, &mut file).map_err(|failure| {
        let source = match failure {
            Failure::Io(error) => error,
            Failure::Refused(reason) => io::Error::other(reason),
        };
        Error::Io { action: "write", path: "a thumbnail".into(), source }
    })?;
    Ok(file.into_inner())
}

/// The photo in 8 bits and few pixels.
fn shrunk(photo: &Frame, side: u32) -> Result<Frame> {
    let size = (photo.width(), photo.height());
    let share = (f64::from(side) / f64::from(size.0.max(size.1))).min(1.0);
    let less = |side: u32| ((f64::from(side) * share).round() as u32).max(1);
    let small = (less(size.0), less(size.1));
    // Averages are to be of colours that show.
    let rgb = scaled::<Rgb<u8>>(photo.prepared()?.to_rgb8(), size, small);
    let mut frame = if photo.is_grey() {
        let grey: Vec<u8> = rgb.as_chunks().0.iter().map(|&pixel| u8::luma(pixel)).collect();
        Frame::from_grey8(small.0, small.1, &grey)?
    } else {
        Frame::from_rgb8(small.0, small.1, rgb)?
    };
    if let Some(alpha) = photo.alpha() {
        frame =
            frame.with_alpha(Samples::U8(scaled::<Luma<u8>>(alpha.in_8_bits().into_owned(), size, small)))?;
    }
    let profile = photo.metadata().icc.clone().filter(|profile| profile.len() <= LARGEST_PROFILE);
    // It describes what were linear samples no longer.
    let icc = profile.filter(|_| photo.light() == Light::Encoded);
    Ok(frame.with_metadata(Metadata { icc, ..Metadata::default() }))
}

/// Samples of a picture in fewer pixels, or as they are where there are as many.
fn scaled<P: Pixel<Subpixel = u8> + 'static>(
    samples: Vec<u8>,
    size: (u32, u32),
    small: (u32, u32),
) -> Vec<u8> {
    if size == small {
        return samples;
    }
    let picture = ImageBuffer::<P, _>::from_raw(size.0, size.1, samples);
    picture.map_or_else(Vec::new, |picture| imageops::thumbnail(&picture, small.0, small.1).into_raw())
}
