//! What can be asked of files.

use super::sniff::FileFormat;

/// How image files are read.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Of a file that is damaged or cut short, the picture as far as it can be decoded, instead of an error.
    pub keep_damaged: bool,
    /// The samples are taken for linear light, whatever the file says of them: see [`Light`](crate::image::Light).
    pub linear: bool,
}

/// How image files are written. What a format does not know is no error, but for floats.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// The format, where it is not the one that the path's extension names.
    pub format: Option<FileFormat>,
    /// 1 to 100: of JPEG, 95 without it; of WebP, which is lossless without it.
    pub quality: Option<u8>,
    /// JPEG in scans that refine the whole picture.
    pub progressive: bool,
    /// Samples that were read as floats are written as floats, and not rounded to 16 bits: TIFF alone has them.
    pub float: bool,
    /// Nothing but pixels, and what says which colours they are (profile and PNG's colour chunks), is written.
    pub strip_metadata: bool,
}
