//! How the first page is stored, from its tags alone. What is not read is refused here, before anything is decoded.

use super::chunks::{Chunk, Grid};
use super::color::{self, Channels, Color};
use super::decompress::Packing;
use super::directory::{Directory, File, Order, tag};
use super::predictor::Predictor;
use super::{FORMAT, broken, unsupported};
use crate::image::files::decode::{Note, Problem, SIDE_BYTES, check_size};

/// How a page is stored.
pub(super) struct Layout<'a> {
    pub width: u32,
    pub height: u32,
    pub order: Order,
    /// Bits a sample.
    pub bits: usize,
    /// Whether the samples are floats.
    pub float: bool,
    /// What the samples mean, and which of them are taken.
    pub channels: Channels,
    pub compression: Compression<'a>,
    pub predictor: Predictor,
    /// Whether the bytes' lowest bits come first.
    pub reversed: bool,
    pub grid: Grid,
}

/// How strips and tiles are compressed.
pub(super) enum Compression<'a> {
    Packed(Packing),
    /// Each one a JPEG file, with these tables in common.
    Jpeg(&'a [u8]),
}

impl<'a> Layout<'a> {
    pub(super) fn of(file: &File<'a>, page: &Directory<'a>, notes: &mut Vec<Note>) -> Result<Self, Problem> {
        let side = |tag| page.number(tag).ok_or_else(|| broken(FORMAT, &"its size is missing"));
        let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
        let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
            return Err(Problem::TooLarge(width, height));
        };
        check_size(width, height)?;
        let samples = page.number(tag::SAMPLES_PER_PIXEL).unwrap_or(1) as usize;
        if !(1..=65_535).contains(&samples) {
            return Err(broken(FORMAT, &format!("its header says {samples} channels")));
        }
        // Before the depth, so that what cannot be read at any depth is called so.
        let compression = compression(page)?;
        let jpeg = matches!(compression, Compression::Jpeg(_));
        let channels = color::channels(page, samples, jpeg, notes)?;
        let (bits, float) = depth(page, &channels.color)?;
        if bits != 8 && jpeg {
            return Err(unsupported(&format!("it is a TIFF of JPEG data of {bits} bits a sample")));
        }
        let fax = matches!(compression, Compression::Packed(Packing::Fax4));
        if fax && (bits != 1 || samples != 1 || width > u32::from(u16::MAX)) {
            return Err(unsupported("it is a TIFF with fax compression of other than narrow bitmaps"));
        }
        let grid = Grid::of(page, (width as usize, height as usize), samples, bits)?;
        let layout = Layout {
            width,
            height,
            order: file.order,
            bits,
            float,
            predictor: predictor(page, &compression, bits, float)?,
            channels,
            compression,
            reversed: page.number(tag::FILL_ORDER) == Some(2),
            grid,
        };
        layout.check_memory()?;
        Ok(layout)
    }

    /// Refuses strips or tiles that take far more room, one or all of them, than the picture.
    fn check_memory(&self) -> Result<(), Problem> {
        let picture = u128::from(self.width) * u128::from(self.height) * self.channels.kept() as u128 * 4;
        let room = SIDE_BYTES as u128;
        if self.grid.chunk_bytes > picture + room || self.grid.all_bytes() > 16 * picture + 4 * room {
            return Err(unsupported("decoding it would take too much memory"));
        }
        Ok(())
    }

    /// Refuses strips or tiles that lie over each other in the file: each would be read again. What several share, as
    /// writers have it for tiles that are equal, is no longer than what is in it.
    pub(super) fn check_overlap(&self, file: &[u8]) -> Result<(), Problem> {
        let (mut packed, mut unpacked) = (0_u128, 0_u128);
        for chunk in self.grid.chunks() {
            packed += self.packed(&chunk, file).len() as u128;
            unpacked += chunk.bytes() as u128;
        }
        if packed > file.len() as u128 + 2 * unpacked {
            return Err(unsupported("its strips lie over each other, and decoding them would take too long"));
        }
        Ok(())
    }

    /// Refuses LZW as it was before TIFF 6.0, which begins in a way of its own.
    pub(super) fn check_lzw(&self, file: &[u8]) -> Result<(), Problem> {
        let lzw = matches!(self.compression, Compression::Packed(Packing::Lzw)) && !self.reversed;
        match self.grid.chunks().next().map(|chunk| self.packed(&chunk, file)) {
            Some([0, second, ..]) if lzw && second & 1 == 1 => Err(not_unpacked("old-style LZW compression")),
            _ => Ok(()),
        }
    }

    /// Where a strip or tile begins and ends in the file, be the file that long or not.
    pub(super) fn extent(&self, chunk: &Chunk) -> (u64, u64) {
        let whole = chunk.bytes() as u64;
        let length = match (&self.compression, chunk.length) {
            // Some writers note too few bytes for a strip that has no others to be mistaken for.
            // A length of 0 is that of who did not know it.
            (Compression::Packed(Packing::None), Some(length @ 1..)) if !self.grid.is_one() => {
                length.min(whole)
            }
            (Compression::Packed(Packing::None), _) => whole,
            (_, length) => length.unwrap_or(0),
        };
        (chunk.offset, chunk.offset.saturating_add(length))
    }

    /// The bytes of a strip or tile as far as the file has them.
    pub(super) fn packed<'f>(&self, chunk: &Chunk, file: &'f [u8]) -> &'f [u8] {
        let (start, end) = self.extent(chunk);
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
        match chunk.length {
            Some(_) => &file[at(start)..at(end)],
            None => &file[at(start)..],
        }
    }

    /// Samples that are taken from the file.
    pub(super) fn taken_samples(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * self.channels.taken().len() as u64
    }

    pub(super) fn bytes_per_sample(&self) -> usize {
        self.bits.div_ceil(8)
    }
}

