//! Cutting an operator into windows of rows, so that what a dispatch binds and how long it runs stay within
//! bounds. A window is a run of rows of pooling cells: nothing that is summed is ever cut. What has no cells is cut
//! by single rows, which are called rows of cells all the same.

use std::ops::Range;

use super::{Fragment, Layout};
use crate::graph::{MEANS_PER_RUN, TensorDesc, nearest_window, reflected};

/// What an operator iterates over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Rows of pooling cells of a tensor: up to 8 rows each, which no patch border crosses.
    Cells(TensorDesc),
    /// Single rows of a tensor.
    Rows(TensorDesc),
    /// One indivisible piece.
    Once,
}

impl Domain {
    /// Rows of cells in all.
    #[must_use]
    pub fn cell_rows(&self) -> u32 {
        match self {
            Self::Cells(desc) => desc.cell_rows() * desc.patches.rows,
            Self::Rows(desc) => desc.height,
            Self::Once => 1,
        }
    }

    /// Columns of cells over all patches; 1 where there are none.
    #[must_use]
    pub fn columns(&self) -> u32 {
        match self {
            Self::Cells(desc) => desc.cell_cols() * desc.patches.cols,
            _ => 1,
        }
    }

    /// The rows of pixels of a run of rows of cells.
    #[must_use]
    pub fn rows(&self, cell_rows: &Range<u32>) -> Range<u32> {
        match self {
            Self::Cells(desc) => {
                let start = |cell_row: u32| {
                    let (patch, cell) = (cell_row / desc.cell_rows(), cell_row % desc.cell_rows());
                    patch * desc.patch_height() + cell * crate::graph::CELL
                };
                start(cell_rows.start)..start(cell_rows.end)
            }
            _ => cell_rows.clone(),
        }
    }

    /// The row of cells that holds a row.
    #[must_use]
    pub fn cell_row_of(&self, row: u32) -> u32 {
        match self {
            Self::Cells(desc) => {
                let (patch, inner) = (row / desc.patch_height(), row % desc.patch_height());
                patch * desc.cell_rows() + inner / crate::graph::CELL
            }
            Self::Rows(_) => row,
            Self::Once => 0,
        }
    }
}

/// Which rows of a bound tensor a window of rows touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// The same rows.
    Same,
    /// One more on each side: a 3x3 kernel.
    Around,
    /// Rows of a tensor `n` times as high.
    Times(u32),
    /// Rows of a tensor of a `n`-th of the height.
    Over(u32),
    /// Rows of a tensor of half the height, with the neighbours that bilinear taps reach.
    HalfAround,
    /// The same rows, and of those past the last the rows that they reflect.
    Reflected,
    /// The windows of rows that slide over a patch, from the first of the run of [`MEANS_PER_RUN`] on.
    Sliding {
        /// Windows of a patch.
        means: u32,
        /// Rows of a window.
        window: u32,
    },
    /// Of a patch's windows those nearest to the rows.
    Nearest {
        /// Rows of a patch.
        side: u32,
        /// Windows of a patch.
        windows: u32,
    },
    /// Rows of cells, each a row of the tensor: pooled sums.
    CellRows,
    /// All of it.
    Whole,
}

/// A run of rows of cells and its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// CellRows.
    pub cell_rows: Range<u32>,
    /// Rows of the domain.
    pub rows: Range<u32>,
}

/// A window, and the columns of cells of it that one sweep of an operator's stages takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The window.
    pub window: Window,
    /// Columns of cells.
    pub columns: Range<u32>,
}

/// Rows that are read at most for one mean of a window of so many that slides down: its own, and those before it in its
/// run.
#[must_use]
pub const fn sliding_rows(window: u32) -> u32 {
    window + MEANS_PER_RUN
}

impl Reach {
    /// The rows that a window touches of a tensor of that height.
    #[must_use]
    pub fn rows(self, window: &Window, height: u32) -> Range<u32> {
        let Range { start, end } = window.rows.clone();
        let range = match self {
            Self::Same => start..end,
            Self::Around => start.saturating_sub(1)..end + 1,
            Self::Times(n) => start * n..end * n,
            Self::Over(n) => start / n..end.div_ceil(n),
            Self::HalfAround => (start / 2).saturating_sub(1)..end.div_ceil(2) + 1,
            Self::Reflected => {
                let there = if start < height { (start, end.min(height)) } else { (height, 0) };
                let past = (start.max(height)..end).map(|row| reflected(row, height));
                let (first, end) = past.fold(there, |(first, end), row| (first.min(row), end.max(row + 1)));
                first..end
            }
            Self::Sliding { means, window } => {
                let side = means + window - 1;
                let (first, last) = (start % means, (end - 1) % means);
                start / means * side + first / MEANS_PER_RUN * MEANS_PER_RUN
                    ..(end - 1) / means * side + last + window
            }
            Self::Nearest { side, windows } => {
                let place = |row: u32| row / side * windows + nearest_window(row % side, side, windows);
                place(start)..place(end - 1) + 1
            }
            Self::CellRows => window.cell_rows.clone(),
            Self::Whole => 0..height,
        };
        range.start.min(height)..range.end.min(height)
    }
}

