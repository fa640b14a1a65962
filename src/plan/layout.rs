//! The one layout of every tensor: `[height][width][quads]` of four channels, channels past the last zero. A band
//! of rows is contiguous, so a window of rows is one binding.

use crate::graph::{Role, TensorDesc};

/// How activations and weights are stored. Arithmetic is f32 in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats.
    F16,
    /// 32-bit floats, and convolutions by direct sums alone: no Winograd.
    Exact,
}

/// Sizes of a tensor as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Groups of four channels (words: 1).
    pub quads: u32,
    /// Bytes of one group of four channels of one pixel.
    pub element_bytes: u64,
    /// Bytes of one row.
    pub row_bytes: u64,
    /// Rows.
    pub rows: u32,
}

impl Precision {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Exact];

    /// The one of a [name](Self::name), if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
    }

    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Exact => "exact",
        }
    }
}

impl Layout {
    /// The layout of a tensor.
    #[must_use]
    pub fn of(desc: &TensorDesc, precision: Precision) -> Self {
        let (quads, element_bytes) = match (desc.role, precision) {
            (Role::Words, _) => (1, 4),
            (Role::Feature, Precision::F16) => (desc.channels.div_ceil(4), 8),
            _ => (desc.channels.div_ceil(4), 16),
        };
        let row_bytes = u64::from(desc.width) * u64::from(quads) * element_bytes;
        Self { quads, element_bytes, row_bytes, rows: desc.height }
    }

    /// Bytes of the whole tensor.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.row_bytes * u64::from(self.rows)
    }
}
