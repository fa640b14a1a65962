//! What the two convolutions share: sources, epilogues and the packing for the register block of
//! `shaders/parts/block.wgsl`.

use super::{Context, GROUPS, Grid, Lowered, Packed, Packing, Scalars, Slot};
use crate::gpu::KernelSpec;
use crate::graph::{Conv, Epilogue, Graph};
use crate::plan::Reach;

/// A register-blocked convolution whose window touches `reach` of its sources.
pub(super) fn lower(cx: &Context<'_>, conv: &Conv, shader: &'static str, reach: Reach) -> Lowered {
    let residual = conv.epilogue == Epilogue::Residual;
    let (sources, rest) = cx.node.inputs.split_at(cx.node.inputs.len() - usize::from(residual));
    let source = match (sources.len(), conv.halve) {
        (1, false) => "source_one",
        (1, true) => "source_half",
        _ => "source_two",
    };
    let spec = KernelSpec::new(shader, &["tile", "block", source])
        .stored("in", cx.stored(sources[0]))
        .stored("out", cx.stored(cx.dst()))
        .stored("weight", cx.storage);
    let groups = cx.quads(cx.dst()).div_ceil(2);
    let mut lowered = Lowered {
        spec,
        domain: cx.cells(),
        bindings: Vec::new(),
        packing: Some(packing(cx, conv, sources.iter().map(|&s| cx.channels(s)).collect())),
        grid: Grid::Cells { depth: groups.div_ceil(GROUPS) },
        scalars: Scalars::default(),
    }
    .bind(Slot::Dst, cx.dst(), Reach::Same)
    .bind(Slot::X, sources[0], reach);
    if let Some(&second) = sources.get(1) {
        lowered = lowered.bind(Slot::X2, second, reach);
    }
    match conv.epilogue {
        Epilogue::None => lowered.spec.parts.push("epilogue_none".to_owned()),
        Epilogue::Prelu(slope) => {
            lowered.spec.parts.push("epilogue_prelu".to_owned());
            lowered.scalars.scalar = slope;
        }
        Epilogue::Residual => lowered = lowered.add_residual(cx, rest[0]),
    }
    lowered
}

fn packing(cx: &Context<'_>, conv: &Conv, sources: Vec<u32>) -> Packing {
    let conv = *conv;
    let order = sources.clone();
    Packing {
        params: std::iter::once(conv.weight).chain(conv.bias).collect(),
        sources,
        storage: cx.storage,
        pack: Box::new(move |graph| pack(graph, &conv, &order)),
    }
}

/// `[group of 8 outputs][ky][input quad][kx][output quad][input]` of four outputs, each source padded to quads.
fn pack(graph: &Graph, conv: &Conv, sources: &[u32]) -> Packed {
    let weight = graph.weights(conv.weight);
    let (outputs, inputs, side) = (weight.shape[0], weight.shape[1], weight.shape[2]);
    // The input channel behind each padded one.
    let mut channels: Vec<Option<usize>> = Vec::new();
    let mut first = 0;
    for &count in sources {
        channels.extend((first..first + count as usize).map(Some));
        channels.resize(channels.len().next_multiple_of(4), None);
        first += count as usize;
    }
    let groups = outputs.div_ceil(8);
    let mut weights = Vec::with_capacity(groups * 8 * channels.len() * side * side);
    let at = |output: usize, input: Option<usize>, tap: usize| match input {
        Some(i) if output < outputs => weight.data[(output * inputs + i) * side * side + tap],
        _ => 0.0,
    };
    for group in 0..groups {
        for ky in 0..side {
            for quad in channels.chunks_exact(4) {
                for kx in 0..side {
                    for first in [8 * group, 8 * group + 4] {
                        for &input in quad {
                            weights.extend((first..first + 4).map(|o| at(o, input, ky * side + kx)));
                        }
                    }
                }
            }
        }
    }
    let mut bias = conv.bias.map_or_else(Vec::new, |id| graph.weights(id).data.to_vec());
    bias.resize(groups * 8, 0.0);
    Packed { weights, bias }
}
