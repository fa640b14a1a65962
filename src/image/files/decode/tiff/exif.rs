//! An EXIF block that stands alone, made of the tags that a TIFF file has strewn among those of its pixels.
//!
//! Written here and not by a crate: `kamadak-exif` wants a copy of the whole file and reads no `BigTIFF`, and of values
//! that are copied as they are, only their places are to be worked out. A `MakerNote` is copied like the others; its
//! makers' own offsets, where it has some, do not survive that.

use super::directory::{Directory, File, Order, size_of_kind, tag};
use crate::image::files::metadata::exif::{DESCRIPTIVE, RESOLUTION};

/// A tag with the number of its type and its value.
type Field<'a> = (u16, u16, &'a [u8]);

/// The block, where there is anything to say but the resolution. The orientation is not in it: frames are upright.
pub(super) fn block(file: &File, page: &Directory) -> Option<Vec<u8>> {
    let order = file.order;
    // Sound values do not overlap; others could take many times the file's length.
    let mut room = file.length();
    let magic: &[u8; 2] = if order == Order::Little { b"II" } else { b"MM" };
    let mut out = [&magic[..], &order.bytes_of_u16(42), &[0; 4]].concat();
    let among = |tags: &'static [u16]| fields(page).filter(|(tag, ..)| tags.contains(tag));
    let mut image: Vec<Field> = among(&DESCRIPTIVE).collect();

    // The directories that others point to come first, so that it is known where they stand.
    let exif = subdirectory(file, page, tag::EXIF);
    let interoperability = exif
        .as_ref()
        .and_then(|exif| subdirectory(file, exif, tag::INTEROPERABILITY))
        .and_then(|directory| append(&mut out, order, fields(&directory).collect(), &mut room));
    let exif = exif.as_ref().and_then(|exif| {
        let mut fields: Vec<Field> = fields(exif).filter(|(tag, ..)| *tag != tag::INTEROPERABILITY).collect();
        fields.extend(pointer(tag::INTEROPERABILITY, interoperability.as_ref()));
        append(&mut out, order, fields, &mut room)
    });
    let gps = subdirectory(file, page, tag::GPS)
        .and_then(|directory| append(&mut out, order, fields(&directory).collect(), &mut room));
    image.extend(pointer(tag::EXIF, exif.as_ref()));
    image.extend(pointer(tag::GPS, gps.as_ref()));

    if !image.is_empty() {
        image.extend(among(&RESOLUTION));
    }
    let first = append(&mut out, order, image, &mut room)?;
    out[4..8].copy_from_slice(&first);
    Some(out)
}

/// The fields whose types a block has.
fn fields<'a>(directory: &Directory<'a>) -> impl Iterator<Item = Field<'a>> {
    let known = |kind: u16| kind <= 13 && size_of_kind(kind) > 0;
    directory
        .entries
        .iter()
        .filter(move |(_, entry)| known(entry.kind) && !entry.bytes.is_empty())
        .map(|(&tag, entry)| (tag, entry.kind, entry.bytes))
}

fn subdirectory<'a>(file: &File<'a>, parent: &Directory, tag: u16) -> Option<Directory<'a>> {
    file.directory(parent.number(tag)?)
}

/// The field that points to where a directory stands.
fn pointer(tag: u16, place: Option<&[u8; 4]>) -> Option<Field<'_>> {
    place.map(|place| (tag, 4, &place[..]))
}

/// Appends a directory with the values of its fields as far as there is room; where it stands.
fn append(out: &mut Vec<u8>, order: Order, mut fields: Vec<Field>, room: &mut usize) -> Option<[u8; 4]> {
    fields.retain(|(.., value)| {
        let left = room.checked_sub(value.len());
        *room = left.unwrap_or(*room);
        left.is_some()
    });
    if fields.is_empty() {
        return None;
    }
    fields.sort_by_key(|(tag, ..)| *tag);
    let start = out.len();
    let mut values = Vec::new();
    let values_at = start + 2 + 12 * fields.len() + 4;
    out.extend(order.bytes_of_u16(fields.len() as u16));
    for (tag, kind, value) in fields {
        out.extend(order.bytes_of_u16(tag));
        out.extend(order.bytes_of_u16(kind));
        out.extend(order.bytes_of_u32((value.len() / size_of_kind(kind)) as u32));
        if let Some(padding) = 4usize.checked_sub(value.len()) {
            out.extend_from_slice(value);
            out.resize(out.len() + padding, 0);
        } else {
            out.extend(order.bytes_of_u32((values_at + values.len()) as u32));
            values.extend_from_slice(value);
            // Directories and values begin at even places.
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    out.extend([0; 4]);
    out.extend(values);
    Some(order.bytes_of_u32(start as u32))
}
