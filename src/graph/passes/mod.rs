//! Rewrites of a graph into fewer, larger operators. Each is exact in real arithmetic, tested alone against the
//! CPU executor, and keeps every tensor that is an output of the graph.

mod concat;
mod dead;
mod edges;
mod epilogue;
mod pointwise;
mod sam;

pub use dead::drop_dead;

use super::{Conv, Graph, Node, Op, TensorId};
use crate::Result;

/// One rewrite: applies itself wherever it matches.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Its name in listings.
    pub name: &'static str,
    run: fn(&mut Graph) -> Result<()>,
}

impl Pass {
    /// Rewrites the graph.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where a rewritten operator does not fit, which would be a defect of the pass.
    pub fn run(&self, graph: &mut Graph) -> Result<()> {
        (self.run)(graph)
    }
}

/// Every pass, in the order that [`optimize`] runs them: sums and products of matrices before the fusions that
/// would hide them.
pub const ALL: &[Pass] = &[
    Pass {
        name: "drop dead operators",
        run: |g| {
            drop_dead(g);
            Ok(())
        },
    },
    Pass {
        name: "convolution over a concatenation",
        run: |g| rewrite(g, |g, u, i| Ok(concat::convolve_concat(g, u, i))),
    },
    Pass {
        name: "1x1 before upsampling and means, chains and sums of 1x1",
        run: |g| rewrite(g, pointwise::simplify),
    },
    Pass { name: "SAM in one operator", run: |g| rewrite(g, |g, u, i| Ok(sam::fuse_sam(g, u, i))) },
    Pass {
        name: "downsampling + 1x1",
        run: |g| rewrite(g, |g, u, i| Ok(pointwise::fuse_downsample(g, u, i))),
    },
    Pass { name: "convolution + PReLU", run: |g| rewrite(g, |g, u, i| Ok(epilogue::fuse_prelu(g, u, i))) },
    Pass { name: "means + PReLU", run: |g| rewrite(g, |g, u, i| Ok(epilogue::fuse_prelu_of_means(g, u, i))) },
    Pass {
        name: "convolution or upsampling + residual",
        run: |g| rewrite(g, |g, u, i| Ok(epilogue::fuse_residual(g, u, i))),
    },
    Pass {
        name: "convolution + pooled sums",
        run: |g| rewrite(g, |g, u, i| Ok(epilogue::fuse_pool(g, u, i))),
    },
    Pass { name: "unpacking + padding", run: |g| rewrite(g, |g, u, i| Ok(edges::unpack_padded(g, u, i))) },
    Pass { name: "cropping + packing", run: |g| rewrite(g, |g, u, i| Ok(edges::pack_cropped(g, u, i))) },
];

/// The graph after all passes.
///
/// # Errors
/// As [`Pass::run`].
pub fn optimize(mut graph: Graph) -> Result<Graph> {
    for pass in ALL {
        pass.run(&mut graph)?;
    }
    Ok(graph)
}

/// Who computes and who reads each tensor.
struct Uses {
    producer: Vec<Option<usize>>,
    readers: Vec<usize>,
}

impl Uses {
    fn of(graph: &Graph) -> Self {
        let mut uses =
            Self { producer: vec![None; graph.tensors.len()], readers: vec![0; graph.tensors.len()] };
        for (index, node) in graph.nodes.iter().enumerate() {
            node.outputs.iter().for_each(|t| uses.producer[t.0] = Some(index));
            node.inputs.iter().for_each(|t| uses.readers[t.0] += 1);
        }
        // A wanted tensor has a reader outside: nothing may be fused across it.
        graph.outputs.iter().for_each(|t| uses.readers[t.0] += 1);
        uses
    }

    /// The node whose only output is `tensor`, where nothing else reads that.
    fn sole(&self, graph: &Graph, tensor: TensorId) -> Option<usize> {
        let index = self.producer[tensor.0]?;
        (self.readers[tensor.0] == 1 && graph.nodes[index].outputs.len() == 1).then_some(index)
    }

    /// As [`Self::sole`], where the node is a 1x1 convolution with nothing fused in.
    fn sole_plain_1x1(&self, graph: &Graph, tensor: TensorId) -> Option<(usize, Conv)> {
        let index = self.sole(graph, tensor)?;
        match graph.nodes[index].op {
            Op::Conv(conv) if conv.is_plain_1x1() => Some((index, conv)),
            _ => None,
        }
    }
}

/// Nodes to take out, and what to put in place of the last of them.
struct Rewrite {
    remove: Vec<usize>,
    insert: Vec<Node>,
}

/// Applies a rule, node by node in execution order, until it matches nowhere.
fn rewrite(graph: &mut Graph, rule: fn(&mut Graph, &Uses, usize) -> Result<Option<Rewrite>>) -> Result<()> {
    let mut uses = Uses::of(graph);
    let mut index = 0;
    while index < graph.nodes.len() {
        let Some(Rewrite { remove, insert }) = rule(graph, &uses, index)? else {
            index += 1;
            continue;
        };
        let last = remove.iter().copied().max().unwrap_or(index);
        let nodes = std::mem::take(&mut graph.nodes);
        let mut insert = Some(insert);
        for (i, node) in nodes.into_iter().enumerate() {
            if i == last {
                graph.nodes.extend(insert.take().into_iter().flatten());
            } else if !remove.contains(&i) {
                graph.nodes.push(node);
            }
        }
        uses = Uses::of(graph);
        index = 0;
    }
    Ok(())
}
