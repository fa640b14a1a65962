//! From a [`Frame`] to a file.

use std::io::{BufWriter, Cursor, Seek, Write};
use std::path::Path;

use super::WriteOptions;
use super::encode::{self, Failure};
use super::sniff::FileFormat;
use crate::error::{Error, Result};
use crate::image::frame::Frame;
use crate::output::Output;

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
/// transparency, JPEG and WebP have a largest side, TIFF alone takes floats. What is lost without hindering the writing
/// [`losses`](super::losses) tells.
///
/// # Errors
/// [`Error::Unwritable`] with what does not fit.
pub fn check_frame(frame: &Frame, path: &Path, options: &WriteOptions) -> Result<()> {
    let refuse = |reason| Err(Error::Unwritable { path: path.to_owned(), reason });
    let format = output_format(path, options)?;
    if format == FileFormat::Jpeg && frame.is_transparent() {
        return refuse("JPEG cannot hold this image's transparency; choose .png, .webp or .tiff".to_owned());
    }
    if options.float && format != FileFormat::Tiff {
        return refuse(format!("{} cannot hold floating-point samples; choose .tif or .tiff", format.name()));
    }
    if let Some(quality @ (0 | 101..)) = options.quality {
        return refuse(format!("there is no quality {quality}; choose one from 1 to 100"));
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

/// Writes the frame in the format that the extension names: `.png`, `.jpg`, `.jpeg`, `.jpe` or `.jfif` (quality 95,
/// 4:4:4), `.webp` (lossless), `.tif` or `.tiff` (uncompressed), in any case.
///
/// The file is written under another name in the same directory and renamed when it is whole: an
/// existing file at the path is either replaced or untouched. See the [module](crate::image) for what
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
    check_frame(frame, path, options)?;
    let io = |source| Error::Io { action: "write", path: path.to_owned(), source };
    let output = Output::create(path)?;
    let mut out = BufWriter::new(output.file());
    encode_to(&mut out, frame, path, options)?;
    out.flush().map_err(io)?;
    drop(out);
    output.commit().map_err(io)
}

/// The bytes of the file that [`write_with`] would write; `name` is what errors call it, and names the format if the
/// options do not.
///
/// # Errors
/// As [`check_frame`].
pub fn to_bytes(frame: &Frame, name: &Path, options: &WriteOptions) -> Result<Vec<u8>> {
    check_frame(frame, name, options)?;
    let mut bytes = Cursor::new(Vec::new());
    encode_to(&mut bytes, frame, name, options)?;
    Ok(bytes.into_inner())
}

fn encode_to(out: impl Write + Seek, frame: &Frame, path: &Path, options: &WriteOptions) -> Result<()> {
    let format = output_format(path, options)?;
    encode::encode(frame, format, options, out).map_err(|failure| match failure {
        Failure::Io(source) => Error::Io { action: "write", path: path.to_owned(), source },
        Failure::Refused(reason) => {
            Error::Unwritable { path: path.to_owned(), reason: format!("{reason}; choose another format") }
        }
    })
}

/// The format of the options, or else the one that the path names.
pub(super) fn output_format(path: &Path, options: &WriteOptions) -> Result<FileFormat> {
    options.format.or_else(|| FileFormat::from_path(path)).ok_or_else(|| Error::Unwritable {
        path: path.to_owned(),
        reason: format!("the name must end in {}", FileFormat::endings()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{self, SeekFrom};

    use super::*;

    trait Room: Write + Seek {}

    impl<T: Write + Seek> Room for T {}

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
        let lossy = WriteOptions { quality: Some(90), ..WriteOptions::default() };
        let progressive = WriteOptions { progressive: true, ..WriteOptions::default() };
        let plain = WriteOptions::default();
        for (format, options) in [
            (FileFormat::Png, plain),
            (FileFormat::Jpeg, plain),
            (FileFormat::Jpeg, progressive),
            (FileFormat::WebP, plain),
            (FileFormat::WebP, lossy),
            (FileFormat::Tiff, plain),
        ] {
            let encode = |out: &mut dyn Room| encode::encode(&frame, format, &options, out);
            let mut whole = io::Cursor::new(Vec::new());
            encode(&mut whole).unwrap();
            let size = whole.into_inner().len() as u64;
            for missing in (1..100).chain((100..size).step_by(997)) {
                let mut out = BufWriter::new(Full { room: size - missing, at: 0 });
                let written = encode(&mut out);
                let flushed = out.flush();
                assert!(written.is_err() || flushed.is_err(), "{format:?} {missing}");
            }
        }
    }
}
