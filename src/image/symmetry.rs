//! The eight ways in which a picture can lie on its grid: turned by quarters, and mirrored.

use super::frame::Frame;
use super::samples::map_samples;
use crate::error::Result;

/// One of them, told by where a pixel of the turned picture comes from: its column and row change places if
/// `transposed`, and are then counted from the other side of the picture as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symmetry {
    pub(super) transposed: bool,
    pub(super) from_right: bool,
    pub(super) from_bottom: bool,
}

impl Symmetry {
    /// All of them. The first leaves the picture as it is, and the first four its sides.
    pub(crate) const ALL: [Self; 8] = {
        let mut all = [Self::new(false, false, false); 8];
        let mut at = 0;
        while at < 8 {
            all[at] = Self::new(at & 4 != 0, at & 2 != 0, at & 1 != 0);
            at += 1;
        }
        all
    };

    pub(super) const fn new(transposed: bool, from_right: bool, from_bottom: bool) -> Self {
        Self { transposed, from_right, from_bottom }
    }

    /// The way back.
    pub(crate) fn inverse(self) -> Self {
        let Self { transposed, from_right, from_bottom } = self;
        if transposed { Self::new(true, from_bottom, from_right) } else { self }
    }

    /// Width and height of the turned picture.
    pub(super) fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.transposed { (height, width) } else { (width, height) }
    }

    /// Turns a picture of this size: samples row by row, the one to four channels of a pixel side by side.
    pub(super) fn turn<T: Copy>(self, samples: &[T], channels: usize, size: (u32, u32)) -> Vec<T> {
        match channels {
            1 => self.turn_pixels::<T, 1>(samples, size),
            2 => self.turn_pixels::<T, 2>(samples, size),
            3 => self.turn_pixels::<T, 3>(samples, size),
            _ => self.turn_pixels::<T, 4>(samples, size),
        }
    }

    /// Where the number of channels is known when it is compiled, a pixel is moved at once.
    fn turn_pixels<T: Copy, const CHANNELS: usize>(self, samples: &[T], size: (u32, u32)) -> Vec<T> {
        let (pixels, (width, height)) =
            (samples.as_chunks::<CHANNELS>().0, (size.0 as usize, size.1 as usize));
        let row = |y: usize| if self.from_bottom { height - 1 - y } else { y };
        let column = |x: usize| if self.from_right { width - 1 - x } else { x };
        let rows = (0..height).map(|y| &pixels[row(y) * width..][..width]);
        let turned: Vec<[T; CHANNELS]> = match (self.transposed, self.from_right) {
            (true, _) => {
                let mut turned = pixels.to_vec();
                in_blocks(height, width, |x, y| turned[y * height + x] = pixels[row(x) * width + column(y)]);
                turned
            }
            (false, true) => rows.flat_map(|row| row.iter().rev().copied()).collect(),
            (false, false) => rows.flatten().copied().collect(),
        };
        turned.into_flattened()
    }
}

/// Goes through a picture by squares whose rows and columns both stay in the cache.
fn in_blocks(width: usize, height: usize, mut visit: impl FnMut(usize, usize)) {
    const SIDE: usize = 32;
    for top in (0..height).step_by(SIDE) {
        for left in (0..width).step_by(SIDE) {
            for y in top..height.min(top + SIDE) {
                (left..width.min(left + SIDE)).for_each(|x| visit(x, y));
            }
        }
    }
}

impl Frame {
    /// The colours of the frame, turned.
    pub(crate) fn turned(&self, symmetry: Symmetry) -> Result<Frame> {
        let size = (self.width(), self.height());
        let samples = map_samples!(self.samples(), v => symmetry.turn(v, 3, size));
        let (width, height) = symmetry.size(size);
        Frame::new(width, height, samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over several blocks, with as many channels as files have.
    #[test]
    fn every_pixel_comes_from_its_place() {
        let (width, height) = (67, 35);
        for (channels, symmetry) in
            (1..=4).flat_map(|channels| Symmetry::ALL.map(|symmetry| (channels, symmetry)))
        {
            let samples: Vec<u16> = (0..width * height * channels as u32).map(|i| i as u16).collect();
            let turned = symmetry.turn(&samples, channels, (width, height));
            let (columns, rows) = symmetry.size((width, height));
            for (at, pixel) in turned.chunks_exact(channels).enumerate() {
                let (x, y) = (at as u32 % columns, at as u32 / columns);
                let (column, row) = if symmetry.transposed { (y, x) } else { (x, y) };
                let column = if symmetry.from_right { width - 1 - column } else { column };
                let row = if symmetry.from_bottom { height - 1 - row } else { row };
                let from = ((row * width + column) as usize) * channels;
                assert_eq!(
                    pixel,
                    &samples[from..from + channels],
                    "{channels} channels, {symmetry:?}, {x},{y}"
                );
            }
            assert_eq!(turned.len() as u32, columns * rows * channels as u32);
        }
    }

    #[test]
    fn there_are_eight_and_each_has_its_way_back() {
        let photo = Frame::from_rgb8(3, 2, (0..18).collect()).unwrap();
        let views = Symmetry::ALL.map(|symmetry| photo.turned(symmetry).unwrap());
        assert_eq!(views[0], photo);
        for (at, (view, symmetry)) in views.iter().zip(Symmetry::ALL).enumerate() {
            assert_eq!((view.width(), view.height()), if at < 4 { (3, 2) } else { (2, 3) });
            assert!(views[..at].iter().all(|other| other != view), "{symmetry:?}");
            assert_eq!(view.turned(symmetry.inverse()).unwrap(), photo, "{symmetry:?}");
        }
    }
}
