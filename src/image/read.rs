//! From a file to an upright [`Frame`].

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use image::metadata::Orientation;

use super::decode::{self, Decoded, MAX_PIXELS, Problem};
use super::frame::{Frame, Samples};
use super::sniff::{self, FileFormat, HEAD_BYTES};
use crate::error::{Error, Result};

/// The largest file that is taken into memory: 4 GiB, twice the largest uncompressed image.
const MAX_FILE_BYTES: u64 = 1 << 32;

/// Reads an image file; the format is told by the content, not by the name.
///
/// The pixels are turned upright as the file's orientation tag says. See the [module](super) for
/// what is kept and what is refused.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::ImageUnsupported`] where it is no image or
/// one that is refused, [`Error::ImageDamaged`] where it is cut short or broken, and
/// [`Error::ImageTooLarge`] beyond [`MAX_PIXELS`](super::MAX_PIXELS), which is found before
/// anything is allocated for the pixels.
pub fn read(path: &Path) -> Result<Frame> {
    let refuse = |problem| refusal(path, problem);
    let (format, bytes) = load(path)?;
    let decoded = decode::decode(format, &bytes).map_err(refuse)?;
    drop(bytes);
    into_frame(upright(decoded))
}

fn refusal(path: &Path, problem: Problem) -> Error {
    let path = path.to_owned();
    match problem {
        Problem::Unsupported(reason) => Error::ImageUnsupported { path, reason },
        Problem::Damaged(reason) => Error::ImageDamaged { path, reason },
        Problem::TooLarge(width, height) => Error::ImageTooLarge { path, width, height, limit: MAX_PIXELS },
    }
}

/// The file's content, read in full only if its beginning is that of an image.
fn load(path: &Path) -> Result<(FileFormat, Vec<u8>)> {
    let io = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let unsupported =
        |reason: &str| Error::ImageUnsupported { path: path.to_owned(), reason: reason.to_owned() };
    let metadata = fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        return Err(unsupported("it is a directory; name an image file in it"));
    }
    let mut file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(io)?;
    if bytes.is_empty() {
        return Err(unsupported("it is empty (0 bytes); get a whole copy of the file"));
    }
    let format = sniff::sniff(&bytes).map_err(|known| match known {
        Some(what) => unsupported(&format!("it is {what}; convert it to PNG, JPEG, WebP or TIFF first")),
        None => unsupported("it is not an image; PNG, JPEG, WebP and TIFF files are read"),
    })?;
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 >= MAX_FILE_BYTES {
        return Err(unsupported("it is larger than 4 GiB; scale the image down or cut it up first"));
    }
    Ok((format, bytes))
}

/// Applies the orientation tag to the pixels.
fn upright(decoded: Decoded) -> Decoded {
    if decoded.orientation == Orientation::NoTransforms {
        return decoded;
    }
    let samples = match &decoded.samples {
        Samples::U8(v) => Samples::U8(turned(v, &decoded)),
        Samples::U16(v) => Samples::U16(turned(v, &decoded)),
    };
    let (width, height) = upright_size(&decoded);
    Decoded { width, height, samples, orientation: Orientation::NoTransforms, ..decoded }
}

fn upright_size(decoded: &Decoded) -> (u32, u32) {
    match decoded.orientation {
        Orientation::NoTransforms
        | Orientation::FlipHorizontal
        | Orientation::Rotate180
        | Orientation::FlipVertical => (decoded.width, decoded.height),
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (decoded.height, decoded.width),
    }
}

fn turned<T: Copy>(stored: &[T], decoded: &Decoded) -> Vec<T> {
    let (right, bottom) = (decoded.width - 1, decoded.height - 1);
    // Column and row where the pixel at (x, y) of the upright image is stored.
    let source = |x, y| match decoded.orientation {
        Orientation::NoTransforms => (x, y),
        Orientation::FlipHorizontal => (right - x, y),
        Orientation::Rotate180 => (right - x, bottom - y),
        Orientation::FlipVertical => (x, bottom - y),
        Orientation::Rotate90FlipH => (y, x),
        Orientation::Rotate90 => (y, bottom - x),
        Orientation::Rotate270FlipH => (right - y, bottom - x),
        Orientation::Rotate270 => (right - y, x),
    };
    let (columns, rows) = upright_size(decoded);
    let mut turned = Vec::with_capacity(stored.len());
    for y in 0..rows {
        for x in 0..columns {
            let (column, row) = source(x, y);
            let pixel = row as usize * decoded.width as usize + column as usize;
            let at = pixel * decoded.channels;
            turned.extend_from_slice(&stored[at..at + decoded.channels]);
        }
    }
    turned
}

/// Sorts the channels into colour and transparency.
fn into_frame(decoded: Decoded) -> Result<Frame> {
    let Decoded { width, height, channels, samples, icc, .. } = decoded;
    let frame = match (samples, channels) {
        (Samples::U8(v), 1) => Frame::from_grey8(width, height, &v),
        (Samples::U16(v), 1) => Frame::from_grey16(width, height, &v),
        (Samples::U8(v), 2) => {
            let (grey, alpha) = split_alpha(v, 2);
            Frame::from_grey8(width, height, &grey)?.with_alpha8(alpha)
        }
        (Samples::U16(v), 2) => {
            let (grey, alpha) = split_alpha(v, 2);
            Frame::from_grey16(width, height, &grey)?.with_alpha16(alpha)
        }
        (Samples::U8(v), 4) => {
            let (rgb, alpha) = split_alpha(v, 4);
            Frame::from_rgb8(width, height, rgb)?.with_alpha8(alpha)
        }
        (Samples::U16(v), 4) => {
            let (rgb, alpha) = split_alpha(v, 4);
            Frame::from_rgb16(width, height, rgb)?.with_alpha16(alpha)
        }
        (Samples::U8(v), _) => Frame::from_rgb8(width, height, v),
        (Samples::U16(v), _) => Frame::from_rgb16(width, height, v),
    }?;
    Ok(match icc {
        Some(profile) => frame.with_icc_profile(profile),
        None => frame,
    })
}

/// Takes the last of `channels` channels out of the samples, in place.
fn split_alpha<T: Copy>(mut samples: Vec<T>, channels: usize) -> (Vec<T>, Vec<T>) {
    let pixels = samples.len() / channels;
    let colors = channels - 1;
    let alpha = samples.iter().skip(colors).step_by(channels).copied().collect();
    for i in 1..pixels {
        samples.copy_within(i * channels..i * channels + colors, i * colors);
    }
    samples.truncate(pixels * colors);
    samples.shrink_to_fit();
    (samples, alpha)
}
