//! The picture, put together from the strips or tiles.

use std::borrow::Cow;

use half::f16;

use super::chunks::Chunk;
use super::color::Color;
use super::decompress::unpack;
use super::directory::Order;
use super::jpeg;
use super::layout::{Compression, Layout};
use super::predictor::{Predictor, undo};
use crate::image::samples::Arithmetic;

/// A picture and how much of it was decoded.
pub(super) struct Picture<T> {
    /// Rows from the top to the last one of which something was decoded: what a header claims is worth no memory.
    pub samples: Vec<T>,
    /// Samples that were decoded, of those that are taken from the file.
    pub decoded: u64,
}

impl<T: Stored> Picture<T> {
    /// Makes the picture so many rows high at least, where nothing is decoded yet: grey all over, and opaque.
    pub(super) fn extend_to(&mut self, layout: &Layout, rows: usize) {
        let kept = layout.channels.kept();
        let row = layout.width as usize * kept;
        let (there, wanted) = (self.samples.len(), rows * row);
        if wanted <= there {
            return;
        }
        // The whole at once: growing by and by would copy it, and have it twice for a moment.
        self.samples.reserve_exact(layout.height as usize * row - there);
        self.samples.resize(wanted, T::MIDDLE);
        if layout.channels.alpha.is_some() {
            self.samples[there..].iter_mut().skip(kept - 1).step_by(kept).for_each(|alpha| *alpha = T::ONE);
        }
    }
}

/// A sample as it is taken out of a row of bytes.
pub(super) trait Stored: Arithmetic {
    /// What stands where nothing can be decoded.
    const MIDDLE: Self;

    /// Appends the samples of a row. Those of fewer than 8 bits are spread over the range of 8 where `spread` is set.
    fn append(row: &[u8], bits: usize, spread: bool, out: &mut Vec<Self>);

    /// The value as far from white as this one is from black.
    fn inverted(self) -> Self;

    /// The colour in a palette that has one for each index. Deeper samples are no indices.
    fn looked_up(self, _palette: &[[u8; 3]]) -> [Self; 3] {
        [self; 3]
    }
}

impl Stored for u8 {
    const MIDDLE: u8 = 128;

    fn append(row: &[u8], bits: usize, spread: bool, out: &mut Vec<u8>) {
        if bits == 8 {
            out.extend_from_slice(row);
            return;
        }
        let largest = (1u8 << bits) - 1;
        let factor = if spread { 255 / largest } else { 1 };
        let samples = |byte: u8| (1..=8 / bits).map(move |i| (byte >> (8 - i * bits) & largest) * factor);
        out.extend(row.iter().flat_map(|&byte| samples(byte)));
    }

    fn inverted(self) -> u8 {
        !self
    }

    fn looked_up(self, palette: &[[u8; 3]]) -> [u8; 3] {
        palette[usize::from(self)]
    }
}

impl Stored for u16 {
    const MIDDLE: u16 = 1 << 15;

    fn append(row: &[u8], _bits: usize, _spread: bool, out: &mut Vec<u16>) {
        out.extend(row.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes)));
    }

    fn inverted(self) -> u16 {
        !self
    }
}

impl Stored for f32 {
    const MIDDLE: f32 = 0.5;

    fn append(row: &[u8], bits: usize, _spread: bool, out: &mut Vec<f32>) {
        if bits == 16 {
            out.extend(row.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()));
        } else {
            out.extend(row.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
        }
    }

    fn inverted(self) -> f32 {
        1.0 - self
    }
}

