//! Operators whose results nobody reads, such as the images of stages that were not asked for.

use crate::graph::{Graph, Op};

/// Keeps what the outputs need, and the graph's inputs.
pub fn drop_dead(graph: &mut Graph) {
    let mut wanted = vec![false; graph.tensors.len()];
    graph.outputs.iter().for_each(|t| wanted[t.0] = true);
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes).into_iter().rev() {
        if !node.outputs.iter().any(|t| wanted[t.0]) {
            continue;
        }
        if let (Op::Sam(sam), [_, image]) = (&mut node.op, &node.outputs[..])
            && !wanted[image.0]
        {
            sam.emit_image = false;
            node.outputs.truncate(1);
        }
        node.inputs.iter().for_each(|t| wanted[t.0] = true);
        kept.push(node);
    }
    kept.reverse();
    graph.nodes = kept;
}
