//! Tensors between host and device: planar values here, rows of quads there.

use std::ops::Range;

use super::weights::to_f16;
use crate::graph::{Role, TensorDesc};
use crate::plan::Layout;

/// Pixels that are transposed together: four cache lines of each plane. With one, there are too many streams at a time
/// for caches and page tables, and it takes nearly twice as long.
const RUN: usize = 64;

/// Values of a tensor on the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 8-bit pixels in words, `[height][width]`.
    Words(Vec<u32>),
    /// Floats, `[channels][height][width]`.
    Planar(Vec<f32>),
}

impl Values {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Planar(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Floats divided by two `times` over (multiplied where that is negative), which is exact.
    pub(crate) fn halved(mut self, times: i32) -> Self {
        if let (Self::Planar(values), true) = (&mut self, times != 0) {
            let factor = f64::from(-times).exp2();
            values.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
        }
        self
    }

    /// Whether these can be the values of a tensor.
    pub(super) fn fit(&self, desc: &TensorDesc) -> bool {
        (desc.role == Role::Words) == matches!(self, Self::Words(_)) && self.len() as u64 == desc.elements()
    }

    /// Hands the bytes of some rows, as stored, to `write`, run by run, each with its offset.
    pub(super) fn encode(
        &self,
        desc: &TensorDesc,
        layout: &Layout,
        rows: &Range<u32>,
        mut write: impl FnMut(usize, &[u8]),
    ) {
        let [start, end] = [rows.start, rows.end].map(|row| row as usize * desc.width as usize);
        let values = match self {
            Self::Words(words) => return write(0, bytemuck::cast_slice(&words[start..end])),
            Self::Planar(values) => values,
        };
        let planes: Vec<&[f32]> = values.chunks_exact(desc.pixels() as usize).collect();
        let padded = layout.quads as usize * 4;
        let mut run = vec![0.0_f32; padded * RUN];
        for first in (start..end).step_by(RUN) {
            let count = RUN.min(end - first);
            let run = &mut run[..count * padded];
            for (quad, planes) in planes.chunks(4).enumerate() {
                interleave(planes, first, run.chunks_exact_mut(padded).map(|pixel| &mut pixel[4 * quad..]));
            }
            let at = (first - start) * layout.quads as usize * layout.element_bytes as usize;
            if layout.element_bytes == 16 {
                write(at, bytemuck::cast_slice(run));
            } else {
                write(at, &to_f16(run));
            }
        }
    }

    /// Room for a tensor's values.
    pub(super) fn zeros(desc: &TensorDesc) -> Self {
        let count = desc.elements() as usize;
        match desc.role {
            Role::Words => Self::Words(vec![0; count]),
            _ => Self::Planar(vec![0.0; count]),
        }
    }

    /// Takes the stored bytes of some rows.
    pub(super) fn decode(&mut self, desc: &TensorDesc, layout: &Layout, rows: &Range<u32>, bytes: &[u8]) {
        let first = rows.start as usize * desc.width as usize;
        let values = match self {
            Self::Words(words) => {
                let taken = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                words[first..].iter_mut().zip(taken).for_each(|(word, value)| *word = value);
                return;
            }
            Self::Planar(values) => values,
        };
        let mut planes: Vec<&mut [f32]> = values.chunks_exact_mut(desc.pixels() as usize).collect();
        let (quads, quad_bytes) = (layout.quads as usize, layout.element_bytes as usize);
        for (run, block) in bytes.chunks(quads * quad_bytes * RUN).enumerate() {
            for (quad, planes) in planes.chunks_mut(4).enumerate() {
                let stored = block.chunks_exact(quads * quad_bytes).map(|pixel| &pixel[quad * quad_bytes..]);
                let at = first + run * RUN;
                if quad_bytes == 16 {
                    scatter(planes, at, stored.map(|bytes| bytemuck::pod_read_unaligned(&bytes[..16])));
                } else {
                    let halves =
                        stored.map(|b| [0, 2, 4, 6].map(|i| half::f16::from_le_bytes([b[i], b[i + 1]])));
                    scatter(planes, at, halves.map(|quad| quad.map(half::f16::to_f32)));
                }
            }
        }
    }
}

/// Puts neighbouring pixels of up to four planes side by side.
fn interleave<'a>(planes: &[&[f32]], first: usize, quads: impl Iterator<Item = &'a mut [f32]>) {
    if let [a, b, c, d] = planes {
        let [a, b, c, d] = [a, b, c, d].map(|plane| &plane[first..]);
        for ((((quad, a), b), c), d) in quads.zip(a).zip(b).zip(c).zip(d) {
            quad[..4].copy_from_slice(&[*a, *b, *c, *d]);
        }
    } else {
        for (i, quad) in quads.enumerate() {
            quad.iter_mut().zip(planes).for_each(|(value, plane)| *value = plane[first + i]);
        }
    }
}

/// The reverse.
fn scatter(planes: &mut [&mut [f32]], first: usize, quads: impl Iterator<Item = [f32; 4]>) {
    if let [a, b, c, d] = planes {
        let [a, b, c, d] = [a, b, c, d].map(|plane| plane[first..].iter_mut());
        for ((((quad, a), b), c), d) in quads.zip(a).zip(b).zip(c).zip(d) {
            [*a, *b, *c, *d] = quad;
        }
    } else {
        for (i, quad) in quads.enumerate() {
            planes.iter_mut().zip(quad).for_each(|(plane, value)| plane[first + i] = value);
        }
    }
}
