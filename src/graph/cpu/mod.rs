//! The graph executed on the CPU in f64: slow, plain, and the specification of every shader.
//!
//! Values are planar (`[channels][height][width]`). Fused operators compute what their parts do.

mod attention;
mod conv;
mod edges;
mod pixels;
mod resample;
mod window;

use std::collections::HashMap;

use super::{Conv, Epilogue, Graph, Node, Op, ParamId, Sam, TensorDesc, TensorId};
use crate::{Error, Result};

/// Values of a tensor, `[channels][height][width]`; for [`super::Role::Words`] each is the 32-bit word.
#[derive(Clone, Debug)]
pub struct Value {
    /// Shape.
    pub desc: TensorDesc,
    /// Planar values.
    pub data: Vec<f64>,
}

impl Value {
    fn zeros(desc: TensorDesc) -> Self {
        let elements = desc.pixels() as usize * desc.channels as usize;
        Self { desc, data: vec![0.0; elements] }
    }

    fn plane(&self, channel: usize) -> &[f64] {
        let pixels = self.desc.pixels() as usize;
        &self.data[channel * pixels..(channel + 1) * pixels]
    }

    fn plane_mut(&mut self, channel: usize) -> &mut [f64] {
        let pixels = self.desc.pixels() as usize;
        &mut self.data[channel * pixels..(channel + 1) * pixels]
    }

    fn map(&self, desc: TensorDesc, f: impl Fn(f64) -> f64) -> Self {
        Self { desc, data: self.data.iter().map(|&v| f(v)).collect() }
    }

    fn zip(&self, other: &Self, desc: TensorDesc, f: impl Fn(f64, f64) -> f64) -> Self {
        Self { desc, data: self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect() }
    }
}

/// Runs the whole graph and gives every tensor it computes.
///
/// # Errors
/// [`Error::Input`] where the number of inputs or their lengths differ from the graph's.
pub fn run(graph: &Graph, inputs: &[Vec<f64>]) -> Result<HashMap<TensorId, Value>> {
    let mut values = HashMap::new();
    if inputs.len() != graph.inputs().len() {
        return Err(Error::Input(format!("{} inputs for {}", inputs.len(), graph.inputs().len())));
    }
    for (&id, data) in graph.inputs().iter().zip(inputs) {
        let desc = graph.desc(id);
        if data.len() as u64 != desc.elements() {
            return Err(Error::Input(format!(
                "{} values for {} of {desc}",
                data.len(),
                graph.tensor(id).name
            )));
        }
        values.insert(id, Value { desc, data: data.clone() });
    }
    for node in graph.nodes() {
        let results = execute(graph, node, &values);
        values.extend(node.outputs.iter().copied().zip(results));
    }
    Ok(values)
}

