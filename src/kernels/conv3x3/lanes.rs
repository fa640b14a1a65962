//! Lanes side by side own outputs side by side, for a run of pixels each.

use super::{POOL_SHARED, filters, pooled};
use crate::gpu::KernelSpec;
use crate::graph::{CELL, Conv};
use crate::kernels::{Context, Grid, Stage, convolution};
use crate::plan::Reach;

/// Lanes that share pixels in `shaders/conv3x3/lanes.wgsl`.
const OCTET: u32 = 8;
/// The largest subgroup that a workgroup can be filled with.
const LARGEST_SUBGROUP: u32 = 64;

/// How lanes get the pixels that they share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// Each loads them all.
    Load,
    /// Each loads one, in subgroups of exactly eight.
    Broadcast,
    /// Each loads one, in subgroups of eight or a multiple of it.
    Shuffle,
}

impl Spread {
    /// Whether subgroups of those sizes can.
    pub(super) fn fits(self, subgroups: Option<(u32, u32)>) -> bool {
        match (self, subgroups) {
            (Self::Load, _) => true,
            (_, None) => false,
            (Self::Broadcast, Some(sizes)) => sizes == (OCTET, OCTET),
            (Self::Shuffle, Some((min, max))) => min >= OCTET && max <= LARGEST_SUBGROUP,
        }
    }
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, spread: Spread) -> Stage {
    let parts: &[&str] = match spread {
        Spread::Load => &["spread_load", "lanes_local"],
        Spread::Broadcast => &["octet_broadcast", "spread_broadcast", "lanes_local"],
        Spread::Shuffle => &["spread_shuffle", "lanes_subgroup"],
    };
    // Software adapters want few loads, a GPU many lanes: 64, which any size of its subgroups divides.
    let (rows, octets) = match spread {
        Spread::Load | Spread::Broadcast if cx.target.software => (CELL, 1),
        _ => (2, 2),
    };
    let spec = KernelSpec::new("conv3x3/lanes", &[&["tile", "padded", "filters"], parts].concat())
        .stored("weight", cx.target.storage)
        .constant("ROWS", rows)
        .constant("OCTETS", octets);
    let quads = cx.quads(cx.dst());
    let grid = Grid::Cells { depth: quads.div_ceil(OCTET * octets) };
    let stage = convolution::stage(cx, conv, spec, filters(cx, conv, 4 * quads), (grid, Reach::Around));
    pooled(stage, cx, conv, if rows == CELL { &["pool_own"] } else { POOL_SHARED })
}
