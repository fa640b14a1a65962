//! Frames as the network takes them, as packed words or as planes of floats, and back.

use super::frame::Frame;
use super::samples::{Arithmetic, Samples, map_samples, with_samples};
use crate::error::{Error, Result};

impl Frame {
    fn pixels(&self) -> usize {
        self.width() as usize * self.height() as usize
    }

    /// The colour as one word a pixel, `R | G << 8 | B << 16 | 255 << 24`, row by row.
    ///
    /// # Errors
    /// [`Error::FrameShape`] for a deeper frame (see [`Frame::to_planar`]).
    pub fn to_words(&self) -> Result<Vec<u32>> {
        let Samples::U8(rgb) = self.samples() else {
            return Err(words_are_8_bit());
        };
        Ok(rgb.as_chunks().0.iter().map(|&[r, g, b]| u32::from_le_bytes([r, g, b, 255])).collect())
    }

    /// The frame whose colour is these words, one a pixel; the inverse of [`Frame::to_words`]. The top byte of a word
    /// is not looked at.
    ///
    /// # Errors
    /// [`Error::FrameShape`] for a deeper frame, or where there are not as many words as pixels.
    pub fn with_words(&self, words: &[u32]) -> Result<Frame> {
        let Samples::U8(_) = self.samples() else {
            return Err(words_are_8_bit());
        };
        let rgb = words.iter().flat_map(|word| {
            let [r, g, b, _] = word.to_le_bytes();
            [r, g, b]
        });
        self.with_samples(Samples::U8(rgb.collect()))
    }

    /// The colour as three planes (R, G, B) of `height * width` values in [0, 1]: the sample over 255 or over 65535, or
    /// the float, clamped.
    #[must_use]
    pub fn to_planar(&self) -> Vec<f32> {
        let mut data = vec![0.0; 3 * self.pixels()];
        for (channel, plane) in data.chunks_exact_mut(self.pixels()).enumerate() {
            with_samples!(self.samples(), rgb => fill_plane(rgb, channel, plane));
        }
        data
    }

    /// The frame whose colour is these planes; the inverse of [`Frame::to_planar`]. Values are clamped to [0, 1],
    /// scaled to the frame's own depth and rounded to the nearest, ties to even; NaN becomes 0.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where `planes` is not three planes of as many values as the frame has pixels.
    pub fn with_planar(&self, planes: &[f32]) -> Result<Frame> {
        if planes.len() != 3 * self.pixels() {
            let (width, height) = (self.width(), self.height());
            return Err(shape(format!("{} values are not three planes of {width} x {height}", planes.len())));
        }
        self.with_samples(map_samples!(self.samples(), _old => interleaved(planes)))
    }
}

fn fill_plane<T: Arithmetic>(rgb: &[T], channel: usize, plane: &mut [f32]) {
    for (pixel, value) in rgb.as_chunks::<3>().0.iter().zip(plane) {
        *value = f32::from_unit(pixel[channel].to_unit());
    }
}

fn interleaved<T: Arithmetic>(planes: &[f32]) -> Vec<T> {
    let (red, rest) = planes.split_at(planes.len() / 3);
    let (green, blue) = rest.split_at(red.len());
    let pixels = red.iter().zip(green).zip(blue);
    let mut rgb = Vec::with_capacity(planes.len());
    pixels.for_each(|((&r, &g), &b)| rgb.extend([r, g, b].map(T::from_unit)));
    rgb
}

fn words_are_8_bit() -> Error {
    shape("a frame of more than 8 bits does not fit in words of 8-bit channels".to_owned())
}

fn shape(reason: String) -> Error {
    Error::FrameShape { reason }
}
