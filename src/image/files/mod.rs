//! Image files: from a file to a frame, and from a frame to a file.

mod curve;
mod decode;
mod dynamic;
mod encode;
mod folder;
mod metadata;
mod options;
mod read;
mod sniff;
mod strip;
mod thumbnail;
mod write;

pub use folder::{ListOptions, Listing, list, list_with};
#[cfg(feature = "cli")]
pub(crate) use metadata::BEYOND_16_BITS;
pub use metadata::losses;
pub use options::{ReadOptions, WriteOptions};
pub(crate) use read::read_all;
pub use read::{from_bytes, read, read_with};
pub use sniff::FileFormat;
pub use strip::{check_strip, strip};
pub use thumbnail::thumbnail;
pub use write::{check_frame, check_output, to_bytes, write, write_with};
