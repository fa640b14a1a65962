//! From a file to an upright [`Frame`].

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use image::metadata::Orientation;

use super::ReadOptions;
use super::decode::{self, Decoded, Note, Problem};
use super::sniff::{self, FileFormat, HEAD_BYTES, VIDEO, VIDEO_STREAM};
use crate::error::{Error, Result};
use crate::image::MAX_PIXELS;
use crate::image::frame::Frame;
use crate::image::light::Light;
use crate::image::samples::map_samples;
use crate::image::symmetry::Symmetry;

/// The most that is taken into memory of a file or stream: 5 GiB, the largest uncompressed image (four f32 for each of
/// [`MAX_PIXELS`]) and a quarter for what it has besides.
const MAX_FILE_BYTES: u64 = 5 << 30;

/// Reads an image file; the format is told by the content, not by the name.
///
/// The pixels are turned upright as the file's orientation tag says. See the [module](crate::image) for
/// what is kept and what is refused. What else there is to say of a file, `tracing` tells.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::ImageUnsupported`] where it is no image or
/// one that is refused, [`Error::ImageDamaged`] and [`Error::ImageCutShort`] where a part of it is broken or missing,
/// [`Error::ImageDecoder`] where a decoder fails, and [`Error::ImageTooLarge`] beyond
/// [`MAX_PIXELS`], which is found before anything is allocated for the pixels.
pub fn read(path: &Path) -> Result<Frame> {
    read_with(path, &ReadOptions::default())
}

/// As [`read`], with options.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: &Path, options: &ReadOptions) -> Result<Frame> {
    let (format, bytes) = load(path)?;
    let decoded = decode_as(format, &bytes, path, options)?;
    drop(bytes);
    into_frame(decoded)
}

/// Reads an image from the bytes of a file; `name` is what errors and warnings call it.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: &[u8], name: &Path, options: &ReadOptions) -> Result<Frame> {
    into_frame(decode_as(format(bytes, name)?, bytes, name, options)?)
}

/// Decodes a file, says what there is to say of it, and settles what its samples are proportional to.
fn decode_as(
    format: FileFormat,
    bytes: &[u8],
    path: &Path,
    options: &ReadOptions,
) -> Result<(Decoded, Light)> {
    let (decoded, light) =
        decode::decode(format, bytes, options).map_err(|problem| refusal(path, problem))?;
    for note in &decoded.notes {
        match note {
            Note::Warning(text) => tracing::warn!("{}: {text}", path.display()),
            Note::Info(text) => tracing::info!("{}: {text}", path.display()),
        }
    }
    let light = if options.linear { Light::Linear } else { light };
    Ok((decoded, light))
}

fn refusal(path: &Path, problem: Problem) -> Error {
    let path = path.to_owned();
    match problem {
        Problem::Unsupported(reason) => Error::ImageUnsupported { path, reason },
        Problem::Damaged { reason, salvageable } => Error::ImageDamaged { path, reason, salvageable },
        Problem::CutShort { reason, salvageable } => Error::ImageCutShort { path, reason, salvageable },
        Problem::Panicked(reason) => Error::ImageDecoder { path, reason },
        Problem::TooLarge(width, height) => Error::ImageTooLarge { path, width, height, limit: MAX_PIXELS },
    }
}

/// The format that a file's first bytes announce.
fn format(head: &[u8], path: &Path) -> Result<FileFormat> {
    let unsupported = |reason: String| Error::ImageUnsupported { path: path.to_owned(), reason };
    if head.is_empty() {
        return Err(unsupported("it is empty (0 bytes); get a whole copy of the file".to_owned()));
    }
    sniff::sniff(head).map_err(|known| {
        unsupported(match known {
            Some(VIDEO) => {
                format!("it is {VIDEO}; ffmpeg makes {VIDEO_STREAM} of it, whose frames can be restored")
            }
            Some(VIDEO_STREAM) => format!("it is {VIDEO_STREAM}, which is a video and no photo"),
            Some(what) => format!("it is {what}; convert it to {} first", FileFormat::names()),
            None => "it is not an image; PNG, JPEG, WebP and TIFF files are read".to_owned(),
        })
    })
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
    let format = format(&bytes, path)?;
    read_all(file, &mut bytes, path)?;
    Ok((format, bytes))
}

/// Adds the rest of a file or stream of that name to what was read of it.
pub(crate) fn read_all(rest: impl Read, bytes: &mut Vec<u8>, path: &Path) -> Result<()> {
    read_within(MAX_FILE_BYTES, rest, bytes, path)
}

fn read_within(most: u64, rest: impl Read, bytes: &mut Vec<u8>, path: &Path) -> Result<()> {
    let io = |source| Error::Io { action: "read", path: path.to_owned(), source };
    rest.take((most + 1).saturating_sub(bytes.len() as u64)).read_to_end(bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        let reason = "it is larger than 5 GiB; scale the image down or cut it up first".to_owned();
        return Err(Error::ImageUnsupported { path: path.to_owned(), reason });
    }
    Ok(())
}

/// Applies the orientation tag to the pixels.
fn upright(decoded: Decoded) -> Decoded {
    if decoded.orientation == Orientation::NoTransforms {
        return decoded;
    }
    let (size, symmetry) = ((decoded.width, decoded.height), Symmetry::from(decoded.orientation));
    let samples = map_samples!(&decoded.samples, v => symmetry.turn(v, decoded.channels, size));
    let (width, height) = symmetry.size(size);
    Decoded { width, height, samples, orientation: Orientation::NoTransforms, ..decoded }
}

/// What makes the stored picture upright.
impl From<Orientation> for Symmetry {
    fn from(orientation: Orientation) -> Self {
        match orientation {
            Orientation::NoTransforms => Self::new(false, false, false),
            Orientation::FlipHorizontal => Self::new(false, true, false),
            Orientation::Rotate180 => Self::new(false, true, true),
            Orientation::FlipVertical => Self::new(false, false, true),
            Orientation::Rotate90FlipH => Self::new(true, false, false),
            Orientation::Rotate90 => Self::new(true, false, true),
            Orientation::Rotate270FlipH => Self::new(true, true, true),
            Orientation::Rotate270 => Self::new(true, true, false),
        }
    }
}

/// Turns the pixels upright, and sorts the channels into colour and transparency.
fn into_frame((decoded, light): (Decoded, Light)) -> Result<Frame> {
    let Decoded { width, height, channels, samples, metadata, .. } = upright(decoded);
    let frame = Frame::from_interleaved(width, height, channels, samples)?;
    Ok(frame.with_light(light).with_metadata(metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_may_be_is_refused_and_not_cut() {
        let read = |most| {
            let mut bytes = vec![1, 2];
            read_within(most, &[3, 4, 5][..], &mut bytes, Path::new("long")).map(|()| bytes)
        };
        assert_eq!(read(5).unwrap(), [1, 2, 3, 4, 5]);
        for most in [4, 1] {
            assert!(matches!(read(most), Err(Error::ImageUnsupported { .. })));
        }
    }
}
