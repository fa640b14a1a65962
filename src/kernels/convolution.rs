//! What convolutions share: sources, epilogues, their filters, and the register block of `shaders/parts/block.wgsl`.

use super::{BindingIndex, Context, GROUPS, Grid, Operand, Packed, Packing, Scalars, Stage};
use crate::gpu::KernelSpec;
use crate::graph::{Conv, Epilogue, Graph, KernelSize, Param, TensorId};
use crate::plan::Reach;

/// What a convolution reads.
pub(super) struct Sources<'a> {
    /// One tensor, or two to be concatenated.
    pub(super) tensors: &'a [TensorId],
    residual: Option<TensorId>,
}

impl<'a> Sources<'a> {
    pub(super) fn of(cx: &'a Context<'_>, conv: &Conv) -> Self {
        let residual = conv.epilogue == Epilogue::Residual;
        let (tensors, rest) = cx.node.inputs.split_at(cx.node.inputs.len() - usize::from(residual));
        Self { tensors, residual: rest.first().copied() }
    }

    /// Channels of each.
    pub(super) fn channels(&self, cx: &Context<'_>) -> Vec<u32> {
        self.tensors.iter().map(|&id| cx.channels(id)).collect()
    }

    /// Quads of all.
    pub(super) fn quads(&self, cx: &Context<'_>) -> u32 {
        self.tensors.iter().map(|&id| cx.quads(id)).sum()
    }

    /// Binds them, and supplies `fetch` and `source_quads`.
    pub(super) fn bind(&self, mut stage: Stage, cx: &Context<'_>, conv: &Conv, reach: Reach) -> Stage {
        let part = match (self.tensors.len(), conv.halve, conv.kernel) {
            (_, true, _) => "source_half",
            // Sources cost a 1x1 convolution so little that one pipeline serves one and two.
            (1, _, KernelSize::Three) => "source_one",
            _ => "source_two",
        };
        stage.spec.parts.push(part.to_owned());
        stage.spec = stage.spec.stored("in", cx.stored(self.tensors[0]));
        for (index, &tensor) in [BindingIndex::X, BindingIndex::X2].into_iter().zip(self.tensors) {
            stage = stage.bind(index, tensor, reach);
        }
        if part == "source_two" && self.tensors.len() == 1 {
            stage = stage.bind_any(BindingIndex::X2, Operand::Absent);
        }
        stage
    }

    /// Binds the result and what is added to it, and supplies `epilogue`.
    pub(super) fn finish(&self, mut stage: Stage, cx: &Context<'_>, conv: &Conv) -> Stage {
        stage.spec = stage.spec.stored("out", cx.stored(cx.dst()));
        stage = stage.bind(BindingIndex::Dst, cx.dst(), Reach::Same);
        let slope = if let Epilogue::Prelu(slope) = conv.epilogue { slope } else { 1.0 };
        stage.epilogue(cx, slope, self.residual)
    }
}

/// Binds the second result, sums per cell.
pub(super) fn bind_sums(stage: Stage, cx: &Context<'_>) -> Stage {
    stage.bind(BindingIndex::Dst2, cx.node.outputs[1], Reach::CellRows)
}

/// A convolution's weights by output, padded input and tap; zero where there is no such channel.
pub(super) struct Filter<'a> {
    weight: &'a Param,
    /// The input channel behind each padded one: every source is padded to quads.
    pub(super) inputs: Vec<Option<usize>>,
}

impl<'a> Filter<'a> {
    pub(super) fn of(graph: &'a Graph, conv: &Conv, sources: &[u32]) -> Self {
        let mut inputs: Vec<Option<usize>> = Vec::new();
        let mut first = 0;
        for &count in sources {
            inputs.extend((first..first + count as usize).map(Some));
            inputs.resize(inputs.len().next_multiple_of(4), None);
            first += count as usize;
        }
        Self { weight: graph.param(conv.weight), inputs }
    }

    pub(super) fn outputs(&self) -> usize {
        self.weight.shape[0]
    }

    pub(super) fn side(&self) -> usize {
        self.weight.shape[2]
    }

    /// The taps of an output's filters, row by row, with the padded input of each; those of padding are left out.
    pub(super) fn taps(&self, output: usize) -> impl Iterator<Item = (usize, &[f32])> {
        let inputs = self.inputs.iter().enumerate();
        inputs.filter_map(move |(i, input)| input.map(|input| (i, self.one(output, input))))
    }

