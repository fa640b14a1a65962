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

    /// Turns a picture of this size: samples row by row, the channels of a pixel side by side.
    pub(super) fn turn<T: Copy>(self, samples: &[T], channels: usize, size: (u32, u32)) -> Vec<T> {
        let (columns, rows) = self.size(size);
        let (right, bottom) = (size.0 - 1, size.1 - 1);
        let mut turned = Vec::with_capacity(samples.len());
        for y in 0..rows {
            for x in 0..columns {
                let (column, row) = if self.transposed { (y, x) } else { (x, y) };
                let column = if self.from_right { right - column } else { column };
                let row = if self.from_bottom { bottom - row } else { row };
                let at = (row as usize * size.0 as usize + column as usize) * channels;
                turned.extend_from_slice(&samples[at..at + channels]);
            }
        }
        turned
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
