//! `mprnet plan`: what a network becomes, without a GPU.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;

use clap::Args;
use mprnet::Error;
use mprnet::gpu::Storage;
use mprnet::graph::{Graph, Node, Role, TensorId, cost, passes};
use mprnet::image::{MAX_PIXELS, padded_side};
use mprnet::kernels::{self, Params};
use mprnet::model::{self, ImageFormat, ModelConfig, NetworkOptions, Weights};
use mprnet::plan::{Layout, MemoryPlan, Precision};

use super::{Failure, NetworkArgs, parse_config, print};

/// Larger buffers than 64 GiB no device has, and shaders could not address them.
const MAX_BUFFER_MIB: u64 = (1 << 16) - 1;

#[derive(Args)]
pub(super) struct PlanArgs {
    /// The photo's size; padded as the network needs
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Weights as safetensors; without it the denoiser that ships in this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// A published configuration instead: derain, denoise or deblur
    #[arg(long, value_parser = parse_config, conflicts_with = "model")]
    config: Option<ModelConfig>,
    #[command(flatten)]
    network: NetworkArgs,
    /// Largest buffer of the device, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_BUFFER_MIB))]
    buffer_limit: u64,
    /// Lists the names of all tensors instead, as --dump takes them
    #[arg(long)]
    tensors: bool,
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height): (u32, u32) =
        sides.filter(|&(w, h)| w > 0 && h > 0).ok_or_else(|| "WIDTHxHEIGHT is expected".to_owned())?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("photos of at most {MAX_PIXELS} pixels are read"));
    }
    Ok((width, height))
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Failure> {
    let weights = match (&args.model, args.config) {
        (Some(path), _) => Weights::read(path)?,
        (None, Some(config)) => Weights::seeded(config, 0),
        (None, None) => Weights::denoise()?,
    };
    let multiple = weights.config().side_multiple();
    let padded = |side: u32| {
        let too_large = || Error::Size { width: args.size.0, height: args.size.1, multiple };
        padded_side(side, multiple).ok_or_else(too_large)
    };
    let (width, height) = (padded(args.size.0)?, padded(args.size.1)?);
    let stage = args.network.stage();
    let options = NetworkOptions { width, height, format: ImageFormat::Words, stage, keep: vec![] };
    let before = model::build(&weights, &options)?;
    if args.tensors {
        return Ok(print(&lines(before.names()))?);
    }
    let mut alive = before.clone();
    passes::drop_dead(&mut alive);
    let after = passes::optimize(before)?;
    let precision = args.network.precision();
    // Memory first: it is where photos end that are too large to count kernels for.
    let memory = memory(&alive, &after, args)?;
    let network = [
        weights.config().to_string(),
        format!("{} parameters, {width}x{height}, {precision:?}", weights.parameter_count()),
    ];
    let tables = [lines(network), operators(&alive, &after, precision), memory];
    Ok(print(&tables.join("\n"))?)
}

fn lines<T: Display>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}

/// Operators by kind, arithmetic and traffic, before passes and after.
fn operators(before: &Graph, after: &Graph, precision: Precision) -> String {
    let mut kinds: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (column, graph) in [before, after].into_iter().enumerate() {
        graph.nodes().iter().for_each(|node| kinds.entry(node.op.name()).or_default()[column] += 1);
    }
    let line = |name: &str, a: &dyn Display, b: &dyn Display| format!("{name:<18}{a:>14}{b:>14}");
    let mut table = vec![line("", &"as defined", &"after passes")];
    table.extend(kinds.iter().map(|(kind, [defined, executed])| line(kind, defined, executed)));
    let mut row = |name: &str, value: &dyn Fn(&Graph) -> String| {
        table.push(line(name, &value(before), &value(after)));
    };
    row("operators", &|g| g.nodes().len().to_string());
    let sum = |g: &Graph, of: &dyn Fn(&Node) -> u64| g.nodes().iter().map(of).sum::<u64>() as f64;
    row("GFLOP", &|g| format!("{:.1}", 2e-9 * sum(g, &|n| cost::multiply_adds(g, n))));
    let bytes = |g: &Graph, id: TensorId| Layout::of(&g.desc(id), precision).bytes();
    row("GB moved", &|g| format!("{:.2}", 1e-9 * sum(g, &|n| cost::bytes(n, |id| bytes(g, id)))));
    row("kernels", &|g| specs(g, precision).to_string());
    lines(table)
}

