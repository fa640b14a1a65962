//! The approximate mode: a photo in tiles of one size, each restored by itself, and blended where they overlap.

use super::{Captured, Restorer};
use crate::engine::{Progress, Watch};
use crate::image::Frame;
use crate::model::Mode;
use crate::{Error, Result};

/// The tiles of a photo that takes more than one.
pub(super) struct Tiles {
    columns: Vec<Span>,
    rows: Vec<Span>,
    side: [u32; 2],
}

/// What a tile covers along one axis.
struct Span {
    start: u32,
    /// How much each of its pixels counts there; those of all tiles at a place add up to 1.
    shares: Vec<f32>,
}

impl Span {
    /// The spans along an axis: as few as overlap by `overlap` at least, evenly spread, so that none is smaller.
    fn along(extent: u32, tile: u32, overlap: u32) -> Vec<Self> {
        let side = tile.min(extent);
        let gaps = (extent - side).div_ceil(tile - overlap);
        let start = |i: u32| (u64::from(i) * u64::from(extent - side) / u64::from(gaps.max(1))) as u32;
        let weight = |i: u32, at: u32| {
            // Half a pixel from the border lies the middle of the first.
            let ramp = |from_border: u32, width: u32| (from_border as f32 + 0.5) / width as f32;
            let up = if i == 0 { 1.0 } else { ramp(at, start(i - 1) + side - start(i)) };
            let down = if i == gaps { 1.0 } else { ramp(side - 1 - at, start(i) + side - start(i + 1)) };
            up.min(down).min(1.0)
        };
        let mut sums = vec![0.0; extent as usize];
        for i in 0..=gaps {
            (0..side).for_each(|at| sums[(start(i) + at) as usize] += weight(i, at));
        }
        let span = |i| {
            let shares = (0..side).map(|at| weight(i, at) / sums[(start(i) + at) as usize]).collect();
            Self { start: start(i), shares }
        };
        (0..=gaps).map(span).collect()
    }
}

impl Tiles {
    /// The tiles of a photo of this size; none where the mode has none, or one that holds all of it.
    ///
    /// # Errors
    /// [`Error::Input`] where tiles of that size cannot overlap by so much.
    pub(super) fn of(mode: Mode, [width, height]: [u32; 2]) -> Result<Option<Self>> {
        let Mode::Tiled { tile, overlap } = mode else { return Ok(None) };
        mode.check()?;
        if width <= tile && height <= tile {
            return Ok(None);
        }
        let [columns, rows] = [width, height].map(|extent| Span::along(extent, tile, overlap));
        Ok(Some(Self { columns, rows, side: [width, height].map(|extent| extent.min(tile)) }))
    }

    /// Each tile: the spans of its rows and columns.
    fn each(&self) -> impl Iterator<Item = [&Span; 2]> {
        self.rows.iter().flat_map(|rows| self.columns.iter().map(move |columns| [rows, columns]))
    }

    /// The pixels of a tile.
    fn cut(&self, photo: &Frame, [rows, columns]: [&Span; 2]) -> Result<Frame> {
        let [width, height] = self.side;
        let row = photo.width() as usize * 3;
        let part = columns.start as usize * 3..(columns.start + width) as usize * 3;
        let lines = photo.floats()?.chunks_exact(row).skip(rows.start as usize).take(height as usize);
        Frame::from_rgb32f(width, height, lines.flat_map(|line| &line[part.clone()]).copied().collect())
    }
}

/// Adds a tile's share to a photo's pixels.
fn add(sums: &mut [f32], row: usize, tile: &Frame, [rows, columns]: [&Span; 2]) -> Result<()> {
    let lines = tile.floats()?.chunks_exact(columns.shares.len() * 3);
    let places = sums.chunks_exact_mut(row).skip(rows.start as usize);
    for ((line, place), down) in lines.zip(places).zip(&rows.shares) {
        let pixels = place[columns.start as usize * 3..].chunks_exact_mut(3).zip(line.chunks_exact(3));
        for ((sum, pixel), across) in pixels.zip(&columns.shares) {
            sum.iter_mut().zip(pixel).for_each(|(sum, unit)| *sum += down * across * unit);
        }
    }
    Ok(())
}

