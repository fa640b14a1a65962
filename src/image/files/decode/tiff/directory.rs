//! Directories of tags, the container that TIFF and `BigTIFF` are: read from the bytes as they stand, whatever their
//! tags mean.

use std::collections::{BTreeMap, HashSet};

use super::{FORMAT, broken, cut_short};
use crate::image::files::decode::Problem;
use crate::image::files::metadata::width_of;

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        }
    }

    pub(super) fn bytes_of_u16(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    pub(super) fn bytes_of_u32(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }
}

/// A file and how its numbers are to be read.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    bytes: &'a [u8],
    pub order: Order,
    /// Offsets of 64 bits.
    big: bool,
}

/// The value of one tag.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    order: Order,
    /// What type of value it is, by the number the standard gives the type.
    pub kind: u16,
    /// The value's bytes as they stand in the file.
    pub bytes: &'a [u8],
}

/// One directory.
pub(super) struct Directory<'a> {
    pub entries: BTreeMap<u16, Entry<'a>>,
    /// Tags whose values lie behind the end of the file.
    pub cut: Vec<u16>,
    next: u64,
}

impl<'a> File<'a> {
    /// Reads the header: the file and where its first directory stands.
    fn open(bytes: &'a [u8]) -> Option<(Self, u64)> {
        let order = if bytes.starts_with(b"MM") { Order::Big } else { Order::Little };
        let big = order.u16(*bytes.get(2..)?.first_chunk()?) == 43;
        let file = File { bytes, order, big };
        let first = if big { file.u64(8) } else { file.u32(4).map(u64::from) };
        Some((file, first?))
    }

    /// The file and its first directory.
    pub(super) fn first(bytes: &'a [u8]) -> Result<(Self, Directory<'a>), Problem> {
        let (file, at) = File::open(bytes).ok_or_else(|| cut_short(FORMAT, bytes))?;
        if at == 0 {
            return Err(broken(FORMAT, &"it holds no picture"));
        }
        let directory = file.directory(at).ok_or_else(|| cut_short(FORMAT, bytes))?;
        Ok((file, directory))
    }

    /// Bytes of the file.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The directories behind this one, each `None` where it is not all in the file.
    pub(super) fn behind(&self, first: &Directory) -> impl Iterator<Item = Option<Directory<'a>>> {
        let mut seen = HashSet::new();
        let mut next = first.next;
        std::iter::from_fn(move || {
            // A chain that runs into itself has come to its end.
            if next == 0 || !seen.insert(next) {
                return None;
            }
            let page = self.directory(next);
            next = page.as_ref().map_or(0, |page| page.next);
            Some(page)
        })
    }

    /// The directory that stands there; `None` where it is not all in the file.
    pub(super) fn directory(&self, at: u64) -> Option<Directory<'a>> {
        let at = usize::try_from(at).ok()?;
        let (count, start, size, link) = if self.big {
            (self.u64(at)?, at.checked_add(8)?, 20, 8)
        } else {
            (u64::from(self.u16(at)?), at.checked_add(2)?, 12, 4)
        };
        let length = usize::try_from(count).ok()?.checked_mul(size)?;
        let end = start.checked_add(length)?;
        self.bytes.get(start..end.checked_add(link)?)?;
        let next = if self.big { self.u64(end)? } else { u64::from(self.u32(end)?) };
        let mut directory = Directory { entries: BTreeMap::new(), cut: Vec::new(), next };
        for at in (start..end).step_by(size) {
            let tag = self.u16(at)?;
            match self.entry(at) {
                // Of a tag that is there twice the first counts, as for other readers.
                Some(entry) => _ = directory.entries.entry(tag).or_insert(entry),
                None => directory.cut.push(tag),
            }
        }
        Some(directory)
    }

    /// The entry that stands there; `None` where its value is not all in the file.
    fn entry(&self, at: usize) -> Option<Entry<'a>> {
        let kind = self.u16(at + 2)?;
        let (count, field, room) = if self.big {
            (self.u64(at + 4)?, at + 12, 8)
        } else {
            (u64::from(self.u32(at + 4)?), at + 8, 4)
        };
        let length = usize::try_from(count).ok()?.checked_mul(size_of_kind(kind))?;
        let place = if length <= room {
            field
        } else if self.big {
            usize::try_from(self.u64(field)?).ok()?
        } else {
            self.u32(field)? as usize
        };
        let bytes = self.bytes.get(place..place.checked_add(length)?)?;
        Some(Entry { order: self.order, kind, bytes })
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(|bytes| self.order.u16(bytes))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(|bytes| self.order.u32(bytes))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(|bytes| self.order.u64(bytes))
    }
}

/// Bytes of one value of a type; 0 for types that the standards do not name.
pub(super) fn size_of_kind(kind: u16) -> usize {
    match kind {
        // Those of BigTIFF alone.
        16..=18 => 8,
        _ => width_of(kind).map_or(0, |(value, _)| value),
    }
}

impl Entry<'_> {
    /// The whole numbers it holds, none where it holds something else.
    ///
    /// The types are not the standards' for the tag: writers differ, and a small number is the same in any of them.
    pub(super) fn numbers(&self) -> Vec<u64> {
        let order = self.order;
        match self.kind {
            1 | 7 => self.bytes.iter().map(|&byte| u64::from(byte)).collect(),
            3 => self.bytes.as_chunks().0.iter().map(|&bytes| u64::from(order.u16(bytes))).collect(),
            4 | 13 => self.bytes.as_chunks().0.iter().map(|&bytes| u64::from(order.u32(bytes))).collect(),
            16 | 18 => self.bytes.as_chunks().0.iter().map(|&bytes| order.u64(bytes)).collect(),
            _ => Vec::new(),
        }
    }

    /// The number that it holds as a fraction.
    pub(super) fn fraction(&self) -> Option<f64> {
        let [over, under] = self.bytes.as_chunks().0.first_chunk().filter(|_| self.kind == 5)?;
        Some(f64::from(self.order.u32(*over)) / f64::from(self.order.u32(*under)))
    }
}

impl Directory<'_> {
    /// The numbers of a tag, where the directory has it.
    pub(super) fn numbers(&self, tag: u16) -> Option<Vec<u64>> {
        self.entries.get(&tag).map(Entry::numbers)
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        let entry = self.entries.get(&tag)?;
        let first = Entry { bytes: &entry.bytes[..entry.bytes.len().min(8)], ..*entry };
        first.numbers().first().copied()
    }
}

/// The numbers of the tags that are looked at.
pub(super) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const SUBFILE_TYPE: u16 = 255;
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR: u16 = 284;
    pub const RESOLUTION_UNIT: u16 = 296;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_HEIGHT: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTE_COUNTS: u16 = 325;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const XMP: u16 = 700;
    pub const IPTC: u16 = 33723;
    pub const EXIF: u16 = 34665;
    pub const ICC: u16 = 34675;
    pub const GPS: u16 = 34853;
    pub const INTEROPERABILITY: u16 = 40965;
    pub const DNG_VERSION: u16 = 50706;

    /// Those without whose values the pixels would be taken for others.
    pub const OF_PIXELS: [u16; 13] = [
        BITS_PER_SAMPLE,
        STRIP_OFFSETS,
        STRIP_BYTE_COUNTS,
        COLOR_MAP,
        TILE_WIDTH,
        TILE_HEIGHT,
        TILE_OFFSETS,
        TILE_BYTE_COUNTS,
        EXTRA_SAMPLES,
        SAMPLE_FORMAT,
        JPEG_TABLES,
        PREDICTOR,
        PHOTOMETRIC,
    ];
}
