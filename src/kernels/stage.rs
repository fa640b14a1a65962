//! What an operator becomes: one dispatch for each window, or several that hand over through scratch memory.

use super::{FLAT_LANES, Packing};
use crate::gpu::KernelSpec;
use crate::graph::{MEANS_PER_RUN, TensorId};
use crate::plan::{Domain, Operator, Reach, Strip};

/// Where a tensor is bound: the binding number of every shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum BindingIndex {
    /// Packed weights.
    Weights = 1,
    /// Packed biases, f32.
    Bias = 2,
    /// The result.
    Dst = 3,
    /// A second result.
    Dst2 = 4,
    /// The first input.
    X = 5,
    /// A second input of the same kind.
    X2 = 6,
    /// What is added to the result.
    Residual = 7,
    /// Gates of channel attention.
    Gates = 8,
}

/// Memory between the stages of an operator: `[planes][tiles, padded / run][items]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// Which of the operator's scratch buffers.
    pub index: usize,
    /// Planes: the points of a Winograd tile.
    pub planes: u32,
    /// Tiles along a plane for each cell of 8x8 pixels.
    pub tiles: u32,
    /// What the tiles of a plane are padded to a multiple of.
    pub align: u32,
    /// Tiles side by side that an item's values are of: 1 or 8.
    pub run: u32,
    /// Items for each run of tiles.
    pub items: u32,
    /// Bytes of an item, a vector or a pair of them.
    pub item_bytes: u32,
}

impl Scratch {
    /// Runs of tiles of a plane for that many cells.
    #[must_use]
    pub fn width(&self, cells: u32) -> u32 {
        (cells * self.tiles).next_multiple_of(self.align) / self.run
    }

    /// Bytes for that many cells.
    #[must_use]
    pub fn bytes(&self, cells: u32) -> u64 {
        u64::from(self.planes) * u64::from(self.width(cells)) * u64::from(self.items * self.item_bytes)
    }
}

/// What a binding holds.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// A tensor, and the rows of it that a window touches.
    Tensor(TensorId, Reach),
    /// Scratch memory.
    Scratch(Scratch),
    /// Scratch memory in the place of a result that there is not, with no channels, and never written.
    Idle(Scratch),
    /// Nothing: what [`BindingIndex::X`] holds is bound instead, with no channels, and never read.
    Absent,
}

/// Something bound by a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where.
    pub index: BindingIndex,
    /// What.
    pub operand: Operand,
}

/// How many workgroups a window takes.
#[derive(Clone, Copy, Debug)]
pub enum Grid {
    /// A cell of 8x8 pixels each, times groups of channels.
    Cells {
        /// Workgroups that share a cell.
        depth: u32,
    },
    /// Two cells side by side each, of whatever patches, times groups of channels.
    CellPairs {
        /// Workgroups that share a pair.
        depth: u32,
    },
    /// Cells side by side in a patch each, times groups of channels.
    CellRuns {
        /// Cells of a run.
        cells: u32,
        /// Patches from left to right.
        patch_cols: u32,
        /// Workgroups that share a run.
        depth: u32,
    },
    /// 64 lanes each along all cells; of a shader whose workgroups have other sizes, one of them counts as 64.
    CellLanes {
        /// Cells that share lanes.
        cells: u32,
        /// Lanes for that many cells.
        lanes: u32,
        /// Workgroups that share their lanes' work.
        depth: u32,
    },
    /// A run of each plane's elements of a scratch buffer each, times groups of channels.
    Planes {
        /// The scratch buffer.
        scratch: Scratch,
        /// Elements of a workgroup.
        run: u32,
        /// Workgroups that share a run.
        depth: u32,
    },
    /// 64 lanes of a row each.
    Flat {
        /// Lanes of a row.
        lanes: u32,
        /// Further workgroups for each row.
        depth: u32,
    },
    /// 64 lanes each along the runs of rows that the window touches, counted from a patch's top.
    Runs {
        /// Lanes of a run.
        lanes: u32,
        /// Rows of a patch.
        means: u32,
    },
    /// 8 lanes of each of 8 rows.
    Eights {
        /// Lanes of a row.
        lanes: u32,
    },
    /// 64 lanes each along a row of corners of blocks of 2x2 pixels, of which each row of blocks has two.
    Corners {
        /// Lanes of a row of corners.
        lanes: u32,
    },
    /// So many.
    Fixed([u32; 3]),
}

