//! A photo's pixels are unpacked where they are padded, and packed where they are cropped: neither is a pass over
//! memory of its own.

use super::{Rewrite, Uses};
use crate::graph::{Graph, Node, Op};

/// Unpacking, then padding.
pub(super) fn unpack_padded(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let Op::Pad { height, width, unpack: false } = node.op else { return None };
    let first = uses.sole(graph, node.inputs[0]).filter(|&i| graph.nodes[i].op == Op::Unpack)?;
    Some(joined(graph, first, index, Op::Pad { height, width, unpack: true }))
}

/// Cropping, then packing.
pub(super) fn pack_cropped(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let (Op::Pack, Some(first)) = (&node.op, uses.sole(graph, node.inputs[0])) else { return None };
    let Op::Crop { height, width, pack: false } = graph.nodes[first].op else { return None };
    Some(joined(graph, first, index, Op::Crop { height, width, pack: true }))
}

/// One operator in the place of two.
fn joined(graph: &Graph, first: usize, second: usize, op: Op) -> Rewrite {
    let inputs = graph.nodes[first].inputs.clone();
    let outputs = graph.nodes[second].outputs.clone();
    Rewrite { remove: vec![first, second], insert: vec![Node { op, inputs, outputs }] }
}
