//! Fed from workgroup memory: an implicit matrix product of register blocks.

use super::pooled;
use crate::graph::Conv;
use crate::kernels::{Context, Grid, Stage, convolution};
use crate::plan::Reach;

/// Groups of 8 outputs in a workgroup: 64 to 128 lanes, and at most 15 KiB of workgroup memory.
const GROUPS: std::ops::RangeInclusive<u32> = 4..=8;

/// As many as pad the groups least; of several the most.
fn groups(groups: u32) -> u32 {
    GROUPS.rev().min_by_key(|&n| groups.next_multiple_of(n)).unwrap_or(*GROUPS.end())
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Stage {
    let all = cx.quads(cx.dst()).div_ceil(2);
    let groups = groups(all);
    let mut stage = convolution::block(cx, conv, "conv3x3/tiled", Reach::Around);
    stage.spec.parts.retain(|part| part != "filter_storage");
    stage.spec.parts.push("padded".to_owned());
    stage.spec = stage.spec.constant("GROUPS", groups);
    stage.grid = Grid::CellPairs { depth: all.div_ceil(groups) };
    pooled(stage, cx, conv, "pool_shared")
}
