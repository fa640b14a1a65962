//! What a file says of its picture besides the pixels: how each format holds it.

mod directories;
pub(crate) mod exif;
mod held;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod webp;
mod xmp;

pub(crate) use directories::{Field, width_of};
pub(crate) use held::held;
pub use held::losses;
pub(crate) use xmp::upright as upright_xmp;

/// What a file says of its picture besides the pixels, in the form that its standard gives it. The file formats carry
/// along what they have room for.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
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

/// Centimetres an inch has.
const INCH: f64 = 2.54;

impl Resolution {
    /// `None` where there is nothing said: numbers that are none, or pixels that are square and of no size.
    pub(crate) fn new(x: f64, y: f64, unit: ResolutionUnit) -> Option<Resolution> {
        let sound = x.is_finite() && y.is_finite() && x > 0.0 && y > 0.0;
        (sound && (unit != ResolutionUnit::Aspect || x != y)).then_some(Resolution { x, y, unit })
    }

    /// As TIFF's tags have it, the unit by its number.
    pub(crate) fn of_tags(x: f64, y: f64, unit: Option<u64>) -> Option<Resolution> {
        let unit = match unit {
            Some(1) => ResolutionUnit::Aspect,
            Some(3) => ResolutionUnit::Centimetre,
            _ => ResolutionUnit::Inch,
        };
        Resolution::new(x, y, unit)
    }

    /// The same in inches or centimetres; an aspect has no other unit.
    pub(crate) fn counted_in(self, unit: ResolutionUnit) -> Resolution {
        let factor = match (self.unit, unit) {
            (ResolutionUnit::Inch, ResolutionUnit::Centimetre) => 1.0 / INCH,
            (ResolutionUnit::Centimetre, ResolutionUnit::Inch) => INCH,
            _ => return self,
        };
        Resolution { x: self.x * factor, y: self.y * factor, unit }
    }

    /// The nearest whole numbers from 1 to a largest one: an aspect is brought there by a common factor.
    pub(crate) fn in_whole_numbers(self, largest: u32) -> Option<(u32, u32)> {
        let (mut x, mut y) = (self.x, self.y);
        let longest = x.max(y);
        if self.unit == ResolutionUnit::Aspect
            && (longest > f64::from(largest) || x.fract() + y.fract() > 0.0)
        {
            let factor = f64::from(largest.min(10_000)) / longest;
            (x, y) = (x * factor, y * factor);
        }
        let whole = |v: f64| (1.0..=f64::from(largest)).contains(&v.round()).then_some(v.round() as u32);
        Some((whole(x)?, whole(y)?))
    }
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
