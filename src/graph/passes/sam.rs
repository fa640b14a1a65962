//! The supervised attention module, five operators in the paper, as one that reads its features once.

use super::{Rewrite, Uses};
use crate::graph::{Graph, Node, Op, Role, Sam};

/// `SigmoidGate(conv1(x), conv3(img), x)` with `img = conv2(x) + image`.
pub(super) fn fuse_sam(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let (Op::SigmoidGate, [a, m, x]) = (&node.op, &node.inputs[..]) else { return None };
    let (conv1_at, conv1) = uses.sole_plain_1x1(graph, *a)?;
    let (conv3_at, conv3) = uses.sole_plain_1x1(graph, *m)?;
    let (conv1_in, conv3_in) = (&graph.nodes[conv1_at].inputs, &graph.nodes[conv3_at].inputs);
    let img = *conv3_in.first()?;
    let sum_at = uses.producer[img.0].filter(|&i| graph.nodes[i].op == Op::Add)?;
    let [residual, image] = graph.nodes[sum_at].inputs[..] else { return None };
    let (conv2_at, conv2) = uses.sole_plain_1x1(graph, residual)?;
    if conv1_in[..] != [*x] || graph.nodes[conv2_at].inputs[..] != [*x] || conv3_in.len() != 1 {
        return None;
    }
    // The kernel reads and writes the image in f32.
    if graph.desc(image).role != Role::Image {
        return None;
    }
    let mut remove = [conv1_at, conv2_at, sum_at, conv3_at, index];
    remove.sort_unstable();
    if uses.producer[image.0].is_some_and(|at| at > remove[0]) {
        return None;
    }
    let emit_image = uses.readers[img.0] > 1;
    let sam = Sam {
        features: conv1.weight,
        features_bias: conv1.bias,
        image: conv2.weight,
        image_bias: conv2.bias,
        gate: conv3.weight,
        gate_bias: conv3.bias,
        emit_image,
    };
    let mut outputs = node.outputs.clone();
    if emit_image {
        outputs.push(img);
    }
    // The image may be read before the gate stands: the module goes where its first reader still follows.
    let fused = Node { op: Op::Sam(sam), inputs: vec![*x, image], outputs };
    let between = (remove[0]..index).filter(|i| !remove.contains(i)).map(|i| graph.nodes[i].clone());
    let insert = std::iter::once(fused).chain(between).collect();
    Some(Rewrite { remove: (remove[0]..=index).collect(), insert })
}
