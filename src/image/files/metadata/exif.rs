//! EXIF blocks: a TIFF header, directories of tags, and values at offsets from the header.
//!
//! Camera makers keep offsets of their own in the `MakerNote`, so a block whose parts move is a broken one. Blocks are
//! therefore changed in place only, and never rebuilt.

use image::metadata::Orientation;

use super::Resolution;
use super::directories::{Block, Directory, Field};

const ORIENTATION: u16 = 0x112;
const X_RESOLUTION: u16 = 0x11a;
const Y_RESOLUTION: u16 = 0x11b;
const RESOLUTION_UNIT: u16 = 0x128;
const IMAGE_SIDES: [u16; 2] = [0x100, 0x101];
const PIXEL_SIDES: [u16; 2] = [0xa002, 0xa003];
const FOCAL_PLANE_RESOLUTION: [u16; 2] = [0xa20e, 0xa20f];

/// Tags that say what a picture shows, who made it and with what, and not how its samples are stored: in TIFF they are
/// the page's own, in an EXIF block its first directory's.
pub(crate) const DESCRIPTIVE: [u16; 18] = [
    269, 270, 271, 272, 285, 305, 306, 315,
    316, // Document, Description, Make, Model, Page, Software, Date, Artist, Host.
    18_246, 18_249, 33_432, // Rating, RatingPercent, Copyright.
    40_091, 40_092, 40_093, 40_094, 40_095, // Windows' Title, Comment, Author, Keywords, Subject.
    50_341, // Print Image Matching.
];

/// The tags of the resolution, which a page and a block both have.
pub(crate) const RESOLUTION: [u16; 3] = [X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT];

/// Where a thumbnail is and how long, compressed as JPEG and not.
const THUMBNAILS: [(u16, u16); 2] = [(0x201, 0x202), (0x111, 0x117)];

/// The block without the mark that JPEG puts before it, and some writers of other formats with it.
pub(crate) fn without_mark(block: &[u8]) -> &[u8] {
    block.strip_prefix(b"Exif\0\0").unwrap_or(block)
}

/// How the block says that the stored pixels are to be turned.
pub(crate) fn orientation(block: &[u8]) -> Orientation {
    let stated = || {
        let block = Block::new(block)?;
        let number = block.number(block.image()?.find(ORIENTATION)?)?;
        Orientation::from_exif(u8::try_from(number).ok()?)
    };
    stated().unwrap_or(Orientation::NoTransforms)
}

/// The resolution that the block notes.
pub(crate) fn resolution(block: &[u8]) -> Option<Resolution> {
    let block = Block::new(block)?;
    let image = block.image()?;
    let unit = image.find(RESOLUTION_UNIT).and_then(|entry| block.number(entry));
    let of = |tag| block.ratio(image.find(tag)?);
    Resolution::of_tags(of(X_RESOLUTION)?, of(Y_RESOLUTION)?, unit.map(u64::from))
}

/// The block of the picture turned upright: its orientation is 1, and it has no thumbnail, which would show the picture
/// as it was. Where the picture was `on_its_side`, what is said of its width and of its height changes places.
/// Everything else is as before, byte for byte.
///
/// `None` where the block cannot be read: other readers might see an orientation in it, so it is not to be kept.
pub(crate) fn upright(bytes: &[u8], on_its_side: bool) -> Option<Vec<u8>> {
    let block = Block::new(bytes)?;
    let image = block.image()?;
    let mut out = bytes.to_vec();
    for entry in image.entries.iter().filter(|entry| entry.tag == ORIENTATION) {
        let one: &[u8] = match (entry.kind, block.big_endian) {
            (1, _) => &[1],
            (3, false) => &[1, 0],
            (3, true) => &[0, 1],
            (4, false) => &[1, 0, 0, 0],
            (4, true) => &[0, 0, 0, 1],
            // Of no type that is read as an orientation.
            _ => continue,
        };
        out[entry.value_at..][..one.len()].copy_from_slice(one);
        // More values than one would be elsewhere, maybe in the midst of others.
        let count = if block.big_endian { 1u32.to_be_bytes() } else { 1u32.to_le_bytes() };
        out[entry.value_at - 4..][..4].copy_from_slice(&count);
    }
    if on_its_side {
        let [_, exif, ..] = block.directories();
        let mut turn = |directory: &Directory, pairs: [[u16; 2]; 2]| {
            pairs.iter().for_each(|tags| swap(directory, *tags, &mut out));
        };
        turn(&image, [[X_RESOLUTION, Y_RESOLUTION], IMAGE_SIDES]);
        exif.iter().for_each(|exif| turn(exif, [PIXEL_SIDES, FOCAL_PLANE_RESOLUTION]));
    }
    drop_thumbnail(&block, &image, &mut out);
    Some(out)
}