    pub(super) fn at(&self, output: usize, input: Option<usize>, tap: usize) -> f32 {
        match input {
            Some(input) if output < self.outputs() => self.one(output, input)[tap],
            _ => 0.0,
        }
    }

    /// The taps of one output's filter of one input channel.
    fn one(&self, output: usize, input: usize) -> &[f32] {
        let (inputs, taps) = (self.weight.shape[1], self.side() * self.side());
        &self.weight.data[(output * inputs + input) * taps..][..taps]
    }
}

/// The biases, padded with zeros.
pub(super) fn biases(graph: &Graph, conv: &Conv, count: usize) -> Vec<f32> {
    let mut bias = conv.bias.map_or_else(Vec::new, |id| graph.param(id).data.to_vec());
    bias.resize(count, 0.0);
    bias
}

/// How to pack a convolution with `pack`, which `form` names.
pub(super) fn packing(
    cx: &Context<'_>,
    conv: &Conv,
    form: (&'static str, u32),
    storage: crate::gpu::Storage,
    pack: impl Fn(&Graph, &Conv, &[u32]) -> Packed + Send + Sync + 'static,
) -> Packing {
    let conv = *conv;
    let sources = Sources::of(cx, &conv).channels(cx);
    let order = sources.clone();
    Packing {
        params: std::iter::once(conv.weight).chain(conv.bias).collect(),
        sources,
        form,
        storage,
        pack: Box::new(move |graph| pack(graph, &conv, &order)),
    }
}

/// A convolution in one dispatch, whose window touches `reach` of its sources.
pub(super) fn stage(
    cx: &Context<'_>,
    conv: &Conv,
    spec: KernelSpec,
    packing: Packing,
    (grid, reach): (Grid, Reach),
) -> Stage {
    let sources = Sources::of(cx, conv);
    let (domain, scalars) = (cx.cells(), Scalars::default());
    let stage = Stage { spec, domain, bindings: Vec::new(), packing: Some(packing), grid, scalars };
    sources.finish(sources.bind(stage, cx, conv, reach), cx, conv)
}

/// A register-blocked convolution whose window touches `reach` of its sources. Software adapters want few loads a
/// multiply-add, GPUs few registers a lane.
pub(super) fn block(cx: &Context<'_>, conv: &Conv, shader: &'static str, reach: Reach) -> Stage {
    let groups = cx.quads(cx.dst()).div_ceil(2);
    let (part, grid) = if cx.target.software {
        ("block", Grid::Cells { depth: groups.div_ceil(GROUPS) })
    } else {
        ("block_4x8", Grid::CellRuns { cells: 4, patch_cols: cx.patch_cols(), depth: groups })
    };
    let spec = KernelSpec::new(shader, &["tile", "filters", "filter_storage", part, "block_put"])
        .stored("weight", cx.target.storage);
    stage(cx, conv, spec, grouped(cx, conv, 2), (grid, reach))
}

/// Weights for lanes that have groups of that many quads of outputs:
/// `[group][ky][input quad][kx][output quad of the group][input]` of four outputs.
pub(super) fn grouped(cx: &Context<'_>, conv: &Conv, quads: u32) -> Packing {
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        pack(&Filter::of(graph, conv, sources), graph, conv, quads as usize)
    };
    packing(cx, conv, ("grouped", quads), cx.target.storage, pack)
}

fn pack(filter: &Filter<'_>, graph: &Graph, conv: &Conv, quads: usize) -> Packed {
    let side = filter.side();
    let outputs = filter.outputs().next_multiple_of(4 * quads);
    let mut weights = Vec::with_capacity(outputs * filter.inputs.len() * side * side);
    for group in (0..outputs).step_by(4 * quads) {
        for ky in 0..side {
            for inputs in filter.inputs.chunks_exact(4) {
                for kx in 0..side {
                    for first in (group..group + 4 * quads).step_by(4) {
                        for &input in inputs {
                            weights.extend((first..first + 4).map(|o| filter.at(o, input, ky * side + kx)));
                        }
                    }
                }
            }
        }
    }
    Packed { weights, bias: biases(graph, conv, outputs) }
}
