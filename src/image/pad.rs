//! Frames as the network takes them: padded to a multiple of its coarsest grid, as packed words or
//! as planes of floats, and back.

use super::frame::Frame;
use super::samples::{Sample, Samples, map_samples, with_samples};
use crate::error::{Error, Result};

/// Pixels padded on the right and at the bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded<T> {
    /// Padded width in pixels.
    pub width: u32,
    /// Padded height in pixels.
    pub height: u32,
    /// The pixels: one word each, row by row, or three planes of them.
    pub data: Vec<T>,
}

/// The smallest multiple of `multiple` that is at least `side`; `None` where `multiple` is zero or
/// the result does not fit.
#[must_use]
pub fn padded_side(side: u32, multiple: u32) -> Option<u32> {
    side.checked_next_multiple_of(multiple)
}

/// The pixel of a row (or column) of `side` pixels that stands at place `i` of the padded one.
///
/// Reflection without repeating the edge, with period `2 * (side - 1)`, as numpy's
/// `pad(mode="reflect")` does it: a pad longer than the side goes back and forth. A side of one
/// pixel repeats that pixel.
#[must_use]
pub fn reflect_index(i: usize, side: usize) -> usize {
    if side <= 1 {
        return 0;
    }
    let period = 2 * (side - 1);
    let phase = i % period;
    phase.min(period - phase)
}

impl Frame {
    /// Width and height padded to `multiple`.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where `multiple` is zero or a padded side does not fit in 32 bits.
    pub fn padded_size(&self, multiple: u32) -> Result<(u32, u32)> {
        padded_side(self.width(), multiple).zip(padded_side(self.height(), multiple)).ok_or_else(|| {
            shape(format!(
                "{} x {} pixels cannot be padded to a multiple of {multiple}",
                self.width(),
                self.height()
            ))
        })
    }

    /// The padded image as one word a pixel, `R | G << 8 | B << 16 | 255 << 24`, row by row.
    ///
    /// # Errors
    /// [`Error::FrameShape`] for a deeper frame (see [`Frame::to_planar`]) and as in
    /// [`Frame::padded_size`].
    pub fn to_words(&self, multiple: u32) -> Result<Padded<u32>> {
        let Samples::U8(rgb) = self.samples() else {
            return Err(words_are_8_bit());
        };
        let (width, height) = self.padded_size(multiple)?;
        let mut data = vec![0; pixel_count(width, height, 1)?];
        let rows = rgb.chunks_exact(self.width() as usize * 3);
        for (row, out) in rows.zip(data.chunks_exact_mut(width as usize)) {
            for (&[r, g, b], word) in row.as_chunks().0.iter().zip(out) {
                *word = u32::from_le_bytes([r, g, b, 255]);
            }
        }
        self.fill_padding(&mut data, width);
        Ok(Padded { width, height, data })
    }

    /// The frame whose colour is the top left corner of this padded image; the inverse of
    /// [`Frame::to_words`]. The top byte of a word is not looked at.
    ///
    /// # Errors
    /// [`Error::FrameShape`] for a deeper frame, or where `words` is not whole rows of
    /// `padded_width` that cover the frame.
    pub fn with_words(&self, words: &[u32], padded_width: u32) -> Result<Frame> {
        let Samples::U8(_) = self.samples() else {
            return Err(words_are_8_bit());
        };
        let (width, height) = (self.width() as usize, self.height() as usize);
        let stride = padded_width as usize;
        let whole_rows = words.len().is_multiple_of(stride);
        if stride < width || !whole_rows || words.len() / stride < height {
            return Err(shape(format!(
                "{} words in rows of {padded_width} do not cover {width} x {height} pixels",
                words.len()
            )));
        }
        let mut rgb = Vec::with_capacity(self.samples().len());
        for row in words.chunks_exact(stride).take(height) {
            for word in &row[..width] {
                let [r, g, b, _] = word.to_le_bytes();
                rgb.extend_from_slice(&[r, g, b]);
            }
        }
        self.with_samples(Samples::U8(rgb))
    }

