//! What `plan` and `inspect` tell of a network, without a GPU.

use std::fmt::Display;

use crate::Error;
use crate::gpu::Storage;
use crate::graph::{Graph, Node, passes};
use crate::image::MAX_PIXELS;
use crate::kernels::{self, Packing, Target};
use crate::model::{self, ImageFormat, Mode, NetworkOptions, Stage, Weights};
use crate::plan::Precision;

/// The largest buffer that devices commonly have, in MiB.
pub(super) const BUFFER_MIB: u64 = 2048;

/// A photo's size as a command-line value.
pub(super) fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height): (u32, u32) =
        sides.filter(|&(w, h)| w > 0 && h > 0).ok_or_else(|| "WIDTHxHEIGHT is expected".to_owned())?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("photos of at most {MAX_PIXELS} pixels are read"));
    }
    Ok((width, height))
}

/// The network for photos of this size, in 8 bits.
pub(super) fn build(
    weights: &Weights,
    (width, height): (u32, u32),
    stage: Stage,
    mode: Mode,
) -> Result<Graph, Error> {
    let options = NetworkOptions { width, height, format: ImageFormat::Words, stage, mode, keep: vec![] };
    model::build(weights, &options)
}

/// A network as it is defined, without what no result needs, and as it is executed.
pub(super) struct Forms {
    pub(super) defined: Graph,
    pub(super) executed: Graph,
}

impl Forms {
    pub(super) fn of(graph: Graph) -> Result<Self, Error> {
        let mut defined = graph.clone();
        passes::drop_dead(&mut defined);
        Ok(Self { defined, executed: passes::optimize(graph)? })
    }
}

/// What is planned for at this precision: any adapter that has 16-bit floats.
pub(super) fn target(precision: Precision) -> Target {
    let storage = if precision == Precision::F16 { Storage::F16 } else { Storage::F32 };
    Target { direct_sums: precision == Precision::Exact, ..Target::portable(storage) }
}

/// Bytes of a graph's weights as its kernels read them.
pub(super) fn packed_weights(graph: &Graph, precision: Precision) -> u64 {
    let bytes = |packing: &Packing| {
        let packed = (packing.pack)(graph);
        let element = if packing.storage == Storage::F32 { 4 } else { 2 };
        packed.weights.len() as u64 * element + packed.bias.len() as u64 * 4
    };
    let of_node = |node: &Node| {
        let stages = kernels::lower(graph, node, &target(precision)).stages;
        stages.iter().filter_map(|s| s.packing.as_ref()).map(bytes).sum::<u64>()
    };
    graph.nodes().iter().map(of_node).sum()
}

/// Bytes in MiB, as a table has them.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// A row of a table with two columns of values.
pub(super) fn row(name: &str, a: &dyn Display, b: &dyn Display) -> String {
    format!("{name:<34}{a:>14}{b:>14}")
}

/// One line each.
pub(super) fn lines<T: Display>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}
