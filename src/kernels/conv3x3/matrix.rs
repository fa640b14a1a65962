//! Cooperative matrices: f16 in, sums in f32.

use super::{filters, pooled};
use crate::gpu::{KernelSpec, Storage};
use crate::graph::Conv;
use crate::kernels::{Context, Grid, Stage, Target, convolution};
use crate::plan::Reach;

/// Inputs of a slice in `shaders/conv3x3/matrix.wgsl`.
const SLICE: u32 = 16;
/// Bytes of workgroup memory and lanes of a workgroup that every adapter has, and bytes that the pixels take.
const SHARED: u32 = 16 << 10;
const LANES: u32 = 256;
const PIXELS: u32 = 3 * 80 * 24 * 2;

/// Lanes of every subgroup.
fn subgroup(target: &Target) -> Option<u32> {
    target.subgroups.filter(|(min, max)| min == max && (8..=LANES / 2).contains(min)).map(|(min, _)| min)
}

/// Why matrices of that side cannot be used on a target, if they cannot.
pub(super) fn refused(target: &Target, side: u32) -> Option<&'static str> {
    if target.storage != Storage::F16 {
        return Some("its shaders multiply native f16");
    }
    if !target.matrices.contains(&side) {
        return Some("the adapter has no cooperative matrices of that size from f16 to f32");
    }
    subgroup(target).is_none().then_some("its shaders need subgroups of one size")
}

/// Groups of two matrices of outputs in a workgroup: as few workgroups as memory and lanes allow, evenly filled.
fn groups(outputs: u32, side: u32, subgroup: u32) -> u32 {
    let strips = 16 / side;
    let most =
        ((SHARED - PIXELS) / (strips * (side * side * 4 + subgroup * 16))).min(LANES / (strips * subgroup));
    let all = outputs.div_ceil(2 * side);
    all.div_ceil(all.div_ceil(most.max(1)))
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, side: u32) -> Stage {
    // A target without it is refused before.
    let subgroup = subgroup(cx.target).unwrap_or(32);
    let outputs = cx.channels(cx.dst());
    let groups = groups(outputs, side, subgroup);
    let part = if side == 8 { "matrix_8" } else { "matrix_16" };
    let spec = KernelSpec::new("conv3x3/matrix", &["tile", "padded", part])
        .constant("SUBGROUP", subgroup)
        .constant("GROUPS", groups);
    let depth = outputs.div_ceil(2 * side * groups);
    let packing = filters(cx, conv, depth * groups * 2 * side, SLICE);
    let stage = convolution::stage(cx, conv, spec, packing, (Grid::Cells { depth }, Reach::Around));
    pooled(stage, cx, conv, super::SHARED)
}
