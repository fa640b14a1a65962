//! The directories of a TIFF header, as EXIF blocks have them.

use std::borrow::Cow;
use std::ops::Range;

const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const INTEROPERABILITY_DIRECTORY: u16 = 0xa005;

/// Comments of no type begin with this, if UTF-16 in the block's byte order follows.
const UNICODE: &[u8] = b"UNICODE\0";

const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 12;

/// A block whose header is sound.
pub(super) struct Block<'a> {
    bytes: &'a [u8],
    pub big_endian: bool,
}

/// A directory whose entries all lie in the block.
pub(super) struct Directory {
    /// From the number of entries to the offset of the next directory.
    pub range: Range<usize>,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub tag: u16,
    pub kind: u16,
    count: u32,
    /// Where the value is, if it has no more than four bytes, and else its offset.
    pub value_at: usize,
}

impl Directory {
    pub fn find(&self, tag: u16) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.tag == tag).copied()
    }
}

impl<'a> Block<'a> {
    pub fn new(bytes: &'a [u8]) -> Option<Block<'a>> {
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Block { bytes, big_endian })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub fn directory(&self, at: usize) -> Option<Directory> {
        if at < HEADER_BYTES {
            return None;
        }
        let count = usize::from(self.u16(at)?);
        let range = at..at + 2 + count * ENTRY_BYTES;
        self.bytes.get(range.clone())?;
        let entry = |at| {
            let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
            Some(Entry { tag, kind, count, value_at: at + 8 })
        };
        let entries = (0..count).filter_map(|i| entry(at + 2 + i * ENTRY_BYTES)).collect();
        Some(Directory { range, entries })
    }

    /// The directory of the picture.
    pub fn image(&self) -> Option<Directory> {
        self.directory(self.u32(4)? as usize)
    }

    /// The directories of the picture, of how and where it was taken, and of interoperability.
    pub fn directories(&self) -> [Option<Directory>; 4] {
        let under = |directory: &Option<Directory>, tag| {
            self.directory(self.number(directory.as_ref()?.find(tag)?)? as usize)
        };
        let image = self.image();
        let exif = under(&image, EXIF_DIRECTORY);
        let gps = under(&image, GPS_DIRECTORY);
        let interoperability = under(&exif, INTEROPERABILITY_DIRECTORY);
        [image, exif, gps, interoperability]
    }

    /// Where directories and values lie that are kept: in order, and apart from each other.
    pub fn kept(&self) -> Vec<Range<usize>> {
        let mut kept = Vec::new();
        kept.push(0..HEADER_BYTES);
        for directory in self.directories().into_iter().flatten() {
            kept.extend(directory.entries.iter().filter_map(|entry| self.value_range(*entry)));
            kept.push(directory.range.start..directory.range.end + 4);
        }
        kept.sort_by_key(|range| range.start);
        kept.dedup_by(|next, last| {
            let meets = next.start <= last.end;
            last.end = if meets { last.end.max(next.end) } else { last.end };
            meets
        });
        kept
    }

    fn value_range(&self, entry: Entry) -> Option<Range<usize>> {
        let length = (entry.count as usize).checked_mul(width_of(entry.kind)?.0)?;
        let start = if length <= 4 { entry.value_at } else { self.u32(entry.value_at)? as usize };
        let range = start..start.checked_add(length)?;
        self.bytes.get(range.clone()).map(|_| range)
    }

    /// An unsigned integer of up to 32 bits: the first, where there are several.
    pub fn number(&self, entry: Entry) -> Option<u32> {
        self.numbers(entry).next()
    }

    /// Unsigned integers of up to 32 bits.
    pub fn numbers(&self, entry: Entry) -> impl Iterator<Item = u32> {
        let read = move |at| match entry.kind {
            1 => self.bytes.get(at).copied().map(u32::from),
            3 => self.u16(at).map(u32::from),
            4 | 13 => self.u32(at),
            _ => None,
        };
        let places = || Some(self.value_range(entry)?.step_by(width_of(entry.kind)?.0));
        places().into_iter().flatten().map_while(read)
    }

    pub fn ratio(&self, entry: Entry) -> Option<f64> {
        let at = self.value_range(entry).filter(|_| entry.kind == 5 && entry.count > 0)?.start;
        Some(f64::from(self.u32(at)?) / f64::from(self.u32(at + 4)?))
    }

    pub fn field(&self, entry: Entry, room: &mut usize) -> Option<Field<'a>> {
        let leads_on = matches!(entry.tag, EXIF_DIRECTORY | GPS_DIRECTORY | INTEROPERABILITY_DIRECTORY);
        // 13 are offsets of directories, which would lead nowhere in another file.
        if leads_on || entry.kind == 13 {
            return None;
        }
        let value = self.bytes.get(self.value_range(entry)?)?;
        *room = room.checked_sub(value.len())?;
        let (_, word) = width_of(entry.kind)?;
        let swapped = self.big_endian != cfg!(target_endian = "big");
        if let Some(text) = value.strip_prefix(UNICODE).filter(|_| swapped && entry.kind == 7) {
            let text = text.chunks(2).flat_map(|unit| unit.iter().rev());
            let value = UNICODE.iter().chain(text).copied().collect();
            return Some(Field { tag: entry.tag, kind: entry.kind, value });
        }
        let value = if word == 1 || !swapped {
            Cow::Borrowed(value)
        } else {
            Cow::Owned(value.chunks_exact(word).flat_map(|word| word.iter().rev().copied()).collect())
        };
        Some(Field { tag: entry.tag, kind: entry.kind, value })
    }
}

/// How many bytes a value of the type has, and how many of them the byte order concerns at a time.
pub(crate) fn width_of(kind: u16) -> Option<(usize, usize)> {
    match kind {
        1 | 2 | 6 | 7 => Some((1, 1)),
        3 | 8 => Some((2, 2)),
        4 | 9 | 11 | 13 => Some((4, 4)),
        5 | 10 => Some((8, 4)),
        12 => Some((8, 8)),
        _ => None,
    }
}

/// A tag with its value.
pub(crate) struct Field<'a> {
    /// The tag.
    pub tag: u16,
    /// The value's type, by its number in TIFF.
    pub kind: u16,
    /// The value.
    pub value: Cow<'a, [u8]>,
}
