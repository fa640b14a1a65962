//! Single operators on graphs of their own, with random parameters and inputs: what is measured, and what is compared
//! with the twin.

use std::sync::OnceLock;

use crate::gpu::{Device, Storage};
use crate::graph::{
    Conv, Epilogue, Graph, KernelSize, Node, Op, Param, ParamId, Patches, Role, TensorDesc, TensorId, cpu,
};
use crate::kernels::{ConvShape, Variant};
use crate::model::normal_values;
use crate::{Executor, ExecutorOptions, Result, Values, WeightStore};

/// Relative L2 error of what is stored in f16, which rounds inputs, weights and results to 11 bits: 2^-11 each at most,
/// 2^-12 or so in the mean.
pub(crate) const HALF: f64 = 1e-3;

/// Slope of a specimen's PReLU, near what networks have learnt.
const SLOPE: f32 = 0.2;
/// Random values of an input before they repeat: a prime, so that no two rows or channels are alike.
const PERIOD: usize = 65_521;

/// An operator on a graph of its own.
#[derive(Debug)]
pub struct Specimen {
    graph: Graph,
    inputs: Vec<Values>,
    expected: OnceLock<Vec<Vec<f64>>>,
}

impl Specimen {
    /// A 3x3 convolution of that shape, with biases.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where the shape contradicts itself.
    pub fn convolution(shape: &ConvShape) -> Result<Self> {
        Self::reading(shape, &[])
    }

    /// The same of sources, and then a residual, that are tensors for those things; features where none is given.
    pub(crate) fn reading(shape: &ConvShape, roles: &[Role]) -> Result<Self> {
        let patches = Patches { rows: shape.patches[0], cols: shape.patches[1] };
        let mut roles = roles.iter().copied();
        let mut desc = |channels| {
            let role = roles.next().unwrap_or(Role::Feature);
            TensorDesc { role, ..feature(channels, shape.size, patches) }
        };
        let mut graph = Graph::new();
        let mut sources: Vec<TensorId> = Vec::new();
        for (i, &channels) in shape.inputs.iter().enumerate() {
            sources.push(graph.add_input(&format!("x{i}"), desc(channels)));
        }
        let (weight, bias) =
            parameters(&mut graph, KernelSize::Three, shape.inputs.iter().sum(), shape.outputs);
        let epilogue = match shape.epilogue {
            "prelu" => Epilogue::Prelu(SLOPE),
            "residual" => Epilogue::Residual,
            _ => Epilogue::None,
        };
        if epilogue == Epilogue::Residual {
            sources.push(graph.add_input("residual", desc(shape.outputs)));
        }
        let conv =
            Conv { epilogue, pooled: shape.pooled, ..Conv::new(KernelSize::Three, weight, Some(bias)) };
        Self::new(graph, Op::Conv(conv), &sources, patches)
    }

