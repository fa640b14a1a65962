//! What a file says of its picture besides the pixels.

/// What a file says of its picture besides the pixels, in the form that its standard gives it. The file formats carry
/// along what they have room for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// An ICC colour profile.
    pub icc: Option<Vec<u8>>,
    /// An EXIF block as it stands in a PNG: a TIFF header and directories. Frames are upright, so its orientation is 1,
    /// and it has no thumbnail, which would show the picture as it was.
    pub exif: Option<Vec<u8>>,
    /// An XMP packet, in UTF-8.
    pub xmp: Option<Vec<u8>>,
    /// IPTC-IIM records, as in Photoshop's resource 0x0404 and TIFF's tag 33723.
    pub iptc: Option<Vec<u8>>,
    /// How large the picture is meant to be.
    pub resolution: Option<Resolution>,
    /// How a PNG says which colours its samples are, other than by a profile.
    pub png_colors: Vec<PngColor>,
}

/// Pixels a unit of length, across and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Pixels a unit, across.
    pub x: f64,
    /// Pixels a unit, down.
    pub y: f64,
    /// The unit.
    pub unit: ResolutionUnit,
}

/// What a [`Resolution`] is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolutionUnit {
    /// None: the two numbers tell how high a pixel is for its width.
    Aspect,
    /// 2.54 cm.
    Inch,
    /// A hundredth of a metre.
    Centimetre,
}

/// A chunk of a PNG (third edition) that says which colours its samples are: `cICP`, `gAMA`, `cHRM`, `sRGB`, `mDCV` or
/// `cLLI`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PngColor {
    /// The chunk's type.
    pub kind: [u8; 4],
    /// Its content.
    pub content: Vec<u8>,
}
