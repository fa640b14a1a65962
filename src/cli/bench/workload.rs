//! What is measured for a program that compares engines: a convolution, a block or a network, with its input, from
//! files.

use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::graph::{Conv, Graph, KernelSize, Op, Param, Patches, Role, TensorDesc, passes};
use crate::model::{self, ImageFormat, Mode, NetworkOptions, Stage, Weights};
use crate::{Error, Values};
use clap::ValueEnum;

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A convolution, 3x3 or 1x1: `weight` and, if it has one, `bias`
    Conv,
    /// A channel attention block: its parameters under a checkpoint's keys, `body.0.weight` and so on
    Cab,
    /// A network on an image in [0, 1], with the weights of --model
    Network,
}

/// A graph of one input and one output, and the input.
pub(super) struct Workload {
    pub(super) graph: Graph,
    pub(super) input: [Values; 1],
}

impl Workload {
    /// Reads the input, and the parameters of a convolution or block; `weights` are those of a network.
    pub(super) fn read(kind: Kind, path: &Path, weights: Option<&Weights>) -> Result<Self, Error> {
        let file = Checkpoint::open(path)?;
        let desc = input_shape(&file)?;
        let input = [Values::Planar(file.values("x")?.to_vec())];
        let graph = match (kind, weights) {
            (Kind::Conv, _) => convolution(&file, desc)?,
            (Kind::Cab, _) => model::channel_attention_block(params(&file, "cab.")?, desc)?,
            (Kind::Network, weights) => {
                let weights = weights.ok_or_else(|| Error::Input("a network needs --model".to_owned()))?;
                network(weights, desc)?
            }
        };
        Ok(Self { graph: passes::optimize(graph)?, input })
    }
}

/// The shape of `x`.
fn input_shape(file: &Checkpoint<'_>) -> Result<TensorDesc, Error> {
    let found = file.shapes().remove("x").ok_or_else(|| Error::MissingKey { key: "x".to_owned() })?;
    let sides: Option<Vec<u32>> = found.iter().map(|&side| u32::try_from(side).ok()).collect();
    let Some(&[1, channels, height, width]) = sides.as_deref() else {
        let expected = "[1, channels, height, width]".to_owned();
        return Err(Error::Misshapen { key: "x".to_owned(), found, expected });
    };
    Ok(TensorDesc { channels, height, width, patches: Patches::WHOLE, role: Role::Feature })
}

/// Every tensor but the input, under its key behind `prefix`.
fn params(file: &Checkpoint<'_>, prefix: &str) -> Result<Vec<Param>, Error> {
    let others = file.shapes().into_iter().filter(|(key, _)| key != "x");
    let param = |(key, shape): (String, Vec<usize>)| {
        Ok(Param { data: file.values(&key)?, name: format!("{prefix}{key}"), shape })
    };
    others.map(param).collect()
}

fn convolution(file: &Checkpoint<'_>, desc: TensorDesc) -> Result<Graph, Error> {
    let mut graph = Graph::new();
    let (mut weight, mut bias) = (None, None);
    for param in params(file, "")? {
        match param.name.as_str() {
            "weight" => weight = Some((param.shape.clone(), graph.add_param(param))),
            "bias" => bias = Some(graph.add_param(param)),
            _ => return Err(Error::UnknownKey { key: param.name }),
        }
    }
    let (found, weight) = weight.ok_or_else(|| Error::MissingKey { key: "weight".to_owned() })?;
    let kernel = match found[..] {
        [_, _, 1, 1] => KernelSize::One,
        [_, _, 3, 3] => KernelSize::Three,
        _ => {
            let expected = "[out, in, 3, 3] or [out, in, 1, 1]".to_owned();
            return Err(Error::Misshapen { key: "weight".to_owned(), found, expected });
        }
    };
    let x = graph.add_input("x", desc);
    let y = graph.push("y", Op::Conv(Conv::new(kernel, weight, bias)), &[x], Patches::WHOLE)?;
    graph.mark_output(y);
    Ok(graph)
}

fn network(weights: &Weights, desc: TensorDesc) -> Result<Graph, Error> {
    let TensorDesc { channels, height, width, .. } = desc;
    if channels != 3 {
        return Err(Error::Input(format!("{channels} channels where an image has 3")));
    }
    let format = ImageFormat::Planar;
    model::build(
        weights,
        &NetworkOptions { height, width, format, stage: Stage::Three, mode: Mode::Global, keep: Vec::new() },
    )
}
