//! From a [`Frame`] to a file.

use std::borrow::Cow;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError, ImageResult};

use super::frame::Frame;
use super::samples::{Depth, Sample, Samples, map_samples};
use super::sniff::FileFormat;
use crate::error::{Error, Result};
use crate::output::Output;

/// Quality of JPEG output; the encoder keeps colour at full resolution (4:4:4).
const JPEG_QUALITY: u8 = 95;

/// The largest profile that fits the segments of a JPEG file.
const MAX_ICC_BYTES: usize = 255 * 65519;

/// How image files are written. What a format does not know is no error.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// The format, where it is not the one that the path's extension names.
    pub format: Option<FileFormat>,
    /// 1 to 100: of JPEG, 95 without it; of WebP, which is lossless without it.
    pub quality: Option<u8>,
    /// JPEG in scans that refine the whole picture.
    pub progressive: bool,
    /// Samples that were read as floats are written as floats: TIFF alone has them.
    pub float: bool,
    /// Nothing but pixels, and what says which colours they are (profile and PNG's colour chunks), is written.
    pub strip_metadata: bool,
}

/// Finds out whether an image can be written to this path, before one is computed.
///
/// The extension must name a format if the options do not, the path must not be a directory or another special file,
/// and its directory must exist and take files, which is tried out with an empty one.
///
/// # Errors
/// [`Error::Unwritable`] or [`Error::Io`] with what stands in the way.
pub fn check_output(path: &Path, options: &WriteOptions) -> Result<()> {
    output_format(path, options)?;
    Output::create(path).map(|_| ())
}

/// Finds out whether the format of the options, or that the path names, can hold this frame: JPEG takes no
/// transparency, JPEG and WebP have a largest side.
///
/// # Errors
/// [`Error::Unwritable`] with what does not fit.
pub fn check_frame(frame: &Frame, path: &Path, options: &WriteOptions) -> Result<()> {
    if output_format(path, options)? == FileFormat::Jpeg && frame.alpha().is_some() {
        let reason = "JPEG cannot hold this image's transparency; choose .png, .webp or .tiff".to_owned();
        return Err(Error::Unwritable { path: path.to_owned(), reason });
    }
    check_sides(frame.width(), frame.height(), path, options)
}

/// Finds out whether the format has room for an image of this size.
pub(super) fn check_sides(width: u32, height: u32, path: &Path, options: &WriteOptions) -> Result<()> {
    let format = output_format(path, options)?;
    let limit = match format {
        FileFormat::Jpeg => 65535,
        // The format has room for one pixel more, but decoders stop here.
        FileFormat::WebP => 16383,
        FileFormat::Png | FileFormat::Tiff => return Ok(()),
    };
    if width <= limit && height <= limit {
        return Ok(());
    }
    Err(Error::Unwritable {
        path: path.to_owned(),
        reason: format!(
            "{} holds at most {limit} pixels a side and this image has {width} x {height}; choose .png or .tiff",
            format.name()
        ),
    })
}

/// Writes the frame in the format that the extension names: `.png`, `.jpg` or `.jpeg` (quality 95,
/// 4:4:4), `.webp` (lossless), `.tif` or `.tiff` (uncompressed), in any case.
///
/// The file is written under another name in the same directory and renamed when it is whole: an
/// existing file at the path is either replaced or untouched. See the [module](super) for what
/// each format keeps.
///
/// # Errors
/// As [`check_output`] and [`check_frame`], and [`Error::Io`] where writing fails.
pub fn write(frame: &Frame, path: &Path) -> Result<()> {
    write_with(frame, path, &WriteOptions::default())
}

/// As [`write()`], with options.
///
/// # Errors
/// As [`write()`].
pub fn write_with(frame: &Frame, path: &Path, options: &WriteOptions) -> Result<()> {
    let format = output_format(path, options)?;
    check_frame(frame, path, options)?;
    let io = |source| Error::Io { action: "write", path: path.to_owned(), source };
    let output = Output::create(path)?;
    let mut out = BufWriter::new(output.file());
    encode(frame, format, &mut out).map_err(|error| match error {
        ImageError::IoError(source) => io(source),
        other => {
            Error::Unwritable { path: path.to_owned(), reason: format!("{other}; choose another format") }
        }
    })?;
    out.flush().map_err(io)?;
    drop(out);
    output.commit().map_err(io)
}

fn output_format(path: &Path, options: &WriteOptions) -> Result<FileFormat> {
    let named =
        || path.extension().and_then(|extension| extension.to_str()).and_then(FileFormat::from_extension);
    options.format.or_else(named).ok_or_else(|| Error::Unwritable {
        path: path.to_owned(),
        reason: "the name must end in .png, .jpg, .jpeg, .webp, .tif or .tiff".to_owned(),
    })
}

