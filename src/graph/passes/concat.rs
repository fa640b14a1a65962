//! A convolution over a concatenation reads both tensors: no copy, and no second rounding of an f16 tensor.

use super::{Rewrite, Uses};
use crate::graph::{Graph, Node, Op};

pub(super) fn convolve_concat(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let (Op::Conv(conv), [source]) = (&node.op, &node.inputs[..]) else { return None };
    // No kernel reads two sources at half size.
    if conv.halve {
        return None;
    }
    let concat = uses.sole(graph, *source).filter(|&i| graph.nodes[i].op == Op::Concat)?;
    let fused = Node {
        op: Op::Conv(*conv),
        inputs: graph.nodes[concat].inputs.clone(),
        outputs: node.outputs.clone(),
    };
    Some(Rewrite { remove: vec![concat, index], insert: vec![fused] })
}