    /// A 1x1 convolution of as many channels to as many, `size` rows and columns.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where a side or the channels are none.
    pub fn pointwise(channels: u32, size: [u32; 2]) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.add_input("x", feature(channels, size, Patches::WHOLE));
        let (weight, bias) = parameters(&mut graph, KernelSize::One, channels, channels);
        Self::new(graph, Op::Conv(Conv::new(KernelSize::One, weight, Some(bias))), &[x], Patches::WHOLE)
    }

    /// The end of channel attention: gate * r + x.
    ///
    /// # Errors
    /// As [`Self::pointwise`].
    pub fn gate(channels: u32, size: [u32; 2]) -> Result<Self> {
        let mut graph = Graph::new();
        let desc = feature(channels, size, Patches::WHOLE);
        let gates = TensorDesc { height: 1, width: 1, role: Role::Pooled, ..desc };
        let inputs =
            [("r", desc), ("x", desc), ("gates", gates)].map(|(name, desc)| graph.add_input(name, desc));
        Self::new(graph, Op::Gate, &inputs, Patches::WHOLE)
    }

    /// Sums per cell of 8x8 pixels.
    ///
    /// # Errors
    /// As [`Self::pointwise`].
    pub fn pool_cells(channels: u32, size: [u32; 2]) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.add_input("x", feature(channels, size, Patches::WHOLE));
        Self::new(graph, Op::PoolCells, &[x], Patches::WHOLE)
    }

    fn new(mut graph: Graph, op: Op, inputs: &[TensorId], patches: Patches) -> Result<Self> {
        graph.push("y", op, inputs, patches)?;
        Ok(Self::of(graph))
    }

    /// A graph, of which the last operator's results count.
    pub(super) fn of(mut graph: Graph) -> Self {
        let outputs = graph.nodes().last().map_or_else(Vec::new, |node| node.outputs.clone());
        outputs.into_iter().for_each(|output| graph.mark_output(output));
        let random = normal_values("x", &[PERIOD, 1]);
        let values = |(i, id): (usize, &TensorId)| {
            let desc = graph.desc(*id);
            let drawn = random.iter().copied().cycle().skip(i * PERIOD / 3).take(desc.elements() as usize);
            match desc.role {
                Role::Words => Values::Words(drawn.map(|v| (v.to_bits() >> 3) | 0xff00_0000).collect()),
                _ => Values::Planar(drawn.collect()),
            }
        };
        let inputs = graph.inputs().iter().enumerate().map(values).collect();
        Self { graph, inputs, expected: OnceLock::new() }
    }

    /// The graph of one operator.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Values for its inputs, drawn from N(0, 1).
    #[must_use]
    pub fn inputs(&self) -> &[Values] {
        &self.inputs
    }

    /// The operator compiled, its inputs on the device.
    ///
    /// # Errors
    /// As [`Executor::new`] and [`Executor::run`].
    pub fn executor(&self, device: &Device, options: &ExecutorOptions) -> Result<Executor> {
        let executor = Executor::new(device, &WeightStore::default(), self.graph.clone(), options)?;
        executor.load(device, &self.inputs)?;
        Ok(executor)
    }

    /// Relative L2 error against the CPU twin in f64, of the worst output; infinite where one is not finite. The twin
    /// is slow: for crops.
    ///
    /// # Errors
    /// As [`Self::executor`].
    pub fn error(&self, device: &Device, options: &ExecutorOptions) -> Result<f64> {
        self.error_of(&self.results(&mut self.executor(device, options)?, device)?)
    }

    /// The same of what a run has given.
    pub(super) fn error_of(&self, results: &[Values]) -> Result<f64> {
        let expected = if let Some(known) = self.expected.get() {
            known
        } else {
            let computed = self.twin()?;
            self.expected.get_or_init(|| computed)
        };
        Ok(results.iter().zip(expected).map(|(values, twin)| output_error(values, twin)).fold(0.0, f64::max))
    }

    /// The shape of its 3x3 convolution, if it is one.
    pub(super) fn conv_shape(&self) -> Option<ConvShape> {
        let three = |node: &Node| match &node.op {
            Op::Conv(conv) if conv.kernel == KernelSize::Three => {
                Some(ConvShape::of(&self.graph, node, conv))
            }
            _ => None,
        };
        self.graph.nodes().iter().find_map(three)
    }

    /// What one run gives.
    pub(super) fn results(&self, executor: &mut Executor, device: &Device) -> Result<Vec<Values>> {
        // What a kernel leaves unwritten is not to look right.
        executor.poison(device);
        executor.run(device, &self.inputs, &mut |_| ())
    }

    fn twin(&self) -> Result<Vec<Vec<f64>>> {
        let exact = |values: &Values| match values {
            Values::Planar(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Values::Words(words) => words.iter().map(|&w| f64::from(w)).collect(),
        };
        let inputs: Vec<Vec<f64>> = self.inputs.iter().map(exact).collect();
        let mut values = cpu::run(&self.graph, &inputs)?;
        Ok(self.graph.outputs().iter().filter_map(|id| values.remove(id)).map(|v| v.data).collect())
    }
}

fn feature(channels: u32, [height, width]: [u32; 2], patches: Patches) -> TensorDesc {
    TensorDesc { channels, height, width, patches, role: Role::Feature }
}

/// Weights that keep sums of order one, and biases.
fn parameters(graph: &mut Graph, kernel: KernelSize, inputs: u32, outputs: u32) -> (ParamId, ParamId) {
    let side = kernel.side() as usize;
    let mut param = |name: &str, shape: Vec<usize>| {
        let data = normal_values(name, &shape);
        graph.add_param(Param { name: name.to_owned(), shape, data })
    };
    let weight = param("weight", vec![outputs as usize, inputs as usize, side, side]);
    (weight, param("bias", vec![outputs as usize]))
}

/// Relative L2 error of an output. Pixels are right or they are not.
fn output_error(actual: &Values, expected: &[f64]) -> f64 {
    match actual {
        Values::Planar(actual) => relative_l2(actual, expected),
        Values::Words(words) => {
            let equal =
                words.len() == expected.len() && words.iter().zip(expected).all(|(&w, &e)| f64::from(w) == e);
            if equal { 0.0 } else { f64::INFINITY }
        }
    }
}

/// Relative L2 error that a variant's results may have, stored like that.
#[must_use]
pub fn bound(variant: Variant, storage: Storage) -> f64 {
    if storage == Storage::F32 { variant.bound() } else { variant.bound().max(HALF) }
}

/// Relative L2 error ||a - b|| / ||b||; infinite where a value is not finite or something is missing.
pub(crate) fn relative_l2(actual: &[f32], expected: &[f64]) -> f64 {
    if actual.len() != expected.len() || actual.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let square = |v: f64| v * v;
    let error: f64 = actual.iter().zip(expected).map(|(&a, b)| square(f64::from(a) - b)).sum();
    let norm: f64 = expected.iter().map(|&b| square(b)).sum();
    match (error, norm) {
        (0.0, _) => 0.0,
        (_, norm) if norm > 0.0 && norm.is_finite() => (error / norm).sqrt(),
        _ => f64::INFINITY,
    }
}