fn compression<'a>(page: &Directory<'a>) -> Result<Compression<'a>, Problem> {
    let name = match page.number(tag::COMPRESSION).unwrap_or(1) {
        1 => return Ok(Compression::Packed(Packing::None)),
        4 => return Ok(Compression::Packed(Packing::Fax4)),
        5 => return Ok(Compression::Packed(Packing::Lzw)),
        8 | 32946 => return Ok(Compression::Packed(Packing::Deflate)),
        32773 => return Ok(Compression::Packed(Packing::PackBits)),
        7 => {
            let tables = page.entries.get(&tag::JPEG_TABLES).map_or(&[][..], |entry| entry.bytes);
            return Ok(Compression::Jpeg(tables));
        }
        2 | 3 | 32771 => "fax (group 3)",
        6 => "old-style JPEG",
        9 | 10 | 34661 => "JBIG",
        32766 => "NeXT",
        32809 => "ThunderScan",
        32895..=32898 | 32908 | 32909 => "printing house",
        33003 | 33005 | 34712 => "JPEG 2000",
        34676 | 34677 => "LogLuv",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        other => return Err(not_unpacked(&format!("compression number {other}"))),
    };
    Err(not_unpacked(&format!("{name} compression")))
}

fn not_unpacked(what: &str) -> Problem {
    Problem::Unsupported(format!(
        "it is a TIFF with {what}, which is not read; save it uncompressed or with LZW or deflate compression first"
    ))
}

/// Bits a sample, and whether the samples are floats.
fn depth(page: &Directory, color: &Color) -> Result<(usize, bool), Problem> {
    let bits = page.numbers(tag::BITS_PER_SAMPLE).unwrap_or_else(|| vec![1]);
    let formats = page.numbers(tag::SAMPLE_FORMAT).unwrap_or_else(|| vec![1]);
    let (Some(&depth), Some(&format)) = (bits.first(), formats.first()) else {
        return Err(broken(FORMAT, &"it does not say how deep its samples are"));
    };
    if bits.iter().any(|&other| other != depth) || formats.iter().any(|&other| other != format) {
        return Err(unsupported("its channels are not all of the same depth"));
    }
    let indexed = matches!(color, Color::Palette(_));
    match (format, depth, color) {
        // 4 is data of no stated kind, which is taken for what it mostly is.
        (1 | 4, 8, _) | (1 | 4, 1 | 2 | 4, Color::Grey { .. } | Color::Palette(_)) => {
            Ok((depth as usize, false))
        }
        (1 | 4, 16, _) if !indexed => Ok((16, false)),
        (3, 16 | 32, _) if !indexed => Ok((depth as usize, true)),
        (1 | 4, ..) => Err(unsupported(&format!(
            "it is a TIFF of {depth}-bit {}",
            if indexed { "palette indices" } else { "integer samples" }
        ))),
        (2, ..) => Err(unsupported("its samples are signed integers")),
        (3, ..) => Err(unsupported(&format!("it is a TIFF of {depth}-bit floating-point samples"))),
        (5 | 6, ..) => Err(unsupported("its samples are complex numbers")),
        _ => Err(unsupported("its samples are of an unknown kind")),
    }
}

fn predictor(
    page: &Directory,
    compression: &Compression,
    bits: usize,
    float: bool,
) -> Result<Predictor, Problem> {
    // Other compressions have no predictor, whatever the tag says.
    if !matches!(compression, Compression::Packed(Packing::Lzw | Packing::Deflate)) {
        return Ok(Predictor::None);
    }
    match page.number(tag::PREDICTOR).unwrap_or(1) {
        1 => Ok(Predictor::None),
        2 if bits >= 8 => Ok(Predictor::Difference),
        2 => Err(unsupported(&format!("it is a TIFF of {bits}-bit samples with a predictor"))),
        3 if float => Ok(Predictor::FloatingPoint),
        3 => Err(broken(FORMAT, &"a predictor for floats is noted and its samples are integers")),
        other => Err(unsupported(&format!("it is a TIFF with predictor number {other}"))),
    }
}
