//! Cooperative matrices: f16 in, sums in f32.

use super::choice::small;
use super::pooled;
use crate::gpu::{KernelSpec, Maker, Storage};
use crate::graph::{Conv, Graph};
use crate::kernels::convolution::{self, Filter, biases, packing};
use crate::kernels::{Context, Grid, Packed, Packing, Stage, Target};
use crate::plan::Reach;

/// Inputs of a slice in `shaders/conv3x3/matrix.wgsl`, and the lanes that take a row of pixels.
const SLICE: usize = 16;
const ROW_LANES: u32 = 32;
/// Bytes of workgroup memory that are worth taking: a compute unit of AMD's (64 KiB) holds three such workgroups, and
/// what would take more, six blocks of 16 outputs, leaves RDNA 3's compiler short of registers: it moves 300 of them
/// about.
const LARGEST: u32 = 20 << 10;

/// Subgroup sizes that a workgroup may be cut into.
fn subgroups(target: &Target) -> Option<(u32, u32)> {
    // Metal says 4 to 64 of every adapter; those with matrices have 32.
    let apple = target.maker == Maker::Apple;
    target.subgroups.map(|sizes| if apple { (ROW_LANES, ROW_LANES) } else { sizes })
}

/// Rows of pixels of the smallest and the largest subgroup, where all sizes can share a workgroup's rows.
fn rows(target: &Target) -> Option<[u32; 2]> {
    subgroups(target)
        .filter(|&(min, max)| min >= ROW_LANES && max <= 2 * ROW_LANES)
        .map(|(min, max)| [min / ROW_LANES, max / ROW_LANES])
}

/// Why matrices of that side cannot be used on a target, if they cannot.
pub(super) fn refused(target: &Target, side: u32) -> Option<&'static str> {
    if target.storage != Storage::F16 {
        return Some("its shaders multiply native f16");
    }
    if !target.matrices.contains(&side) {
        return Some("the adapter has no cooperative matrices of that size from f16 to f32");
    }
    if rows(target).is_none() {
        return Some("its shaders need subgroups of 32 to 64 lanes");
    }
    small(target)
}

/// Bytes of workgroup memory for so many blocks of outputs: pixels, a column of taps, products, and a word where
/// nothing is kept, as the shader has them.
fn memory(blocks: u32, side: u32) -> u32 {
    8 * (20 * 42 + 3 * side * (4 * blocks + 2)) + 4096 + 4
}

/// Where a lane's pixels come from, in workgroup memory.
const ORIGINS: u32 = 4 * 4 * 256;

/// What of a lane's share of the pixels is in workgroup memory instead of registers (`KEPT`), by what compilers make of
/// it.
fn kept(target: &Target, blocks: u32, side: u32, pooled: bool) -> u32 {
    let room = memory(blocks, side) + ORIGINS <= LARGEST.min(target.workgroup_memory);
    match target.maker {
        // A half to a fifth of RDNA 3's other instructions for one block or two. For three and the sums of pooling it
        // moves 86 registers about instead of 51.
        Maker::Amd if room && !(blocks > 2 && pooled) => 2,
        // Predicted in 0.92 of the time at 128 channels, by NVK's code.
        Maker::Nvidia => 1,
        _ => 0,
    }
}

/// Blocks of outputs, of a matrix each, of a workgroup: of those that fit, as many as pad the outputs little. What a
/// workgroup does besides takes about as long as a block.
fn blocks(target: &Target, outputs: u32, side: u32) -> u32 {
    let (all, most) = (outputs.div_ceil(side), LARGEST.min(target.workgroup_memory));
    let fitting = (1..=all).rev().filter(|&n| n == 1 || memory(n, side) <= most);
    fitting.min_by_key(|&n| all.div_ceil(n) * (n + 1)).unwrap_or(1)
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv, side: u32) -> Stage {
    let outputs = cx.channels(cx.dst());
    let blocks = blocks(cx.target, outputs, side);
    let depth = outputs.div_ceil(side * blocks);
    let part = if side == 8 { "matrix_8" } else { "matrix_16" };
    // A target without rows is refused before.
    let [least, most] = rows(cx.target).unwrap_or([1, 1]);
    let spec = KernelSpec::new("conv3x3/matrix", &["tile", part])
        .constant("ROWS", most)
        .constant("LEAST_ROWS", least)
        .constant("BLOCKS", blocks)
        .constant("KEPT", kept(cx.target, blocks, side, conv.pooled));
    let packing = weights(cx, conv, [depth, blocks, side]);
    let mut stage = convolution::stage(cx, conv, spec, packing, (Grid::CellPairs { depth }, Reach::Around));
    for part in stage.spec.parts.iter_mut().filter(|part| part.starts_with("source_")) {
        part.insert_str(0, "matrix_");
    }
    pooled(stage, cx, conv, &["pool_shared"])
}

/// Filters as a workgroup takes them, a column of taps of a slice of inputs at a time:
/// `[group][slice][kx][ky][output of a block][block][input]`. Each source is padded to slices.
fn weights(cx: &Context<'_>, conv: &Conv, [groups, blocks, side]: [u32; 3]) -> Packing {
    let form = if side == 8 { "matrices of 8" } else { "matrices of 16" };
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        let filter = Filter::of(graph, conv, sources);
        let inputs = slices(&filter, sources);
        let mut weights = Vec::new();
        for group in 0..groups {
            for slice in inputs.chunks_exact(SLICE) {
                for (kx, ky) in (0..9).map(|step| (step / 3, step % 3)) {
                    for (output, block) in (0..side).flat_map(|o| (0..blocks).map(move |b| (o, b))) {
                        let output = ((group * blocks + block) * side + output) as usize;
                        weights.extend(slice.iter().map(|&input| filter.at(output, input, 3 * ky + kx)));
                    }
                }
            }
        }
        Packed { weights, bias: biases(graph, conv, (groups * blocks * side) as usize) }
    };
    packing(cx, conv, (form, blocks), cx.target.storage, pack)
}

/// The inputs of a filter with those of each source padded to slices.
fn slices(filter: &Filter<'_>, sources: &[u32]) -> Vec<Option<usize>> {
    let (mut inputs, mut rest) = (Vec::new(), &filter.inputs[..]);
    for &count in sources {
        let (own, others) = rest.split_at((count as usize).next_multiple_of(4));
        inputs.extend_from_slice(own);
        inputs.resize(inputs.len().next_multiple_of(SLICE), None);
        rest = others;
    }
    inputs
}
