//! 3x3 convolution: its variants, and which of them a convolution gets.
//!
//! One file a variant, beside `shaders/conv3x3/`. All have every epilogue, any sources, patches, sizes and storage.

mod block;
mod candidates;
mod choice;
mod direct;
mod lanes;
mod matrix;
mod tiled;
mod winograd;

pub use candidates::{Candidate, candidates};
pub use choice::{Choices, ConvShape, Variant, Verdicts};

use super::convolution::{Filter, biases, bind_sums, packing};
use super::{Context, Lowered, Packed, Packing, Stage};
use crate::graph::{Conv, Graph};
use lanes::Spread;

pub(super) fn variant(cx: &Context<'_>, conv: &Conv) -> Variant {
    cx.target.choices.variant(&ConvShape::of(cx.graph, cx.node, conv), cx.target)
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Lowered {
    match variant(cx, conv) {
        Variant::Direct => direct::lower(cx, conv).into(),
        Variant::Block => block::lower(cx, conv).into(),
        Variant::Lanes => lanes::lower(cx, conv, Spread::Load).into(),
        Variant::Broadcast => lanes::lower(cx, conv, Spread::Broadcast).into(),
        Variant::Shuffle => lanes::lower(cx, conv, Spread::Shuffle).into(),
        Variant::Tiled => tiled::lower(cx, conv).into(),
        Variant::Winograd2 => winograd::lower(cx, conv, &winograd::F2),
        Variant::Winograd4 => winograd::lower(cx, conv, &winograd::F4),
        Variant::Matrix8 => matrix::lower(cx, conv, 8).into(),
        Variant::Matrix16 => matrix::lower(cx, conv, 16).into(),
    }
}

/// A stage with its second result, sums per cell, if it has one; `parts` say which of its lanes hold what is summed,
/// and where they put it.
fn pooled(mut stage: Stage, cx: &Context<'_>, conv: &Conv, parts: &[&str]) -> Stage {
    let parts = if conv.pooled { parts } else { &["pool_none"] };
    stage.spec.parts.extend(parts.iter().map(|&part| part.to_owned()));
    if conv.pooled { bind_sums(stage, cx) } else { stage }
}

/// Of lanes that hold parts of a cell, and add in workgroup memory of their own.
const POOL_SHARED: &[&str] = &["pool_shared", "sums_own"];

/// Filters as a matrix: `[tap][input, padded][output, padded]`, the order that others call HWIO. Inputs of each source
/// are padded to quads.
fn filters(cx: &Context<'_>, conv: &Conv, outputs: u32) -> Packing {
    let pack = move |graph: &Graph, conv: &Conv, sources: &[u32]| {
        let filter = Filter::of(graph, conv, sources);
        let row = |tap, input| (0..outputs as usize).map(move |output| (tap, input, output));
        let inputs = &filter.inputs;
        let order = (0..9).flat_map(|tap| inputs.iter().flat_map(move |&input| row(tap, input)));
        let weights = order.map(|(tap, input, output)| filter.at(output, input, tap)).collect();
        Packed { weights, bias: biases(graph, conv, outputs as usize) }
    };
    packing(cx, conv, ("filters", outputs), cx.target.storage, pack)
}
