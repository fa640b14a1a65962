//! `mprnet plan`: what a network becomes, without a GPU.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;

use crate::Error;
use crate::graph::{Graph, Node, Role, TensorId, cost};
use crate::inspect::{BUFFER_MIB, Forms, build, packed_weights, target};
use crate::kernels::{self, Params, Target};
use crate::model::{self, Task, Weights};
use crate::plan::{Budget, Layout, MemoryPlan, Precision};
use clap::Args;

use super::network::{lines, mib, parse_size, row};
use super::{Failure, NetworkArgs, parse_task, print};

/// Larger buffers than 64 GiB no device has, and shaders could not address them.
const MAX_BUFFER_MIB: u64 = (1 << 16) - 1;

#[derive(Args)]
pub(super) struct PlanArgs {
    /// Size of the photo
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program; default:
    /// denoise
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// A published configuration instead of a model: derain, denoise or deblur
    #[arg(long, value_parser = parse_task, conflicts_with = "model")]
    config: Option<Task>,
    #[command(flatten)]
    network: NetworkArgs,
    /// Largest buffer that the device allows, in MiB
    #[arg(long, value_name = "MIB", default_value_t = BUFFER_MIB)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_BUFFER_MIB))]
    buffer_limit: u64,
    /// Lists the names of all tensors instead, for --dump
    #[arg(long)]
    tensors: bool,
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Failure> {
    args.network.mode.check()?;
    let weights = match (&args.model, args.config) {
        (Some(path), _) => Weights::from_checkpoint(&model::open(path)?)?,
        (None, Some(task)) => Weights::seeded(task.published_config(), 0),
        (None, None) => Weights::embedded(Task::Denoise)?,
    };
    let (width, height) = args.network.mode.seen(args.size);
    let graph = build(&weights, (width, height), args.network.stage(), args.network.mode.mode())?;
    if args.tensors {
        return Ok(print(&lines(graph.names()))?);
    }
    let forms = Forms::of(graph)?;
    let precision = args.network.precision();
    // Memory first: it is where photos end that are too large to count kernels for.
    let memory = memory(&forms, args)?;
    let whole = (width, height) == args.size;
    let part = if whole { String::new() } else { format!("; one tile of {}x{}", args.size.0, args.size.1) };
    let network = [
        weights.config().to_string(),
        format!("{} parameters, {width}x{height}, {}{part}", weights.parameter_count(), precision.name()),
    ];
    let mut tables = vec![lines(network), operators(&forms, precision), memory];
    if let Some(budget) = args.network.max_memory {
        tables.push(bands(&forms.executed, precision, budget, args.buffer_limit << 20)?);
    }
    Ok(print(&tables.join("\n"))?)
}

/// Operators by kind, arithmetic and traffic, before passes and after.
fn operators(Forms { defined: before, executed: after }: &Forms, precision: Precision) -> String {
    let mut kinds: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (column, graph) in [before, after].into_iter().enumerate() {
        graph.nodes().iter().for_each(|node| kinds.entry(node.op.name()).or_default()[column] += 1);
    }
    let line = |name: &str, a: &dyn Display, b: &dyn Display| format!("{name:<24}{a:>14}{b:>14}");
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
    row("pipelines, any adapter", &|g| specs(g, &target(precision)).to_string());
    let lavapipe =
        Target { direct_sums: target(precision).direct_sums, ..Target::lavapipe(target(precision).storage) };
    row("pipelines, lavapipe", &|g| specs(g, &lavapipe).to_string());
    lines(table)
}

/// How many distinct pipelines a graph needs.
fn specs(graph: &Graph, target: &Target) -> usize {
    let stages = graph.nodes().iter().flat_map(|node| kernels::lower(graph, node, target).stages);
    stages.map(|stage| stage.spec).collect::<BTreeSet<_>>().len()
}

/// Slots, peak memory and what no plan can undercut, before passes and after.
fn memory(forms: &Forms, args: &PlanArgs) -> Result<String, Error> {
    let precision = args.network.precision();
    let plan = |graph| MemoryPlan::new(graph, precision, args.buffer_limit << 20, &[]);
    let (before, after) = (&forms.defined, &forms.executed);
    // What is too large as defined may be gone after passes; and what is too large whole may fit in bands.
    let whole = match args.network.max_memory {
        Some(_) => plan(after).ok(),
        None => Some(plan(after)?),
    };
    let plans = [(before, plan(before).ok()), (after, whole)];
    let uniforms = |g: &Graph| g.nodes().len() as u64 * size_of::<Params>().next_multiple_of(256) as u64;
    let mut table = vec![row("memory, MiB", &"as defined", &"after passes")];
    let mut both = |name: &str, value: &dyn Fn(&Graph, &MemoryPlan) -> String| {
        let [a, b] =
            [&plans[0], &plans[1]].map(|(g, p)| p.as_ref().map_or_else(|| "-".to_owned(), |p| value(g, p)));
        table.push(row(name, &a, &b));
    };
    both("slots", &|_, p| p.slot_sizes().len().to_string());
    both("without reuse", &|_, p| mib(p.unshared_bytes()));
    both("peak of live tensors", &|_, p| mib(p.live_bound()));
    both("tensors in slots", &|_, p| mib(p.bytes()));
    both("  ratio to that peak", &|_, p| format!("{:.3}", p.bytes() as f64 / p.live_bound() as f64));
    both("  largest pooled sums (in a slot)", &|g, p| mib(largest_sums(g, p)));
    both("staging (upload and read back)", &|g, p| mib(staging(g, p)));
    both("uniforms, uncut", &|g, _| mib(uniforms(g)));
    both("peak, weights apart", &|g, p| mib(p.bytes() + staging(g, p) + uniforms(g)));
    both("weights, packed", &|g, _| mib(packed_weights(g, precision)));
    Ok(lines(table))
}

/// What a memory budget makes of the whole photo.
fn bands(graph: &Graph, precision: Precision, bytes: u64, buffer: u64) -> Result<String, Error> {
    let budget = Budget { bytes, buffer, precision };
    let (plan, operators) = kernels::planned(graph, &budget, &target(precision))?;
    let row_bytes = |id| Layout::of(&graph.desc(id), precision).row_bytes;
    let (whole, repeated) = (!plan.schedule.streams(), plan.schedule.repeated(&operators));
    let work = operators.iter().map(|o| o.work as f64).sum::<f64>();
    let one = |name: &str, value: String| format!("{name:<34}{value:>14}");
    let bands = if whole { "whole".to_owned() } else { plan.schedule.bands.len().to_string() };
    Ok(lines([
        one(&format!("within {} MiB", bytes >> 20), String::new()),
        one("bands of all groups", bands),
        one("device, MiB", mib(plan.device_bytes())),
        one("  of it to move rows", mib(plan.staging)),
        one("host, MiB", mib(plan.host_bytes())),
        one("moved between them, MiB", mib(plan.schedule.traffic(row_bytes))),
        one("work that bands repeat, %", format!("{:.1}", 100.0 * repeated)),
        one("time, to that of the whole", format!("{:.2}", plan.cost(graph, &operators, precision) / work)),
        "  by 10 TFLOP/s, and 12.5 GB/s between host and device".to_owned(),
    ]))
}

fn staging(graph: &Graph, plan: &MemoryPlan) -> u64 {
    let size = |id: &TensorId| plan.placement(*id).map_or(0, |p| p.layout.bytes());
    graph.inputs().iter().chain(graph.outputs()).map(size).sum()
}

fn largest_sums(graph: &Graph, plan: &MemoryPlan) -> u64 {
    let outputs =
        graph.nodes().iter().flat_map(|n| &n.outputs).filter(|&&id| graph.desc(id).role == Role::Pooled);
    outputs.filter_map(|&id| plan.placement(id)).map(|p| p.layout.bytes()).max().unwrap_or(0)
}
