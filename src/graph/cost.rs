//! Arithmetic and traffic of operators, for listings and for cutting work into submissions.

use super::{Graph, Node, Op, TensorId};

/// Multiply-adds of a node's convolutions (the two small layers of an attention are not counted, as is the
/// custom for this network).
#[must_use]
pub fn multiply_adds(graph: &Graph, node: &Node) -> u64 {
    let pixels = graph.desc(node.outputs[0]).pixels();
    let size = |id: super::ParamId| graph.param(id).data.len() as u64;
    match &node.op {
        Op::Conv(conv) => pixels * size(conv.weight),
        Op::Sam(sam) => pixels * (size(sam.features) + size(sam.image) + size(sam.gate)),
        _ => 0,
    }
}

/// Elements that a node reads and writes, each tensor counted once.
#[must_use]
pub fn elements(graph: &Graph, node: &Node) -> u64 {
    node.inputs.iter().chain(&node.outputs).map(|&id| graph.desc(id).elements()).sum()
}

/// Bytes that a node reads and writes, each tensor counted once, with `bytes` giving a tensor's size.
pub fn bytes(node: &Node, bytes: impl Fn(TensorId) -> u64) -> u64 {
    node.inputs.iter().chain(&node.outputs).map(|&id| bytes(id)).sum()
}

/// Floating-point operations, as used to share work out: two per multiply-add, and eight per element moved,
/// which is roughly where memory and arithmetic of common adapters balance.
#[must_use]
pub fn work(graph: &Graph, node: &Node) -> u64 {
    work_of(multiply_adds(graph, node), elements(graph, node))
}

/// The same of so many multiply-adds and elements.
pub(super) fn work_of(multiply_adds: u64, elements: u64) -> u64 {
    2 * multiply_adds + 8 * elements
}
