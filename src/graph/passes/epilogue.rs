//! What follows a convolution is done while its sums are in registers.

use super::{Rewrite, Uses};
use crate::graph::{Epilogue, Graph, KernelSize, Node, Op, TensorId};

/// Convolution, then PReLU.
pub(super) fn fuse_prelu(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let Op::Prelu { slope } = node.op else { return None };
    let (at, mut producer) = bare_convolution(graph, uses, node.inputs[0], node.outputs[0])?;
    let Op::Conv(conv) = &mut producer.op else { return None };
    conv.epilogue = Epilogue::Prelu(slope);
    producer.outputs.clone_from(&node.outputs);
    Some(Rewrite { remove: vec![at, index], insert: vec![producer] })
}

/// Means of windows, then PReLU.
pub(super) fn fuse_prelu_of_means(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let Op::Prelu { slope } = node.op else { return None };
    let at = uses.sole(graph, node.inputs[0])?;
    let mut producer = graph.nodes[at].clone();
    let same = graph.desc(node.inputs[0]) == graph.desc(node.outputs[0]);
    match &mut producer.op {
        Op::BoxMean(mean) if mean.prelu.is_none() && same => mean.prelu = Some(slope),
        _ => return None,
    }
    producer.outputs.clone_from(&node.outputs);
    Some(Rewrite { remove: vec![at, index], insert: vec![producer] })
}

/// Convolution or upsampling, then a sum with something computed elsewhere.
pub(super) fn fuse_residual(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let (Op::Add, [a, b]) = (&node.op, &node.inputs[..]) else { return None };
    for (branch, other) in [(*a, *b), (*b, *a)] {
        let Some((at, mut producer)) = bare_convolution(graph, uses, branch, node.outputs[0]) else {
            continue;
        };
        match &mut producer.op {
            Op::Conv(conv) => conv.epilogue = Epilogue::Residual,
            Op::Upsample { residual } => *residual = true,
            _ => continue,
        }
        // The sum's role is that of the added tensor, which decides how it is stored.
        if graph.desc(node.outputs[0]).role != graph.desc(other).role {
            continue;
        }
        producer.inputs.push(other);
        producer.outputs.clone_from(&node.outputs);
        return Some(Rewrite { remove: vec![at, index], insert: vec![producer] });
    }
    None
}

/// 3x3 convolution, then sums per cell of its result: a second output.
pub(super) fn fuse_pool(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    if node.op != Op::PoolCells || graph.desc(node.inputs[0]).patches != graph.desc(node.outputs[0]).patches {
        return None;
    }
    let at = uses.producer[node.inputs[0].0]?;
    let mut producer = graph.nodes[at].clone();
    match &mut producer.op {
        Op::Conv(conv)
            if conv.kernel == KernelSize::Three && conv.epilogue == Epilogue::None && !conv.pooled =>
        {
            conv.pooled = true;
        }
        _ => return None,
    }
    producer.outputs.push(node.outputs[0]);
    // In the convolution's place: whatever reads its result may stand before the pooling.
    let between: Vec<Node> = graph.nodes[at + 1..index].to_vec();
    let insert = std::iter::once(producer).chain(between).collect();
    Some(Rewrite { remove: (at..=index).collect(), insert })
}

/// The convolution or upsampling behind `tensor`, if it has no epilogue yet, nothing else reads `tensor`, and
/// writing `result` instead clips at the same patches.
fn bare_convolution(graph: &Graph, uses: &Uses, tensor: TensorId, result: TensorId) -> Option<(usize, Node)> {
    let at = uses.sole(graph, tensor)?;
    let bare = match graph.nodes[at].op {
        Op::Conv(conv) => conv.epilogue == Epilogue::None && !conv.pooled,
        Op::Upsample { residual } => !residual,
        _ => false,
    };
    let same = graph.desc(tensor).patches == graph.desc(result).patches;
    (bare && same).then(|| (at, graph.nodes[at].clone()))
}
