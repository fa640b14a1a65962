//! As it is written in books: a lane owns one pixel and four outputs.

use super::{POOL_SHARED, filters, pooled};
use crate::gpu::KernelSpec;
use crate::graph::Conv;
use crate::kernels::{Context, Grid, Stage, convolution};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Stage {
    let parts = ["tile", "padded", "filters"];
    let spec = KernelSpec::new("conv3x3/direct", &parts).stored("weight", cx.target.storage);
    let quads = cx.quads(cx.dst());
    let grid = Grid::Cells { depth: quads };
    let stage = convolution::stage(cx, conv, spec, filters(cx, conv, 4 * quads), (grid, Reach::Around));
    pooled(stage, cx, conv, POOL_SHARED)
}
