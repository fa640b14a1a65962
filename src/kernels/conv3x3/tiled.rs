//! Fed from workgroup memory: an implicit matrix product of register blocks.

use super::pooled;
use crate::gpu::{KernelSpec, Maker};
use crate::graph::Conv;
use crate::kernels::target::{LANES, WORKGROUP_MEMORY};
use crate::kernels::{Context, Grid, Stage, Target, convolution};
use crate::plan::Reach;

/// How a workgroup is cut: cells side by side, and groups of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiling {
    cells: u32,
    groups: u32,
}

impl Tiling {
    fn lanes(self) -> u32 {
        8 * self.cells * self.groups
    }

    /// Places of the cells and the pixels around them, rows padded to 16 bytes.
    fn places(self) -> u32 {
        10 * (8 * self.cells + 4)
    }

    /// Bytes of workgroup memory.
    fn memory(self, quads: u32) -> u32 {
        4 * 4 * self.places() + 16 * self.lanes().max(2 * (12 * quads * self.groups + 1))
    }

    /// Whether every lane need move but one pixel and one quad of weights at each of three steps.
    fn moves(self, quads: u32) -> bool {
        3 * self.lanes() >= self.places() && self.lanes() >= 12 * quads * self.groups
    }

    /// Lanes that run for each cell, idle ones of a subgroup and of outputs that are not there included; then loads for
    /// each cell and quad of inputs. Both in 12ths.
    fn cost(self, groups: u32, subgroup: u32) -> (u32, u32) {
        let depth = groups.div_ceil(self.groups);
        let lanes = depth * self.lanes().next_multiple_of(subgroup);
        let loads = depth * (self.places() + 36 * self.groups);
        (lanes * 12 / self.cells, loads * 12 / self.cells)
    }
}

/// Quads of outputs of a lane, and the tiling for that many of a convolution.
fn tiling(target: &Target, quads: u32) -> (u32, Tiling) {
    if target.software {
        let groups = quads.div_ceil(2);
        let best = (4..=8).rev().min_by_key(|&n| groups.next_multiple_of(n)).unwrap_or(8);
        return (2, Tiling { cells: 4, groups: best });
    }
    // AMD's compiler takes subgroups of 64 lanes where there are more than 32.
    let subgroup = match target.maker {
        Maker::Nvidia | Maker::Apple | Maker::Intel | Maker::Mobile => 32,
        Maker::Amd | Maker::Qualcomm | Maker::Other => 64,
    };
    // 32 lanes share weights where a subgroup of as many must.
    let cells: &[u32] = if subgroups_share(target) { &[4] } else { &[2, 4] };
    let fits = |t: &Tiling| t.lanes() <= LANES && t.moves(1) && t.memory(1) <= WORKGROUP_MEMORY;
    let all = cells.iter().flat_map(|&cells| (4..=16).map(move |groups| Tiling { cells, groups }));
    let best = all.filter(fits).min_by_key(|t| t.cost(quads, subgroup));
    (1, best.unwrap_or(Tiling { cells: 4, groups: 4 }))
}

/// Whether weights are loaded once for a subgroup. Intel's compiler keeps them as scalars then, where lanes of their
/// own would take 12 times 8 lanes' registers and spill; others gain nothing.
fn subgroups_share(target: &Target) -> bool {
    target.maker == Maker::Intel && target.subgroups.is_some_and(|(_, most)| most <= 32)
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Stage {
    let (quads, tiling) = tiling(cx.target, cx.quads(cx.dst()));
    let run: &[&str] = if quads == 2 { &["block", "block_put", "run_8x8"] } else { &["run_8x4"] };
    let lanes = if subgroups_share(cx.target) { "lanes_subgroup" } else { "lanes_local" };
    let spec = KernelSpec::new("conv3x3/tiled", &[&["tile", "filters", lanes], run].concat())
        .stored("weight", cx.target.storage)
        .constant("CELLS", tiling.cells)
        .constant("GROUPS", tiling.groups)
        .constant("EARLY", u32::from(!cx.target.software && cx.target.maker != Maker::Intel));
    let depth = cx.quads(cx.dst()).div_ceil(quads * tiling.groups);
    let grid = Grid::CellRuns { cells: tiling.cells, patch_cols: cx.patch_cols(), depth };
    let packing = convolution::grouped(cx, conv, quads);
    pooled(convolution::stage(cx, conv, spec, packing, (grid, Reach::Around)), cx, conv, &["pool_shared"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Storage;
    use crate::graph::MAX_CHANNELS;

    /// Every lane moves a pixel in each of three steps, and a quad of weights: a workgroup's must be enough.
    #[test]
    fn lanes_move_all() {
        let portable = Target::portable(Storage::F32);
        let intel = Target { maker: Maker::Intel, subgroups: Some((8, 32)), ..portable.clone() };
        for target in [&portable, &intel, &Target::lavapipe(Storage::F32)] {
            for channels in 1..=MAX_CHANNELS {
                let (quads, tiling) = tiling(target, channels.div_ceil(4));
                assert!(tiling.lanes() <= LANES, "{tiling:?}");
                assert!(tiling.moves(quads), "{tiling:?}");
                assert!(tiling.memory(quads) <= WORKGROUP_MEMORY, "{tiling:?}");
            }
        }
    }
}