impl Restorer {
    /// What this network makes of an image, tile by tile: the result and the images of `stages`, which are all that is
    /// kept.
    pub(super) async fn tiled<P: FnMut(Progress) + ?Sized>(
        &self,
        tiles: &Tiles,
        seen: &Frame,
        (kept, stages): (&[String], usize),
        watch: &mut Watch<'_, P>,
    ) -> Result<(Vec<Frame>, Vec<Captured>)> {
        if kept.len() > stages {
            let reason = "tensors are of a whole photo, and the mode tiled restores it in several parts";
            return Err(Error::Input(reason.to_owned()));
        }
        let (width, height) = (seen.width(), seen.height());
        let (row, count) = (width as usize * 3, (tiles.rows.len() * tiles.columns.len()) as u64);
        let mut sums = vec![vec![0.0_f32; row * height as usize]; 1 + stages];
        for (done, tile) in (0..).zip(tiles.each()) {
            let mut tell = |part: Progress| (watch.progress)(part.of(done, count));
            let mut part = Watch::new(&mut tell, watch.cancel);
            let (images, _) = self.images(&tiles.cut(seen, tile)?, (kept, stages), &mut part).await?;
            watch.spent.add(part.spent);
            sums.iter_mut().zip(&images).try_for_each(|(sums, image)| add(sums, row, image, tile))?;
        }
        let images = sums.into_iter().map(|sums| Frame::from_rgb32f(width, height, sums));
        Ok((images.collect::<Result<_>>()?, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_change_slowly() {
        for (extent, tile, overlap) in
            [(1, 8, 0), (8, 8, 3), (9, 8, 3), (100, 16, 4), (101, 16, 15), (57, 20, 12)]
        {
            let spans = Span::along(extent, tile, overlap);
            assert_eq!(spans.last().map(|s| s.start + s.shares.len() as u32), Some(extent));
            let mut sums = vec![0.0_f32; extent as usize];
            for (i, Span { start, shares }) in spans.iter().enumerate() {
                assert_eq!(shares.len() as u32, tile.min(extent));
                (*start..).zip(shares).for_each(|(at, share)| sums[at as usize] += share);
                // Where two meet, neither begins all at once.
                assert!(i == 0 || overlap < 3 || shares[0] < 0.5, "{extent} {tile} {overlap}: {}", shares[0]);
                assert!(i == 0 || spans[i - 1].start + tile >= start + overlap);
            }
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{extent} {tile} {overlap}: {sums:?}");
        }
    }

    #[test]
    fn what_is_cut_up_and_blended_is_what_it_was() {
        let units: Vec<f32> = (0..37 * 23 * 3).map(|i| (i * 7 % 256) as f32 / 255.0).collect();
        let photo = Frame::from_rgb32f(37, 23, units.clone()).unwrap();
        let mode = Mode::Tiled { tile: 16, overlap: 5 };
        let tiles = Tiles::of(mode, [37, 23]).unwrap().unwrap();
        let mut sums = vec![0.0; units.len()];
        for tile in tiles.each() {
            add(&mut sums, 37 * 3, &tiles.cut(&photo, tile).unwrap(), tile).unwrap();
        }
        assert!(sums.iter().zip(&units).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    /// Tiles of different shades: from pixel to pixel no step is larger than a ramp's.
    #[test]
    fn there_are_no_seams() {
        let (width, height, overlap) = (75, 53, 8);
        let tiles = Tiles::of(Mode::Tiled { tile: 32, overlap }, [width, height]).unwrap().unwrap();
        let mut sums = vec![0.0; (width * height * 3) as usize];
        for (i, tile) in tiles.each().enumerate() {
            // Those beside and below one differ from it by 1.
            let shade = (i / tiles.columns.len() + i % tiles.columns.len()) as f32;
            let flat = Frame::from_rgb32f(32, 32, vec![shade; 32 * 32 * 3]).unwrap();
            add(&mut sums, width as usize * 3, &flat, tile).unwrap();
        }
        let at = |x: u32, y: u32| sums[3 * (y * width + x) as usize];
        let across = (0..height).flat_map(|y| (1..width).map(move |x| [(x - 1, y), (x, y)]));
        let down = (1..height).flat_map(|y| (0..width).map(move |x| [(x, y - 1), (x, y)]));
        let steps = across.chain(down).map(|[a, b]| (at(a.0, a.1) - at(b.0, b.1)).abs());
        let largest = steps.fold(0.0, f32::max);
        assert!(largest > 0.0 && largest <= 1.01 / overlap as f32, "{largest}");
    }

    #[test]
    fn tiles_that_cannot_be() {
        assert!(Tiles::of(Mode::Tiled { tile: 16, overlap: 16 }, [8, 8]).is_err());
        assert!(Tiles::of(Mode::Tiled { tile: 0, overlap: 0 }, [8, 8]).is_err());
        assert!(Tiles::of(Mode::Tiled { tile: 16, overlap: 4 }, [16, 16]).unwrap().is_none());
        assert!(Tiles::of(Mode::Global, [99, 99]).unwrap().is_none());
    }

    #[test]
    fn one_side_that_is_longer_than_a_tile_takes_several() {
        for (size, counts) in [([40, 8], [3, 1]), ([8, 40], [1, 3])] {
            let tiles = Tiles::of(Mode::Tiled { tile: 16, overlap: 4 }, size).unwrap().expect("several");
            assert_eq!([tiles.columns.len(), tiles.rows.len()], counts);
            assert_eq!(tiles.side, size.map(|side| side.min(16)));
        }
    }
}
