//! What can be asked of files.

use super::sniff::FileFormat;

/// How image files are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Whether a file that is damaged or cut short gives what can be decoded of it, instead of an
    /// error.
    pub keep_damaged: bool,
    /// Whether samples are taken for linear light, whatever the file says of them: see [`Light`](crate::image::Light).
    pub linear: bool,
}

/// How image files are written. An option that the format does not have is ignored, but for [`float`](Self::float),
/// which all formats but TIFF refuse.
#[derive(Clone, Copy, Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a wish of its own, and any of them may go together"
)]
pub struct WriteOptions {
    /// The format, where it is not the one that the path's extension names.
    pub format: Option<FileFormat>,
    /// 1 to 100: of JPEG, 95 without it; of WebP, which is lossless without it.
    pub quality: Option<u8>,
    /// Whether a JPEG has scans that refine the whole picture, instead of one from top to bottom.
    pub progressive: bool,
    /// Whether a PNG is packed as small as it gets: up to 15% smaller, in up to ten times the time.
    pub small: bool,
    /// Whether samples that were read as floats are written as floats, instead of rounded to 16 bits.
    pub float: bool,
    /// Whether nothing is written but pixels and what says which colours they are: profile and PNG's colour chunks.
    pub strip_metadata: bool,
}
