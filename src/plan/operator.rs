//! What plans are made of.

use std::ops::Range;

use super::{Domain, Reach};
use crate::graph::TensorId;

/// An operator, as far as a plan has to know it.
#[derive(Clone, Debug)]
pub struct Operator {
    /// What it iterates over.
    pub domain: Domain,
    /// What it binds, the rows of it that a window touches, and whether they are written.
    pub tensors: Vec<(TensorId, Reach, bool)>,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
    /// Its work, in whatever unit all operators share.
    pub work: u64,
    /// Stages that sweep each strip in turn.
    pub stages: usize,
    /// Rows of cells and columns of a strip.
    pub strip: [u32; 2],
}

impl Operator {
    /// Dispatches of some of its rows of cells, where nothing but strips cuts them.
    pub(super) fn dispatches(&self, cell_rows: &Range<u32>) -> u64 {
        let [rows, columns] = self.strip.map(|side| side.max(1));
        let strips =
            [(cell_rows.end - cell_rows.start).div_ceil(rows), self.domain.columns().div_ceil(columns)];
        strips.into_iter().map(u64::from).product::<u64>() * self.stages as u64
    }
}
