//! Image files and pixels: a photo file becomes a [`Frame`], a frame becomes a padded tensor for
//! the network and back, and a frame becomes a file again.
//!
//! PNG, JPEG, WebP and TIFF are read, told apart by content, and written, told apart by the
//! extension of the output. What comes in is kept where the output can hold it:
//!
//! * **Depth.** 16-bit PNG and TIFF stay 16 bits; JPEG and WebP hold 8, so a 16-bit frame written
//!   to them is rounded to 8. Fewer than 8 bits (bitmaps, palettes) become 8.
//! * **Grey** images are expanded to R = G = B for the network and written as grey again, the luma
//!   (0.299 R + 0.587 G + 0.114 B) of the restored colour. WebP has no grey, and grey TIFF with
//!   transparency is written as RGBA: there the luma stands in all three channels.
//! * **Transparency** is kept untouched; JPEG has none, so writing it there is refused.
//! * **Orientation.** The rotation that a camera notes in EXIF is applied to the pixels; the
//!   output carries no such note.
//! * **ICC profile.** Carried over where it describes the colours written (an RGB profile for RGB,
//!   a grey one for grey). Other metadata is not.
//!
//! Refused by name, since guessing would change the picture unseen: animations, documents of
//! several TIFF pages (smaller copies of the first page are no pages), CMYK and other colours that
//! need a profile to become RGB, and samples that are neither 8 nor 16 bits deep.

mod alpha;
mod decode;
mod folder;
mod frame;
mod light;
mod metadata;
mod pad;
mod prepare;
mod read;
mod samples;
mod sniff;
mod strip;
mod write;

pub use decode::MAX_PIXELS;
pub use folder::list;
pub use frame::Frame;
pub use light::Light;
pub use metadata::{Metadata, PngColor, Resolution, ResolutionUnit};
pub use pad::{Padded, padded_side, reflect_index};
pub use read::{ReadOptions, from_bytes, read, read_with};
pub use samples::{Depth, Samples};
pub use sniff::FileFormat;
pub use strip::{check_strip, strip};
pub use write::{WriteOptions, check_frame, check_output, write, write_with};
