//! Moves of powers of two: tensors are stored times 2^k and the parameters around them divided, which changes no
//! result by a bit. What f16 would overflow on then fits.
//!
//! Every operator is homogeneous in what it reads, PReLU too since 2^k is positive, but for the sigmoids: in front of
//! those, and at images, the scale is 1. Convolutions take any scale on either side, so that tensors fall into
//! groups: within a channel attention block the features between its convolutions are one; `r` and the sum `g*r + x`
//! are of one scale, which makes a whole trunk of blocks another.

use super::{Conv, Epilogue, Graph, Node, Op, Param, ParamId, Role, TensorId};

/// Which tensors of a graph are of one scale.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The group of each tensor: one of its tensors.
    of: Vec<usize>,
    /// Whether the scale of each group is 1.
    fixed: Vec<bool>,
}

impl Groups {
    /// The groups of a graph.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let count = graph.tensor_count();
        let mut groups = Self { of: (0..count).collect(), fixed: vec![false; count] };
        let (tied, bound): (Vec<_>, Vec<_>) = graph.nodes.iter().map(scales).unzip();
        for pair in tied.iter().flat_map(|tensors| tensors.windows(2)) {
            groups.join(pair[0], pair[1]);
        }
        let images = graph.nodes.iter().flat_map(|n| &n.outputs).filter(|&&t| is_image(graph, t));
        for t in graph.inputs.iter().chain(images).copied().chain(bound.into_iter().flatten()) {
            let group = groups.of[t.0];
            groups.fixed[group] = true;
        }
        groups
    }

    /// Whether a tensor may be of another scale than 1.
    #[must_use]
    pub fn movable(&self, tensor: TensorId) -> bool {
        !self.fixed[self.of[tensor.0]]
    }

    /// The tensor of the same group that is computed first.
    #[must_use]
    pub fn first(&self, graph: &Graph, tensor: TensorId) -> TensorId {
        let same = |t: &TensorId| self.of[t.0] == self.of[tensor.0];
        graph.nodes.iter().flat_map(|n| &n.outputs).copied().find(same).unwrap_or(tensor)
    }

    /// The exponent of each tensor, by id, from those of measured groups: `measured` gives some tensors of a group and
    /// the exponent it is to have. A group of which nothing was measured takes the exponent of what it is computed
    /// from, so that the weights between them stay as they are.
    #[must_use]
    pub fn exponents(&self, graph: &Graph, measured: &[(TensorId, i32)]) -> Vec<i32> {
        let mut of_group: Vec<Option<i32>> = self.fixed.iter().map(|&fixed| fixed.then_some(0)).collect();
        for &(tensor, exponent) in measured.iter().filter(|(t, _)| self.movable(*t)) {
            of_group[self.of[tensor.0]] = Some(exponent);
        }
        for node in &graph.nodes {
            let inherited = of_group[self.of[node.inputs[0].0]].unwrap_or(0);
            for t in &node.outputs {
                of_group[self.of[t.0]].get_or_insert(inherited);
            }
        }
        self.of.iter().map(|&group| of_group[group].unwrap_or(0)).collect()
    }

    fn join(&mut self, a: TensorId, b: TensorId) {
        let (kept, lost) = (self.of[a.0], self.of[b.0]);
        self.of.iter_mut().filter(|group| **group == lost).for_each(|group| *group = kept);
    }
}

fn is_image(graph: &Graph, tensor: TensorId) -> bool {
    matches!(graph.desc(tensor).role, Role::Words | Role::Image)
}

/// The tensors of a node that are of one scale, and the one that it computes or reads and that a sigmoid sets the scale
/// of.
fn scales(node: &Node) -> (Vec<TensorId>, Option<TensorId>) {
    let (inputs, outputs) = (&node.inputs, &node.outputs);
    // Every operator is named: a new one that fell under a rule unseen would be scaled wrongly in silence.
    match &node.op {
        Op::Conv(conv) => {
            let added = inputs.last().filter(|_| conv.epilogue == Epilogue::Residual);
            (outputs.iter().chain(added).copied().collect(), None)
        }
        Op::Attention(_) => (Vec::new(), Some(outputs[0])),
        Op::Gate => (vec![inputs[0], inputs[1], outputs[0]], None),
        Op::SigmoidGate => (vec![inputs[0], inputs[2], outputs[0]], Some(inputs[1])),
        Op::Sam(_) => (vec![inputs[0], outputs[0]], None),
        Op::Unpack
        | Op::Pack
        | Op::ReadPixels { .. }
        | Op::WritePixels { .. }
        | Op::Pad { .. }
        | Op::Crop { .. }
        | Op::PixelUnshuffle { .. }
        | Op::PixelShuffle { .. }
        | Op::Concat
        | Op::Prelu { .. }
        | Op::Add
        | Op::Downsample
        | Op::Upsample { .. }
        | Op::PoolCells
        | Op::PoolRows
        | Op::BoxMean(_) => (inputs.iter().chain(outputs).copied().collect(), None),
    }
}

/// Changes parameters so that every tensor is computed times two to the power of its exponent, one for each tensor
/// id, as [`Groups::exponents`] gives them. Results are the same to the bit, unless a parameter or a feature leaves
/// the range of normal f32.
pub fn rescale(graph: &mut Graph, exponents: &[i32]) {
    for index in 0..graph.nodes.len() {
        let node = graph.nodes[index].clone();
        let at = |t: TensorId| exponents[t.0];
        graph.nodes[index].op = match node.op {
            Op::Conv(conv) => Op::Conv(rescale_conv(graph, &node, conv, exponents)),
            Op::Attention(mut attention) => {
                attention.squeeze = scaled(graph, attention.squeeze, -at(node.inputs[0]));
                Op::Attention(attention)
            }
            Op::Sam(mut sam) => {
                let exponent = at(node.inputs[0]);
                sam.features_bias = sam.features_bias.map(|bias| scaled(graph, bias, exponent));
                sam.image = scaled(graph, sam.image, -exponent);
                Op::Sam(sam)
            }
            unchanged => unchanged,
        };
    }
}

fn rescale_conv(graph: &mut Graph, node: &Node, conv: Conv, exponents: &[i32]) -> Conv {
    let sources = node.inputs.len() - usize::from(conv.epilogue == Epilogue::Residual);
    let out = exponents[node.outputs[0].0];
    let columns: Vec<i32> = node.inputs[..sources]
        .iter()
        .flat_map(|&t| vec![out - exponents[t.0]; graph.desc(t).channels as usize])
        .collect();
    let weight = scaled_columns(graph, conv.weight, &columns);
    let bias = conv.bias.map(|bias| scaled(graph, bias, out));
    Conv { weight, bias, ..conv }
}

/// A parameter times two to the power of `exponent`.
fn scaled(graph: &mut Graph, id: ParamId, exponent: i32) -> ParamId {
    scaled_columns(graph, id, &[exponent])
}

/// A parameter, each of its columns times two to its own power; one power is that of all.
fn scaled_columns(graph: &mut Graph, id: ParamId, exponents: &[i32]) -> ParamId {
    if exponents.iter().all(|&e| e == 0) {
        return id;
    }
    let param = graph.param(id).clone();
    let taps: usize = param.shape.iter().skip(2).product();
    let factor = |i: usize| f64::from(exponents[i / taps % exponents.len()]).exp2();
    let data = param.data.iter().enumerate().map(|(i, &v)| (f64::from(v) * factor(i)) as f32).collect();
    graph.add_param(Param { data, ..param })
}