/// How many distinct pipelines a graph needs.
fn specs(graph: &Graph, precision: Precision) -> usize {
    let spec = |node| kernels::lower(graph, node, storage(precision)).spec;
    graph.nodes().iter().map(spec).collect::<BTreeSet<_>>().len()
}

fn storage(precision: Precision) -> Storage {
    match precision {
        Precision::F32 => Storage::F32,
        Precision::F16 => Storage::F16,
    }
}

/// Slots, peak memory and what no plan can undercut, before passes and after.
fn memory(before: &Graph, after: &Graph, args: &PlanArgs) -> Result<String, Error> {
    let precision = args.network.precision();
    let plan = |graph| MemoryPlan::new(graph, precision, args.buffer_limit << 20);
    let plans = [(before, plan(before)?), (after, plan(after)?)];
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let uniforms = |g: &Graph| g.nodes().len() as u64 * size_of::<Params>().next_multiple_of(256) as u64;
    let mut table = vec![format!("{:<34}{:>14}{:>14}", "memory, MiB", "as defined", "after passes")];
    let mut row = |name: &str, value: &dyn Fn(&Graph, &MemoryPlan) -> String| {
        let [a, b] = [&plans[0], &plans[1]].map(|(g, p)| value(g, p));
        table.push(format!("{name:<34}{a:>14}{b:>14}"));
    };
    row("slots", &|_, p| p.slot_sizes().len().to_string());
    row("without reuse", &|_, p| mib(p.unshared_bytes()));
    row("alive at the worst step", &|_, p| mib(p.live_bound()));
    row("tensors in slots", &|_, p| mib(p.bytes()));
    row("  ratio to the worst step", &|_, p| format!("{:.3}", p.bytes() as f64 / p.live_bound() as f64));
    row("  largest pooled sums (in a slot)", &|g, p| mib(largest_sums(g, p)));
    row("staging (upload and read back)", &|g, p| mib(staging(g, p)));
    row("uniforms, uncut", &|g, _| mib(uniforms(g)));
    row("peak, weights apart", &|g, p| mib(p.bytes() + staging(g, p) + uniforms(g)));
    row("weights, packed", &|g, _| mib(packed_weights(g, precision)));
    Ok(lines(table))
}

fn staging(graph: &Graph, plan: &MemoryPlan) -> u64 {
    let size = |id: &TensorId| plan.placement(*id).map_or(0, |p| p.layout.bytes());
    graph.inputs().iter().chain(graph.outputs()).map(size).sum()
}

fn largest_sums(graph: &Graph, plan: &MemoryPlan) -> u64 {
    let outputs =
        graph.nodes().iter().flat_map(|n| &n.outputs).filter(|&&id| graph.desc(id).role == Role::Sums);
    outputs.filter_map(|&id| plan.placement(id)).map(|p| p.layout.bytes()).max().unwrap_or(0)
}

fn packed_weights(graph: &Graph, precision: Precision) -> u64 {
    let bytes = |node: &Node| {
        let Some(packing) = kernels::lower(graph, node, storage(precision)).packing else { return 0 };
        let packed = (packing.pack)(graph);
        let element = if packing.storage == Storage::F32 { 4 } else { 2 };
        packed.weights.len() as u64 * element + packed.bias.len() as u64 * 4
    };
    graph.nodes().iter().map(bytes).sum()
}