fn encode<W: Write + Seek>(frame: &Frame, format: FileFormat, out: W) -> ImageResult<()> {
    let frame = match format {
        FileFormat::Jpeg | FileFormat::WebP => frame.in_depth(Depth::U8),
        FileFormat::Png | FileFormat::Tiff if frame.samples().depth() == Depth::F32 => {
            frame.in_depth(Depth::U16)
        }
        FileFormat::Png | FileFormat::Tiff => Cow::Borrowed(frame),
    };
    let (color, samples) = pack(&frame, format);
    // WebP's encoder takes grey, but the file holds RGB.
    let grey_file = format != FileFormat::WebP && color.channel_count() < 3;
    let icc = fitting_profile(&frame, grey_file);
    match format {
        FileFormat::Png => {
            let (effort, filter) = (CompressionType::Default, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(out, effort, filter);
            put(encoder, &frame, color, &samples, icc)
        }
        FileFormat::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(out, JPEG_QUALITY);
            put(encoder, &frame, color, &samples, icc)
        }
        FileFormat::WebP => {
            let encoder = WebPEncoder::new_lossless(out);
            put(encoder, &frame, color, &samples, icc)
        }
        FileFormat::Tiff => put(TiffEncoder::new(out), &frame, color, &samples, icc),
    }
}

fn put(
    mut encoder: impl ImageEncoder,
    frame: &Frame,
    color: ExtendedColorType,
    samples: &Samples,
    icc: Option<&[u8]>,
) -> ImageResult<()> {
    if let Some(profile) = icc {
        // An encoder without room for a profile leaves it out, and the image is still right.
        let _ = encoder.set_icc_profile(profile.to_vec());
    }
    encoder.write_image(samples.as_bytes(), frame.width(), frame.height(), color)
}

/// The frame's profile if it describes the colours written: bytes 16 to 20 name its colour space.
fn fitting_profile(frame: &Frame, grey: bool) -> Option<&[u8]> {
    let space: &[u8] = if grey { b"GRAY" } else { b"RGB " };
    frame.metadata().icc.as_deref().filter(|p| p.get(16..20) == Some(space) && p.len() <= MAX_ICC_BYTES)
}

/// The samples as the encoder takes them; RGB alone is taken as it stands.
fn pack(frame: &Frame, format: FileFormat) -> (ExtendedColorType, Cow<'_, Samples>) {
    use ExtendedColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
    let (grey, deep) = (frame.is_grey(), frame.samples().depth() != Depth::U8);
    let transparent = frame.alpha().is_some();
    // The TIFF encoder has no pair of grey and transparency.
    let one_channel = grey && !(transparent && format == FileFormat::Tiff);
    let color = match (one_channel, transparent, deep) {
        (true, false, false) => L8,
        (true, false, true) => L16,
        (true, true, false) => La8,
        (true, true, true) => La16,
        (false, false, false) => Rgb8,
        (false, false, true) => Rgb16,
        (false, true, false) => Rgba8,
        (false, true, true) => Rgba16,
    };
    if !grey && !transparent {
        return (color, Cow::Borrowed(frame.samples()));
    }
    let samples = match (frame.samples(), frame.alpha()) {
        (Samples::U8(rgb), Some(Samples::U8(alpha))) => {
            Samples::U8(interleave(rgb, Some(alpha), grey, one_channel))
        }
        (Samples::U16(rgb), Some(Samples::U16(alpha))) => {
            Samples::U16(interleave(rgb, Some(alpha), grey, one_channel))
        }
        (rgb, _) => map_samples!(rgb, v => interleave(v, None, grey, one_channel)),
    };
    (color, Cow::Owned(samples))
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

#[cfg(test)]
mod tests {
    use std::io::{self, SeekFrom};

    use super::*;

    /// A disk with room for so many bytes.
    struct Full {
        room: u64,
        at: u64,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = self.room.saturating_sub(self.at).min(bytes.len() as u64);
            if fits == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.at += fits;
            Ok(usize::try_from(fits).unwrap_or(usize::MAX))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Full {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.at = match to {
                SeekFrom::Start(at) => at,
                SeekFrom::Current(by) => self.at.saturating_add_signed(by),
                SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
            };
            Ok(self.at)
        }
    }

    #[test]
    fn a_full_disk_is_always_noticed() {
        let noise = (0..120u32 * 90 * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let frame = Frame::from_rgb8(120, 90, noise.collect()).unwrap();
        for format in [FileFormat::Png, FileFormat::Jpeg, FileFormat::WebP, FileFormat::Tiff] {
            let mut whole = io::Cursor::new(Vec::new());
            encode(&frame, format, &mut whole).unwrap();
            let size = whole.into_inner().len() as u64;
            for missing in (1..100).chain((100..size).step_by(997)) {
                let room = size - missing;
                let mut out = BufWriter::new(Full { room, at: 0 });
                let written = encode(&frame, format, &mut out);
                let flushed = out.flush();
                assert!(written.is_err() || flushed.is_err(), "{format:?} {missing}");
            }
        }
    }
}