/// Uniform values besides shapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalars {
    /// Channels of the first input.
    pub channels: u32,
    /// Hidden channels of an attention.
    pub hidden: u32,
    /// PReLU slope, or pixels of a patch.
    pub scalar: f32,
}

/// One dispatch of an operator's windows.
#[derive(Debug)]
pub struct Stage {
    /// The kernel.
    pub spec: KernelSpec,
    /// What it iterates over; the same for all stages of an operator.
    pub domain: Domain,
    /// What it binds besides weights and uniforms.
    pub bindings: Vec<Binding>,
    /// Its weights.
    pub packing: Option<Packing>,
    /// Its workgroups.
    pub grid: Grid,
    /// Its uniform values.
    pub scalars: Scalars,
}

impl Stage {
    /// Binds a tensor.
    pub(super) fn bind(self, index: BindingIndex, tensor: TensorId, reach: Reach) -> Self {
        self.bind_any(index, Operand::Tensor(tensor, reach))
    }

    /// Binds anything.
    pub(super) fn bind_any(mut self, index: BindingIndex, operand: Operand) -> Self {
        self.bindings.push(Binding { index, operand });
        self
    }

    /// Workgroups of a strip.
    #[must_use]
    pub fn workgroups(&self, strip: &Strip) -> [u32; 3] {
        let rows = strip.window.rows.end - strip.window.rows.start;
        let cell_rows = strip.window.cell_rows.end - strip.window.cell_rows.start;
        let columns = strip.columns.end - strip.columns.start;
        match self.grid {
            Grid::Cells { depth } => [columns, cell_rows, depth],
            Grid::CellPairs { depth } => [columns.div_ceil(2), cell_rows, depth],
            Grid::CellRuns { cells, patch_cols, depth } => {
                [(columns / patch_cols).div_ceil(cells) * patch_cols, cell_rows, depth]
            }
            Grid::CellLanes { cells, lanes, depth } => {
                [((cell_rows * columns).div_ceil(cells) * lanes).div_ceil(FLAT_LANES), depth, 1]
            }
            Grid::Planes { scratch, run, depth } => {
                [scratch.width(cell_rows * columns).div_ceil(run), depth, scratch.planes]
            }
            Grid::Flat { lanes, depth } => [lanes.div_ceil(FLAT_LANES), rows, depth],
            Grid::Runs { lanes, means } => {
                let number =
                    |row: u32| row / means * means.div_ceil(MEANS_PER_RUN) + row % means / MEANS_PER_RUN;
                let window = &strip.window.rows;
                [lanes.div_ceil(FLAT_LANES), number(window.end - 1) - number(window.start) + 1, 1]
            }
            Grid::Eights { lanes } => [lanes.div_ceil(8), rows.div_ceil(8), 1],
            Grid::Corners { lanes } => [lanes.div_ceil(FLAT_LANES), rows / 2 + 1, 1],
            Grid::Fixed(grid) => grid,
        }
    }
}

/// An operator as kernels: for each strip of its domain every stage in turn.
#[derive(Debug)]
pub struct Lowered {
    /// The stages.
    pub stages: Vec<Stage>,
    /// Rows and columns of cells that the scratch buffers hold at once.
    pub strip: [u32; 2],
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
}

impl From<Stage> for Lowered {
    fn from(stage: Stage) -> Self {
        Self { stages: vec![stage], strip: [u32::MAX; 2], scratch: Vec::new() }
    }
}