/// A tensor bound by an operator.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// What a window touches of it.
    pub reach: Reach,
    /// How it is stored.
    pub layout: Layout,
    /// Its buffers.
    pub fragments: &'a [Fragment],
    /// Written rather than read.
    pub written: bool,
}

impl Bound<'_> {
    /// The first fragment that holds all rows a window touches, where those can be bound.
    fn locate(&self, window: &Window, limits: &CutLimits) -> Option<usize> {
        let rows = self.reach.rows(window, self.layout.rows);
        let bytes = u64::from(rows.end - rows.start) * self.layout.row_bytes;
        self.fragments.iter().position(|f| {
            // Where a binding begins is rounded down to the alignment, which adds to its length.
            let start = u64::from(rows.start.saturating_sub(f.rows.start)) * self.layout.row_bytes;
            let holds = f.rows.start <= rows.start && rows.end <= f.rows.end;
            holds && start % limits.alignment + bytes <= limits.binding_bytes
        })
    }
}

/// Bounds on a dispatch.
#[derive(Clone, Copy, Debug)]
pub struct CutLimits {
    /// Bytes of one binding.
    pub binding_bytes: u64,
    /// Alignment of a binding's offset.
    pub alignment: u64,
    /// Rows of one window: grids have at most so many workgroups a dimension.
    pub rows: u32,
    /// CellRows of one window, from the work that one submission may hold.
    pub cell_rows: u32,
}

/// A window and, for each bound tensor, the fragment it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The window.
    pub window: Window,
    /// A fragment of each tensor.
    pub fragments: Vec<usize>,
}

/// What one sweep over rows of cells fills: a fragment of a written tensor, or all of them where none is fragmented.
struct Target {
    cell_rows: Range<u32>,
    fragment: Option<(usize, usize)>,
}

/// Cuts some rows of cells of an operator into windows within the limits: every fragment of what it writes is written
/// in full, as far as it holds their rows.
///
/// # Errors
/// The index of a bound tensor of which not even one row of cells can be bound.
pub fn cut(
    domain: &Domain,
    cell_rows: &Range<u32>,
    bound: &[Bound<'_>],
    limits: &CutLimits,
) -> std::result::Result<Vec<Cut>, usize> {
    let mut cuts = Vec::new();
    for target in targets(domain, cell_rows, bound) {
        let mut start = target.cell_rows.start;
        while start < target.cell_rows.end {
            let mut best = attempt(domain, bound, limits, &target, &(start..start + 1))?;
            let longest = start.saturating_add(limits.cell_rows.max(1)).min(target.cell_rows.end);
            // Whatever starts here fits up to some end: bisect for it.
            let (mut low, mut high) = (start + 1, longest);
            while low < high {
                let middle = low + (high - low).div_ceil(2);
                match attempt(domain, bound, limits, &target, &(start..middle)) {
                    Ok(found) => (best, low) = (found, middle),
                    Err(_) => high = middle - 1,
                }
            }
            start = best.window.cell_rows.end;
            cuts.push(best);
        }
    }
    Ok(cuts)
}

/// One sweep, or one for each fragment with margins of each tensor that is written.
fn targets(domain: &Domain, all: &Range<u32>, bound: &[Bound<'_>]) -> Vec<Target> {
    let fragmented = |b: &Bound<'_>| b.written && b.reach == Reach::Same && b.fragments.len() > 1;
    let mut targets = Vec::new();
    for (tensor, b) in bound.iter().enumerate().filter(|(_, b)| fragmented(b)) {
        for (index, f) in b.fragments.iter().enumerate() {
            let (first, end) = (domain.cell_row_of(f.rows.start), domain.cell_row_of(f.rows.end - 1) + 1);
            let cell_rows = first.max(all.start)..end.min(all.end);
            if !cell_rows.is_empty() {
                targets.push(Target { cell_rows, fragment: Some((tensor, index)) });
            }
        }
    }
    if targets.is_empty() {
        targets.push(Target { cell_rows: all.clone(), fragment: None });
    }
    targets
}

fn attempt(
    domain: &Domain,
    bound: &[Bound<'_>],
    limits: &CutLimits,
    target: &Target,
    cell_rows: &Range<u32>,
) -> std::result::Result<Cut, usize> {
    let window = Window { cell_rows: cell_rows.clone(), rows: domain.rows(cell_rows) };
    let one_cell_row = cell_rows.end - cell_rows.start == 1;
    let too_many_rows = !one_cell_row && window.rows.end - window.rows.start > limits.rows;
    let mut fragments = Vec::with_capacity(bound.len());
    for (i, b) in bound.iter().enumerate() {
        let found = match target.fragment {
            _ if too_many_rows => None,
            Some((tensor, index)) if tensor == i => {
                let only = Bound { fragments: &b.fragments[index..=index], ..*b };
                only.locate(&window, limits).map(|_| index)
            }
            _ => b.locate(&window, limits),
        };
        fragments.push(found.ok_or(i)?);
    }
    Ok(Cut { window, fragments })
}
