//! Strips and tiles: where they lie in the file, and where in the picture.

use super::directory::{Directory, tag};
use super::{FORMAT, broken};
use crate::image::files::decode::Problem;

/// The strips or tiles of a page; a strip is a tile as wide as the picture.
pub(super) struct Grid {
    width: usize,
    height: usize,
    tiled: bool,
    /// Sides of one of them.
    tile: (usize, usize),
    across: usize,
    down: usize,
    /// Whether each of them holds one channel and not all.
    pub planar: bool,
    /// Samples a pixel in one of them.
    pub samples: usize,
    bits: usize,
    /// Bytes of the largest of them, unpacked.
    pub chunk_bytes: u128,
    /// Where they lie in the file: offset and length.
    places: Vec<(u64, Option<u64>)>,
}

/// One strip or tile.
pub(super) struct Chunk {
    /// The channel it holds, where it holds one.
    pub plane: Option<usize>,
    /// Its first column and row in the picture.
    pub left: usize,
    pub top: usize,
    /// Columns and rows that it stores.
    pub width: usize,
    pub height: usize,
    /// Columns and rows of those that are inside of the picture.
    pub columns: usize,
    pub rows: usize,
    /// Bytes of a row, unpacked.
    pub row_bytes: usize,
    /// Where it lies in the file.
    pub offset: u64,
    /// Its bytes in the file, where that is known.
    pub length: Option<u64>,
}

impl Grid {
    pub(super) fn of(
        page: &Directory,
        (width, height): (usize, usize),
        samples: usize,
        bits: usize,
    ) -> Result<Self, Problem> {
        let tiled = page.entries.contains_key(&tag::TILE_WIDTH);
        let tile = if tiled {
            let side = |tag| page.number(tag).and_then(|side| usize::try_from(side).ok()).unwrap_or(0);
            (side(tag::TILE_WIDTH), side(tag::TILE_HEIGHT))
        } else {
            let rows = page.number(tag::ROWS_PER_STRIP).filter(|&rows| rows > 0).unwrap_or(u64::MAX);
            (width, usize::try_from(rows).unwrap_or(usize::MAX).min(height))
        };
        if tile.0 == 0 || tile.1 == 0 {
            return Err(broken(FORMAT, &"its tiles have no pixels"));
        }
        let planar = samples > 1 && page.number(tag::PLANAR) == Some(2);
        let samples = if planar { 1 } else { samples };
        let row_bytes = (tile.0 as u128 * samples as u128 * bits as u128).div_ceil(8);
        let (across, down) = (width.div_ceil(tile.0), height.div_ceil(tile.1));
        let chunk_bytes = row_bytes.saturating_mul(tile.1 as u128);
        let mut grid = Grid {
            width,
            height,
            tiled,
            tile,
            across,
            down,
            planar,
            samples,
            bits,
            chunk_bytes,
            places: Vec::new(),
        };
        grid.places = grid.places(page)?;
        Ok(grid)
    }

    fn places(&self, page: &Directory) -> Result<Vec<(u64, Option<u64>)>, Problem> {
        // Some writers give tiles the tags of strips.
        let list = |tag, or| page.numbers(tag).or_else(|| page.numbers(or));
        let (offsets, lengths) = if self.tiled {
            (list(tag::TILE_OFFSETS, tag::STRIP_OFFSETS), list(tag::TILE_BYTE_COUNTS, tag::STRIP_BYTE_COUNTS))
        } else {
            (list(tag::STRIP_OFFSETS, tag::TILE_OFFSETS), list(tag::STRIP_BYTE_COUNTS, tag::TILE_BYTE_COUNTS))
        };
        let offsets = offsets.ok_or_else(|| broken(FORMAT, &"it does not say where its pixels are"))?;
        // Old writers leave the lengths of a single strip out, or 0.
        let lengths = match lengths {
            Some(lengths) if lengths != [0] => lengths.into_iter().map(Some).collect(),
            _ if offsets.len() == 1 => vec![None],
            _ => return Err(broken(FORMAT, &"it does not say how long its strips are")),
        };
        Ok(offsets.into_iter().zip(lengths).collect())
    }

    /// Bytes of all of them, or of all of a plane.
    pub(super) fn all_bytes(&self) -> u128 {
        self.chunk_bytes.saturating_mul((self.across * self.down) as u128)
    }

    /// Whether there is one strip or tile alone.
    pub(super) fn is_one(&self) -> bool {
        self.places.len() == 1
    }

    /// All strips or tiles that the file lists, those of the picture at most.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Chunk> {
        let each_plane = self.across * self.down;
        let planes = if self.planar { usize::MAX } else { each_plane };
        self.places.iter().take(planes).enumerate().map(move |(i, &(offset, length))| {
            let plane = self.planar.then_some(i / each_plane);
            let within = i % each_plane;
            let (left, top) = (within % self.across * self.tile.0, within / self.across * self.tile.1);
            let (columns, rows) = (self.tile.0.min(self.width - left), self.tile.1.min(self.height - top));
            // The last strip is stored as far as the picture goes, tiles in full.
            let height = if self.tiled { self.tile.1 } else { rows };
            let row_bytes = (self.tile.0 * self.samples * self.bits).div_ceil(8);
            Chunk { plane, left, top, width: self.tile.0, height, columns, rows, row_bytes, offset, length }
        })
    }
}

impl Chunk {
    /// Bytes that it has when unpacked.
    pub(super) fn bytes(&self) -> usize {
        self.row_bytes * self.height
    }
}