impl Lowered {
    /// Stages that share scratch buffers of at most `budget` bytes in all, or what one cell takes.
    pub(super) fn staged(stages: Vec<Stage>, budget: u64) -> Self {
        let mut buffers: Vec<Scratch> = Vec::new();
        for binding in stages.iter().flat_map(|s| &s.bindings) {
            match binding.operand {
                Operand::Scratch(s) | Operand::Idle(s) if buffers.iter().all(|b| b.index != s.index) => {
                    buffers.push(s);
                }
                _ => {}
            }
        }
        buffers.sort_by_key(|s| s.index);
        let bytes = |cells: u32| buffers.iter().map(|s| s.bytes(cells)).sum::<u64>();
        let (total, columns) = (stages[0].domain.cell_rows().max(1), stages[0].domain.columns().max(1));
        // Padding makes bytes a staircase of cells: the largest count below the budget, by bisection.
        let (mut low, mut high) = (1, total.saturating_mul(columns));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if bytes(middle) <= budget { low = middle } else { high = middle - 1 }
        }
        let strip = strip_of(low, [total, columns]);
        let scratch = buffers.iter().map(|s| s.bytes(strip[0] * strip[1])).collect();
        Self { stages, strip, scratch }
    }

    /// How many columns of cells a strip has beside which there are so many rows: as many as the scratch buffers hold,
    /// or a little less, so that all strips side by side have about as many.
    pub(crate) fn strip_columns(&self, rows: u32) -> u32 {
        let columns = self.domain().columns().max(1);
        let most = (self.strip[0].saturating_mul(self.strip[1]) / rows.max(1)).max(self.strip[1]);
        columns.div_ceil(columns.div_ceil(most))
    }

    /// What a plan has to know of it, and its work.
    #[must_use]
    pub fn operator(&self, work: u64) -> Operator {
        let written = |index| matches!(index, BindingIndex::Dst | BindingIndex::Dst2);
        let tensor = |binding: &Binding| match binding.operand {
            Operand::Tensor(tensor, reach) => Some((tensor, reach, written(binding.index))),
            _ => None,
        };
        let tensors = self.stages.iter().flat_map(|stage| &stage.bindings).filter_map(tensor).collect();
        let (scratch, stages, strip) = (self.scratch.clone(), self.stages.len(), self.strip);
        Operator { domain: *self.domain(), tensors, scratch, work, stages, strip }
    }

    /// Rows of cells of which a dispatch may have all cells side by side, where a grid has at most `limit` workgroups a
    /// dimension. Grids that have rows of their own are cut by [`crate::plan::CutLimits::rows`].
    pub(crate) fn cell_rows_within(&self, limit: u32) -> u32 {
        let within = |stage: &Stage| match stage.grid {
            Grid::CellLanes { cells, lanes, .. } => {
                let most = u64::from(limit) * u64::from(FLAT_LANES) / u64::from(lanes) * u64::from(cells);
                Some((most / u64::from(stage.domain.columns())) as u32)
            }
            _ => None,
        };
        self.stages.iter().filter_map(within).min().map_or(u32::MAX, |rows| rows.max(1))
    }

    /// What the stages iterate over.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.stages[0].domain
    }
}

/// The rows and columns of a strip of at most so many cells, of which fewest cover cells in so many rows and columns;
/// of several such the widest.
fn strip_of(most: u32, [rows, columns]: [u32; 2]) -> [u32; 2] {
    let widths = (1..=columns).map(|parts| columns.div_ceil(parts)).filter(|&width| width <= most);
    let strips = widths.map(|width| [(most / width).min(rows), width]);
    let count = |&[high, wide]: &[u32; 2]| u64::from(rows.div_ceil(high)) * u64::from(columns.div_ceil(wide));
    strips.min_by_key(count).unwrap_or([1, 1])
}

#[cfg(test)]
mod tests {
    use super::strip_of;

    #[test]
    fn strips_are_as_few_as_can_be() {
        // 1280 x 720 pixels, in 32 MiB of what 96, 112 and 128 channels of F(4x4) take.
        assert_eq!(strip_of(288, [90, 160]), [9, 32]);
        for (most, rows, columns) in
            [(288, 90, 160), (224, 90, 240), (1, 7, 9), (17, 1, 40), (5000, 3, 40), (40, 90, 1)]
        {
            let [high, wide] = strip_of(most, [rows, columns]);
            let count = |[high, wide]: [u32; 2]| rows.div_ceil(high) * columns.div_ceil(wide);
            assert!(high * wide <= most && (1..=rows).contains(&high) && (1..=columns).contains(&wide));
            let whole_rows = if most >= columns { [most / columns, columns] } else { [1, most] };
            assert!(
                count([high, wide]) <= count(whole_rows),
                "{most} of {rows} x {columns}: {high} x {wide}"
            );
        }
    }
}
