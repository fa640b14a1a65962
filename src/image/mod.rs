//! Image files and pixels: a photo file becomes a [`Frame`], a frame becomes a tensor for
//! the network and back, and a frame becomes a file again.
//!
//! PNG, JPEG, WebP and TIFF are read, told apart by content, and written, told apart by the
//! extension of the output or by [`WriteOptions`]. What comes in is kept where the output can hold it, and [`losses`]
//! tells what it cannot hold:
//!
//! * **Depth.** 16-bit PNG and TIFF stay 16 bits; JPEG and WebP hold 8, so a 16-bit frame written
//!   to them is rounded to 8. Fewer than 8 bits (bitmaps, palettes) become 8. Floats are rounded to 16 bits, or stay
//!   floats in a TIFF where the options say so.
//! * **Grey** images are expanded to R = G = B for the network and written as grey again, the luma
//!   (0.299 R + 0.587 G + 0.114 B) of the restored colour. WebP has no grey: there the luma stands in all three
//!   channels.
//! * **Transparency** is kept untouched; JPEG has none, so writing it there is refused.
//! * **Orientation.** The rotation that a camera notes in EXIF is applied to the pixels; in what is
//!   kept of EXIF (and of XMP, where it is repeated) the orientation is upright.
//! * **Colours.** An ICC profile is carried over where it describes the colours written (an RGB profile for RGB,
//!   a grey one for grey), and from PNG to PNG the chunks `cICP`, `gAMA`, `cHRM`, `sRGB`, `mDCV` and `cLLI`.
//! * **Metadata.** EXIF, the position included, XMP, IPTC and the resolution, as the file had them, unless the options
//!   strip them. PNG and WebP have no IPTC, and WebP no resolution but that in EXIF. EXIF loses its thumbnail, which
//!   would show the picture as it was; its other parts keep their places, so that the makers' notes stay readable, but
//!   for TIFF, where its tags become the page's own. A block that is damaged is not kept: a warning says so. The
//!   extension that JPEG has for long XMP packets (depth maps, other pictures) is not kept, nor are comments
//!   (JPEG's `COM`, PNG's text chunks).
//!
//! Refused by name, since guessing would change the picture unseen: animations, documents of
//! several TIFF pages (smaller copies of the first page are no pages), CMYK and other colours that
//! need a profile to become RGB, and what else its reader does not decode.

mod alpha;
mod blend;
#[cfg(feature = "image-files")]
mod files;
// Some of what frames and samples do only files need.
#[cfg_attr(not(feature = "image-files"), allow(dead_code))]
mod frame;
#[cfg_attr(not(feature = "image-files"), allow(dead_code))]
mod interleaved;
mod light;
mod metadata;
mod planes;
mod prepare;
#[cfg_attr(not(feature = "image-files"), allow(dead_code))]
mod samples;
mod symmetry;

pub(crate) use blend::Mean;
#[cfg(feature = "cli")]
pub(crate) use files::BEYOND_16_BITS;
#[cfg(feature = "image-files")]
pub(crate) use files::read_all;
#[cfg(feature = "image-files")]
pub use files::{
    FileFormat, ListOptions, Listing, ReadOptions, WriteOptions, check_frame, check_output, check_strip,
    from_bytes, list, list_with, losses, read, read_with, strip, thumbnail, to_bytes, write, write_with,
};
pub use frame::{Frame, MAX_PIXELS};
pub use interleaved::{Channels, Pixels};
pub use light::Light;
pub use metadata::{Metadata, PngColor, Resolution, ResolutionUnit};
pub use samples::{Depth, Sample, Samples};
pub(crate) use symmetry::Symmetry;
