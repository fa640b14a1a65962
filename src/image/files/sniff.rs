//! File formats, told apart by their first bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A file format that is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// PNG, 8 or 16 bits, lossless.
    Png,
    /// JPEG, 8 bits, no transparency.
    Jpeg,
    /// WebP, 8 bits; written lossless, or lossy at a quality.
    WebP,
    /// TIFF, 8 or 16 bits or floats, written uncompressed.
    Tiff,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [FileFormat; 4] = [FileFormat::Png, FileFormat::Jpeg, FileFormat::WebP, FileFormat::Tiff];

    /// The format an extension (without the dot, in any case) stands for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<FileFormat> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(FileFormat::Png),
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(FileFormat::Jpeg),
            "webp" => Some(FileFormat::WebP),
            "tif" | "tiff" => Some(FileFormat::Tiff),
            _ => None,
        }
    }

    /// The format that the first bytes of a file announce, of 64 or more.
    #[must_use]
    pub fn from_content(head: &[u8]) -> Option<FileFormat> {
        sniff(head).ok()
    }

    /// The format that a file's name ends in.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<FileFormat> {
        FileFormat::from_extension(path.extension()?.to_str()?)
    }

    /// What names of files of this format end in, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            FileFormat::Png => "png",
            FileFormat::Jpeg => "jpg",
            FileFormat::WebP => "webp",
            FileFormat::Tiff => "tiff",
        }
    }

    /// The format that the first bytes of the file at this path announce. Pipes and devices are left alone: what is read
    /// from them is gone.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<FileFormat> {
        if !path.is_file() {
            return None;
        }
        let mut head = Vec::new();
        File::open(path).ok()?.take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
        FileFormat::from_content(&head)
    }

    /// The format's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FileFormat::Png => "PNG",
            FileFormat::Jpeg => "JPEG",
            FileFormat::WebP => "WebP",
            FileFormat::Tiff => "TIFF",
        }
    }

    /// All formats' names: "PNG, JPEG, ... or TIFF".
    pub(super) fn names() -> String {
        listed(FileFormat::ALL.map(|format| format.name().to_owned()))
    }

    /// What all formats' files end in: ".png, .jpg, ... or .tiff".
    pub(crate) fn endings() -> String {
        listed(FileFormat::ALL.map(|format| format!(".{}", format.extension())))
    }
}

fn listed([most @ .., last]: [String; FileFormat::ALL.len()]) -> String {
    format!("{} or {last}", most.join(", "))
}

/// How many bytes of a file [`sniff`] looks at.
pub(super) const HEAD_BYTES: usize = 64;

/// Formats that people do hand over and that are not read: where the bytes stand, the bytes, and
/// what the file is. Camera raw files that are TIFF inside come before TIFF.
const OTHERS: &[(usize, &[u8], &str)] = &[
    (0, b"GIF8", "a GIF file"),
    (0, b"\xff\x0a", "a JPEG XL file"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (0, b"8BPS", "a Photoshop (PSD) file"),
    (0, b"%PDF", "a PDF file"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR file"),
    (0, b"#?RADIANCE", "a Radiance HDR file"),
    (0, b"qoif", "a QOI file"),
    (0, b"DDS ", "a DDS file"),
    (0, b"\0\0\x01\0", "an icon (ICO) file"),
    (0, b"gimp xcf", "a GIMP (XCF) file"),
    (0, b"<svg", "an SVG file"),
    (0, b"<?xml", "an XML file, perhaps an SVG drawing"),
    (0, b"II*\0\x10\0\0\0CR", CAMERA_RAW),
    (0, b"IIRO", CAMERA_RAW),
    (0, b"IIRS", CAMERA_RAW),
    (0, b"IIU\0", CAMERA_RAW),
    (0, b"FUJIFILMCCD-RAW", CAMERA_RAW),
    (0, b"YUV4MPEG2 ", VIDEO_STREAM),
    (0, b"P1\n", "a PBM file"),
    (0, b"P2\n", "a PGM file"),
    (0, b"P3\n", "a PPM file"),
    (0, b"P4\n", "a PBM file"),
    (0, b"P5\n", "a PGM file"),
    (0, b"P6\n", "a PPM file"),
];

/// What films of phones and cameras are called, and what their frames are restored from.
pub(super) const VIDEO: &str = "a video (MP4 or QuickTime) file";
pub(super) const VIDEO_STREAM: &str = "a YUV4MPEG2 stream";

/// What a file straight from a camera's sensor is called.
pub(super) const CAMERA_RAW: &str = "a camera raw file";

/// The format that the first bytes of a file announce, or what the file is instead, as the noun of
/// a sentence; `None` where nothing is recognised.
pub(super) fn sniff(head: &[u8]) -> Result<FileFormat, Option<&'static str>> {
    if let Some(&(_, _, name)) =
        OTHERS.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)))
    {
        return Err(Some(name));
    }
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(FileFormat::Png);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return Ok(FileFormat::Jpeg);
    }
    if head.starts_with(b"RIFF") {
        return match head.get(8..12) {
            Some(b"WEBP") => Ok(FileFormat::WebP),
            _ => Err(None),
        };
    }
    // 42 is TIFF, 43 BigTIFF, in either byte order.
    if matches!(head.get(..4), Some(b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+")) {
        return Ok(FileFormat::Tiff);
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Err(Some(media_container(head)));
    }
    Err(is_bmp(head).then_some("a BMP file"))
}

/// What an ISO media file is, by its brands: the major one at byte 8, compatible ones from byte 16.
fn media_container(head: &[u8]) -> &'static str {
    let brands = || head[8..].as_chunks::<4>().0.iter();
    let any = |names: &[&[u8; 4]]| brands().any(|brand| names.contains(&brand));
    if any(&[b"avif", b"avis"]) {
        "an AVIF file"
    } else if any(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"]) {
        "a HEIC file"
    } else if any(&[b"mif1", b"msf1"]) {
        "a HEIF file"
    } else if any(&[b"crx "]) {
        CAMERA_RAW
    } else {
        VIDEO
    }
}

/// "BM" alone begins many a text; the size of the header behind it tells.
fn is_bmp(head: &[u8]) -> bool {
    head.starts_with(b"BM") && matches!(head.get(14..18), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}
