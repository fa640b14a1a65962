//! The network as data: nodes, tensors, parameters; no GPU.
//!
//! A [`Graph`] is built in execution order with shapes inferred as it grows; [`passes`] rewrite it into fewer,
//! larger operators; [`rescale()`] moves powers of two between parameters and features; [`cpu`] executes any graph in
//! f64 and is the twin every shader is tested against.

pub mod cost;
pub mod cpu;
mod infer;
mod op;
pub mod passes;
mod rescale;
mod tensor;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use op::{
    Attention, Axis, BoxMean, Conv, Epilogue, KernelSize, MAX_CHANNELS, Op, ParamId, PixelFormat, Sam,
    nearest_window,
};
pub use rescale::{Groups, rescale};
pub use tensor::{CELL, MEANS_PER_RUN, Patches, Role, TensorDesc, reflected};

use crate::{Error, Result};

/// Index of a tensor of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// A tensor: its shape, and the name of what computes it (a checkpoint's key without `.weight`, where one exists).
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Unique within the graph.
    pub name: String,
    /// Shape, patches, role.
    pub desc: TensorDesc,
}

/// An operator applied to tensors.
#[derive(Clone, Debug)]
pub struct Node {
    /// The operator.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<TensorId>,
    /// What it writes: one tensor, or two where a pass has fused a second result in.
    pub outputs: Vec<TensorId>,
}

/// A parameter: the values of one key of a checkpoint, or what a pass has made of several.
#[derive(Clone, Debug)]
pub struct Param {
    /// The key, or an expression of keys.
    pub name: String,
    /// `[out, in, k, k]` or `[out]`.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub data: Arc<[f32]>,
}

/// A static graph in execution order.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
    params: Vec<Param>,
    inputs: Vec<TensorId>,
    outputs: Vec<TensorId>,
    labels: BTreeMap<String, TensorId>,
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input tensor.
    pub fn add_input(&mut self, name: &str, desc: TensorDesc) -> TensorId {
        let id = self.new_tensor(name.to_owned(), desc);
        self.inputs.push(id);
        id
    }

    /// Adds a parameter.
    pub fn add_param(&mut self, param: Param) -> ParamId {
        self.params.push(param);
        ParamId(self.params.len() - 1)
    }

    /// Adds an operator on the given patch grid and gives its first output.
    ///
    /// # Errors
    /// [`Error::Shape`] where the inputs do not fit the operator.
    pub fn push(&mut self, name: &str, op: Op, inputs: &[TensorId], patches: Patches) -> Result<TensorId> {
        let node = self.make(name, op, inputs, patches)?;
        let first = node.outputs[0];
        self.nodes.push(node);
        Ok(first)
    }

    /// A node with new output tensors, not yet in the execution order.
    fn make(&mut self, name: &str, op: Op, inputs: &[TensorId], patches: Patches) -> Result<Node> {
        let descs = infer::outputs(self, &op, inputs, patches).map_err(|reason| Error::Shape {
            node: name.to_owned(),
            op: op.name(),
            reason,
        })?;
        let named = |i: usize| if i == 0 { name.to_owned() } else { format!("{name}#{i}") };
        let outputs =
            descs.into_iter().enumerate().map(|(i, desc)| self.new_tensor(named(i), desc)).collect();
        Ok(Node { op, inputs: inputs.to_vec(), outputs })
    }

    /// Gives a tensor a second name, as modules have that end in another module's output.
    pub fn label(&mut self, name: &str, tensor: TensorId) {
        self.labels.insert(name.to_owned(), tensor);
    }

    /// Marks a tensor as wanted after the run. Passes keep wanted tensors.
    pub fn mark_output(&mut self, tensor: TensorId) {
        if !self.outputs.contains(&tensor) {
            self.outputs.push(tensor);
        }
    }

    /// The tensor of that name or label, if it is still computed.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<TensorId> {
        let alive = |id: &TensorId| self.inputs.contains(id) || self.producer(*id).is_some();
        let named = || self.tensors.iter().position(|t| t.name == name).map(TensorId);
        self.labels.get(name).copied().or_else(named).filter(alive)
    }

    /// Names and labels of every tensor that is computed, in execution order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for &id in self.inputs.iter().chain(self.nodes.iter().flat_map(|n| &n.outputs)) {
            names.push(&self.tensors[id.0].name);
            names.extend(self.labels.iter().filter(|(_, t)| **t == id).map(|(l, _)| l.as_str()));
        }
        names
    }

    /// The operators in execution order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Graph inputs.
    #[must_use]
    pub fn inputs(&self) -> &[TensorId] {
        &self.inputs
    }

    /// Tensors wanted after the run.
    #[must_use]
    pub fn outputs(&self) -> &[TensorId] {
        &self.outputs
    }

    /// A tensor's name and shape.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// A tensor's shape.
    #[must_use]
    pub fn desc(&self, id: TensorId) -> TensorDesc {
        self.tensors[id.0].desc
    }

    /// How many tensors have ever been named, computed or not: ids are below this.
    #[must_use]
    pub fn tensor_count(&self) -> usize {
        self.tensors.len()
    }

    /// A parameter.
    #[must_use]
    pub fn param(&self, id: ParamId) -> &Param {
        &self.params[id.0]
    }

    /// The index of the node that computes a tensor.
    #[must_use]
    pub fn producer(&self, id: TensorId) -> Option<usize> {
        self.nodes.iter().position(|n| n.outputs.contains(&id))
    }

    fn new_tensor(&mut self, name: String, desc: TensorDesc) -> TensorId {
        self.tensors.push(Tensor { name, desc });
        TensorId(self.tensors.len() - 1)
    }
}
