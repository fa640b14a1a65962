//! 3x3 convolution: its variants, and which of them a convolution gets.
//!
//! One file a variant, beside `shaders/conv3x3/`. All have every epilogue, any sources, patches, sizes and storage.

mod block;
mod choice;
mod winograd;

pub use choice::{Choices, ConvShape, Variant};

use super::{Context, Lowered};
use crate::graph::Conv;

pub(super) fn variant(cx: &Context<'_>, conv: &Conv) -> Variant {
    cx.target.choices.variant(&ConvShape::of(cx.graph, cx.node, conv), cx.target)
}

pub(super) fn lower(cx: &Context<'_>, conv: &Conv) -> Lowered {
    match variant(cx, conv) {
        Variant::Block => block::lower(cx, conv).into(),
        Variant::Winograd2 => winograd::lower(cx, conv, &winograd::F2),
        Variant::Winograd4 => winograd::lower(cx, conv, &winograd::F4),
    }
}
