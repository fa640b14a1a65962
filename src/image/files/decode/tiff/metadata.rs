//! What the tags say of the picture besides its pixels.

use super::directory::{Directory, File, tag};
use super::exif;
use crate::image::files::metadata::{Metadata, Resolution};

pub(super) fn of(file: &File, page: &Directory) -> Metadata {
    // XMP and IPTC are bytes whatever type the tag gives them: IPTC is often called numbers of 32 bits.
    let bytes =
        |tag| page.entries.get(&tag).map(|entry| entry.bytes.to_vec()).filter(|bytes| !bytes.is_empty());
    Metadata {
        icc: bytes(tag::ICC),
        exif: exif::block(file, page),
        xmp: bytes(tag::XMP),
        iptc: bytes(tag::IPTC),
        resolution: resolution(page),
        ..Metadata::default()
    }
}

fn resolution(page: &Directory) -> Option<Resolution> {
    let fraction = |tag| page.entries.get(&tag)?.fraction();
    let (x, y) = (fraction(tag::X_RESOLUTION)?, fraction(tag::Y_RESOLUTION)?);
    Resolution::of_tags(x, y, page.number(tag::RESOLUTION_UNIT))
}