/// Gives two tags each other's values: type, count, and the value or its place.
fn swap(directory: &Directory, tags: [u16; 2], out: &mut [u8]) {
    if let [Some(a), Some(b)] = tags.map(|tag| directory.find(tag)) {
        let (a, b) = (a.value_at - 6, b.value_at - 6);
        (0..10).for_each(|i| out.swap(a + i, b + i));
    }
}

/// Takes the second directory out of the chain, and its bytes and those of its picture out of the block, where nothing
/// else lies there: blank, or off the end.
fn drop_thumbnail(block: &Block, image: &Directory, out: &mut Vec<u8>) {
    let Some(at) = block.u32(image.range.end).filter(|at| *at != 0) else { return };
    out[image.range.end..image.range.end + 4].fill(0);
    let Some(second) = block.directory(at as usize) else { return };
    let mut ranges = Vec::new();
    ranges.push(second.range.start..(second.range.end + 4).min(out.len()));
    // Sound strips do not overlap; others could be blanked many times.
    let mut room = out.len();
    for (offset, length) in THUMBNAILS {
        let numbers = |tag| second.find(tag).into_iter().flat_map(|entry| block.numbers(entry));
        // Uncompressed pixels may lie in several strips.
        for (offset, length) in numbers(offset).zip(numbers(length)) {
            let end = (offset as usize).saturating_add(length as usize);
            let range = (offset as usize).min(out.len())..end.min(out.len());
            if let Some(left) = room.checked_sub(range.len()) {
                room = left;
                ranges.push(range);
            }
        }
    }
    let kept = block.kept();
    ranges.retain(|range| {
        let next = kept.partition_point(|other| other.end <= range.start);
        !range.is_empty() && kept.get(next).is_none_or(|other| range.end <= other.start)
    });
    ranges.sort_by_key(|range| range.end);
    for range in ranges.into_iter().rev() {
        if range.end == out.len() {
            out.truncate(range.start);
        } else {
            let end = range.end.min(out.len());
            out[range.start.min(end)..end].fill(0);
        }
    }
}

/// The tags of a block by directory, with values in this machine's byte order.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    /// Of the picture.
    pub image: Vec<Field<'a>>,
    /// Of how it was taken.
    pub exif: Vec<Field<'a>>,
    /// Of where it was taken.
    pub gps: Vec<Field<'a>>,
    /// Of interoperability.
    pub interoperability: Vec<Field<'a>>,
}

/// All tags of a block but those that lead to directories; `None` where it cannot be read. A value outside the block is
/// left out.
pub(crate) fn fields(bytes: &[u8]) -> Option<Fields<'_>> {
    let block = Block::new(bytes)?;
    let [image, exif, gps, interoperability] = block.directories();
    // Sound values do not overlap; others could take many times the block's length.
    let mut room = bytes.len();
    let mut of = |directory: Option<Directory>| {
        let entries = directory.into_iter().flat_map(|directory| directory.entries);
        entries.filter_map(|entry| block.field(entry, &mut room)).collect()
    };
    Some(Fields {
        image: of(Some(image?)),
        exif: of(exif),
        gps: of(gps),
        interoperability: of(interoperability),
    })
}