    /// The padded image as three planes (R, G, B) of `height * width` values in [0, 1]: the sample
    /// over 255 or over 65535, or the float, clamped.
    ///
    /// # Errors
    /// As in [`Frame::padded_size`].
    pub fn to_planar(&self, multiple: u32) -> Result<Padded<f32>> {
        let (width, height) = self.padded_size(multiple)?;
        let mut data = vec![0.0; pixel_count(width, height, 3)?];
        let plane_len = data.len() / 3;
        for (channel, plane) in data.chunks_exact_mut(plane_len).enumerate() {
            with_samples!(self.samples(), rgb => self.fill_plane(rgb, channel, plane, width));
            self.fill_padding(plane, width);
        }
        Ok(Padded { width, height, data })
    }

    /// The frame whose colour is the top left corner of these planes; the inverse of
    /// [`Frame::to_planar`]. Values are clamped to [0, 1], scaled to the frame's own depth and
    /// rounded to the nearest, ties to even; NaN becomes 0.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where `planes` is not `3 * padded_height * padded_width` values that
    /// cover the frame.
    pub fn with_planar(&self, planes: &[f32], padded_width: u32, padded_height: u32) -> Result<Frame> {
        let wanted = pixel_count(padded_width, padded_height, 3)?;
        if planes.len() != wanted || padded_width < self.width() || padded_height < self.height() {
            return Err(shape(format!(
                "{} values in planes of {padded_width} x {padded_height} do not cover {} x {}",
                planes.len(),
                self.width(),
                self.height()
            )));
        }
        self.with_samples(map_samples!(self.samples(), _old => self.crop(planes, padded_width)))
    }

    fn fill_plane<T: Sample>(&self, rgb: &[T], channel: usize, plane: &mut [f32], stride: u32) {
        let rows = rgb.chunks_exact(self.width() as usize * 3);
        for (row, out) in rows.zip(plane.chunks_exact_mut(stride as usize)) {
            for (pixel, value) in row.as_chunks::<3>().0.iter().zip(out) {
                *value = f32::from_unit(pixel[channel].to_unit());
            }
        }
    }

    fn crop<T: Sample>(&self, planes: &[f32], stride: u32) -> Vec<T> {
        let (red, rest) = planes.split_at(planes.len() / 3);
        let (green, blue) = rest.split_at(rest.len() / 2);
        let mut rgb = Vec::with_capacity(self.samples().len());
        for y in 0..self.height() as usize {
            let start = y * stride as usize;
            for i in start..start + self.width() as usize {
                rgb.extend([red[i], green[i], blue[i]].map(T::from_unit));
            }
        }
        rgb
    }

    /// Reflects the image in the top left corner of `plane` to the right and then down.
    fn fill_padding<T: Copy>(&self, plane: &mut [T], stride: u32) {
        let (width, height) = (self.width() as usize, self.height() as usize);
        let stride = stride as usize;
        for row in plane.chunks_exact_mut(stride).take(height) {
            for x in width..stride {
                row[x] = row[reflect_index(x, width)];
            }
        }
        for y in height..plane.len() / stride {
            let from = reflect_index(y, height) * stride;
            plane.copy_within(from..from + stride, y * stride);
        }
    }
}

fn pixel_count(width: u32, height: u32, channels: usize) -> Result<usize> {
    (width as usize)
        .checked_mul(height as usize)
        .and_then(|n| n.checked_mul(channels))
        .ok_or_else(|| shape(format!("{width} x {height} pixels do not fit in memory")))
}

fn words_are_8_bit() -> Error {
    shape("a frame of more than 8 bits does not fit in words of 8-bit channels".to_owned())
}

fn shape(reason: String) -> Error {
    Error::FrameShape { reason }
}