fn execute(graph: &Graph, node: &Node, values: &HashMap<TensorId, Value>) -> Vec<Value> {
    let input = |i: usize| &values[&node.inputs[i]];
    let out = graph.desc(node.outputs[0]);
    let x = input(0);
    match &node.op {
        Op::Unpack => vec![pixels::unpack(x, out)],
        Op::Pack => vec![pixels::pack(x, out)],
        Op::ReadPixels { format, .. } => vec![pixels::read(x, *format, out)],
        Op::WritePixels { format, strength } => vec![pixels::write(x, input(1), (*format, *strength))],
        Op::Pad { unpack: false, .. } => vec![edges::pad(x, out)],
        Op::Pad { unpack: true, .. } => {
            let image = pixels::unpack(x, TensorDesc { channels: out.channels, role: out.role, ..x.desc });
            vec![edges::pad(&image, out)]
        }
        Op::Crop { pack: false, .. } => vec![edges::crop(x, out)],
        Op::Crop { pack: true, .. } => {
            let corner = edges::crop(x, TensorDesc { channels: x.desc.channels, role: x.desc.role, ..out });
            vec![pixels::pack(&corner, out)]
        }
        Op::PixelUnshuffle { factor } => vec![pixels::unshuffle(x, out, *factor as usize)],
        Op::PixelShuffle { factor } => vec![pixels::shuffle(x, out, *factor as usize)],
        Op::Concat => {
            let data = x.data.iter().chain(&input(1).data).copied().collect();
            vec![Value { desc: out, data }]
        }
        Op::Conv(conv) => {
            let inputs: Vec<&Value> = node.inputs.iter().map(|id| &values[id]).collect();
            convolve(graph, conv, &inputs, out)
        }
        Op::Prelu { slope } => vec![prelu(x, *slope)],
        Op::Add => vec![x.zip(input(1), out, |a, b| a + b)],
        Op::Downsample => vec![resample::half(x, out)],
        Op::Upsample { residual } => {
            let up = resample::double(x, out);
            vec![if *residual { up.zip(input(1), out, |a, b| a + b) } else { up }]
        }
        Op::PoolCells => vec![attention::pool_cells(x, out)],
        Op::PoolRows => vec![attention::pool_rows(x, out)],
        Op::Attention(op) => vec![attention::gates(graph, op, x, out)],
        Op::Gate => vec![attention::gate(x, input(1), input(2), out)],
        Op::BoxMean(op) => {
            let means = window::means(x, op, out);
            vec![op.prelu.map_or_else(|| means.clone(), |slope| prelu(&means, slope))]
        }
        Op::SigmoidGate => {
            vec![sigmoid_gate(x, &window::of_pixels(input(1), out), input(2), out)]
        }
        Op::Sam(op) => sam(graph, op, x, input(1), out),
    }
}

fn convolve(graph: &Graph, op: &Conv, inputs: &[&Value], out: TensorDesc) -> Vec<Value> {
    let residual = op.epilogue == Epilogue::Residual;
    let (sources, rest) = inputs.split_at(inputs.len() - usize::from(residual));
    let halved: Vec<Value> = if op.halve {
        let half = |s: &&Value| {
            resample::half(s, TensorDesc { height: s.desc.height / 2, width: s.desc.width / 2, ..s.desc })
        };
        sources.iter().map(half).collect()
    } else {
        Vec::new()
    };
    let sources: Vec<&Value> = if op.halve { halved.iter().collect() } else { sources.to_vec() };
    let mut result = conv::convolve(&sources, graph.param(op.weight), bias(graph, op.bias), out);
    match op.epilogue {
        Epilogue::None => {}
        Epilogue::Prelu(slope) => result = prelu(&result, slope),
        Epilogue::Residual => result = result.zip(rest[0], out, |a, b| a + b),
    }
    if op.pooled {
        let cells = attention::pool_cells(&result, out.cells());
        return vec![result, cells];
    }
    vec![result]
}

fn sam(graph: &Graph, op: &Sam, x: &Value, image: &Value, out: TensorDesc) -> Vec<Value> {
    let pointwise = |source: &Value, weight: ParamId, b: Option<ParamId>, desc: TensorDesc| {
        conv::convolve(&[source], graph.param(weight), bias(graph, b), desc)
    };
    let image_out = TensorDesc { patches: out.patches, ..image.desc };
    let residual = pointwise(x, op.image, op.image_bias, image_out);
    let stage = residual.zip(image, image_out, |a, b| a + b);
    let map = pointwise(&stage, op.gate, op.gate_bias, out);
    let features = pointwise(x, op.features, op.features_bias, out);
    let gated = sigmoid_gate(&features, &map, x, out);
    if op.emit_image { vec![gated, stage] } else { vec![gated] }
}

fn sigmoid_gate(a: &Value, m: &Value, x: &Value, out: TensorDesc) -> Value {
    a.zip(m, out, |a, m| a * attention::sigmoid(m)).zip(x, out, |g, x| g + x)
}

fn prelu(x: &Value, slope: f32) -> Value {
    x.map(x.desc, |v| if v > 0.0 { v } else { f64::from(slope) * v })
}

fn bias(graph: &Graph, id: Option<ParamId>) -> Option<&[f32]> {
    id.map(|id| &*graph.param(id).data)
}