/// Decodes all that there is; of a picture that is not to be had in part, only how much that is.
pub(super) fn assemble<T: Stored>(layout: &Layout, file: &[u8], in_part: bool) -> Picture<T> {
    let taken = layout.channels.taken();
    let mut picture = Picture { samples: Vec::new(), decoded: 0 };
    let mut row = Vec::new();
    let mut counted_only = false;
    for chunk in layout.grid.chunks() {
        let targets: Vec<(usize, usize)> = match chunk.plane {
            None => taken.iter().copied().enumerate().collect(),
            Some(plane) => taken.iter().position(|&at| at == plane).map(|to| (to, 0)).into_iter().collect(),
        };
        if targets.is_empty() {
            continue;
        }
        let (bytes, row_bytes) = content(layout, &chunk, layout.packed(&chunk, file));
        let rows = (bytes.len() / row_bytes).min(chunk.rows);
        picture.decoded += (rows * chunk.columns * targets.len()) as u64;
        if rows < chunk.rows && !in_part {
            picture.samples = Vec::new();
            counted_only = true;
        }
        if counted_only || rows == 0 {
            continue;
        }
        picture.extend_to(layout, chunk.top + rows);
        for (i, stored) in bytes.chunks_exact(row_bytes).take(rows).enumerate() {
            row.clear();
            let spread = !matches!(layout.channels.color, Color::Palette(_));
            T::append(stored, layout.bits, spread, &mut row);
            place(layout, &chunk, chunk.top + i, &row, &targets, &mut picture.samples);
        }
    }
    picture
}

/// The rows of a strip or tile as far as they can be decoded, numbers little-endian, and the bytes of a row.
fn content<'a>(layout: &Layout, chunk: &Chunk, packed: &'a [u8]) -> (Cow<'a, [u8]>, usize) {
    let packing = match &layout.compression {
        Compression::Packed(packing) => *packing,
        Compression::Jpeg(tables) => {
            let color = &layout.channels.color;
            let size = (chunk.width, chunk.height);
            let pixels = jpeg::decode(packed, tables, color, layout.grid.samples, size);
            let pixels = pixels.filter(|pixels| pixels.row_bytes >= chunk.columns * layout.grid.samples);
            return pixels
                .map_or((Cow::Borrowed(&[]), 1), |pixels| (Cow::Owned(pixels.bytes), pixels.row_bytes));
        }
    };
    let mut bytes = if layout.reversed {
        let reversed: Vec<u8> = packed.iter().map(|byte| byte.reverse_bits()).collect();
        Cow::Owned(unpack(packing, &reversed, chunk.width, chunk.bytes()).into_owned())
    } else {
        unpack(packing, packed, chunk.width, chunk.bytes())
    };
    let size = layout.bytes_per_sample();
    // The bytes of floats that were taken apart have an order of their own.
    if size > 1 && layout.order == Order::Big && layout.predictor != Predictor::FloatingPoint {
        bytes.to_mut().chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    if layout.predictor != Predictor::None {
        for row in bytes.to_mut().chunks_exact_mut(chunk.row_bytes) {
            undo(layout.predictor, row, size, layout.grid.samples);
        }
    }
    (bytes, chunk.row_bytes)
}

/// Puts a row of a strip or tile into the picture: of its pixels, the samples that are targets, each as which channel
/// of the picture and from where.
fn place<T: Stored>(
    layout: &Layout,
    chunk: &Chunk,
    y: usize,
    row: &[T],
    targets: &[(usize, usize)],
    picture: &mut [T],
) {
    let kept = layout.channels.kept();
    let start = (y * layout.width as usize + chunk.left) * kept;
    let out = &mut picture[start..start + chunk.columns * kept];
    let stored = layout.grid.samples;
    if let Color::Palette(colors) = &layout.channels.color {
        for (pixel, index) in out.as_chunks_mut::<3>().0.iter_mut().zip(row.iter().step_by(stored)) {
            *pixel = index.looked_up(colors);
        }
        return;
    }
    if stored == kept && targets.len() == kept {
        out.copy_from_slice(&row[..out.len()]);
    } else {
        for &(to, from) in targets {
            let column = row.iter().skip(from).step_by(stored);
            out.iter_mut().skip(to).step_by(kept).zip(column).for_each(|(out, &sample)| *out = sample);
        }
    }
    let white_is_zero = matches!(layout.channels.color, Color::Grey { white_is_zero: true });
    if white_is_zero && targets.iter().any(|&(to, _)| to == 0) {
        out.iter_mut().step_by(kept).for_each(|sample| *sample = sample.inverted());
    }
}
