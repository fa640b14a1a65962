//! The supervised attention module in one kernel.

use super::{BindingIndex, Context, Grid, Packed, Packing, Scalars, Stage};
use crate::gpu::{KernelSpec, Maker};
use crate::graph::{Graph, ParamId, Sam};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, sam: &Sam) -> Stage {
    let image = cx.node.inputs[1];
    let emitted = if sam.emit_image { "image_emit" } else { "image_drop" };
    let two = cx.quads(cx.x()).is_multiple_of(2) && cx.halves(&[cx.x(), cx.dst()]);
    // A second pixel costs AMD, Intel and Qualcomm as many lanes at once as it saves loads, and spills on Adreno 650.
    // That other mobile GPUs have no more registers is argued, not measured.
    let cells = match cx.target.maker {
        Maker::Amd | Maker::Intel | Maker::Qualcomm | Maker::Mobile => 1,
        Maker::Nvidia | Maker::Apple | Maker::Other => 2,
    };
    let features = if two { "features_by_two" } else { "features_by_one" };
    let spec = KernelSpec::new("sam", &["tile", "filters", "sigmoid", emitted, features]);
    let spec = if two {
        spec.stored_two("in").stored_two("out")
    } else {
        spec.stored("in", cx.stored(cx.x())).stored("out", cx.stored(cx.dst()))
    };
    let spec = spec
        .stored("weight", cx.target.storage)
        .constant("IMAGE_QUADS", cx.quads(image))
        .constant("CELLS", cells);
    let op = *sam;
    let biases = [op.features_bias, op.image_bias, op.gate_bias];
    let packing = Packing {
        params: [op.features, op.image, op.gate].into_iter().chain(biases.into_iter().flatten()).collect(),
        sources: Vec::new(),
        form: ("plain", 0),
        storage: cx.target.storage,
        pack: Box::new(move |graph| pack(graph, &op)),
    };
    let stage = Stage {
        spec,
        domain: cx.cells(),
        bindings: Vec::new(),
        packing: Some(packing),
        grid: Grid::CellRuns { cells, patch_cols: cx.patch_cols(), depth: 1 },
        scalars: Scalars::default(),
    }
    .bind(BindingIndex::Dst, cx.dst(), Reach::Same)
    .bind(BindingIndex::X, cx.x(), Reach::Same)
    .bind(BindingIndex::Residual, image, Reach::Same);
    if sam.emit_image { stage.bind(BindingIndex::Dst2, cx.node.outputs[1], Reach::Same) } else { stage }
}

/// conv1, conv2, conv3, each `[output quad][input quad][input]` of four outputs.
fn pack(graph: &Graph, op: &Sam) -> Packed {
    let mut packed = Packed::default();
    let layers = [(op.features, op.features_bias), (op.image, op.image_bias), (op.gate, op.gate_bias)];
    for (weight, bias) in layers {
        pack_layer(graph, weight, bias, &mut packed);
    }
    packed
}

fn pack_layer(graph: &Graph, weight: ParamId, bias: Option<ParamId>, packed: &mut Packed) {
    let weight = graph.param(weight);
    let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
    let at = |o: usize, i: usize| if o < outputs && i < inputs { weight.data[o * inputs + i] } else { 0.0 };
    for first in (0..outputs).step_by(4) {
        for input in 0..inputs.next_multiple_of(4) {
            packed.weights.extend((first..first + 4).map(|o| at(o, input)));
        }
    }
    let biases = bias.map_or_else(Vec::new, |id| graph.param(id).data.to_vec());
    packed
        .bias
        .extend(biases.iter().copied().chain(std::iter::repeat(0.0)).take(outputs.next_multiple_of(4)));
}
