//! What a file says of its picture besides the pixels: how each format holds it.

mod directories;
pub(crate) mod exif;
mod held;
pub(crate) mod jpeg;
pub(crate) mod png;
mod resolution;
pub(crate) mod webp;
mod xmp;

pub(crate) use directories::{Field, width_of};
#[cfg(feature = "cli")]
pub(crate) use held::BEYOND_16_BITS;
pub(crate) use held::held;
pub use held::losses;
pub(crate) use xmp::{still as still_xmp, upright as upright_xmp};

pub(crate) use crate::image::metadata::{Metadata, PngColor, Resolution, ResolutionUnit};
