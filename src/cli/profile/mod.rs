//! `mprnet profile`: where the time of a network goes on an adapter.

mod page;
mod plot;
mod report;
mod table;
mod trace;

use std::path::{Path, PathBuf};

use crate::gpu::Device;
use crate::graph::{Graph, passes};
use crate::inspect::build;
use crate::model::{Task, Weights};
use crate::probe::{self, Ceiling};
use crate::tune::{Tuner, Tuning};
use crate::{Error, Executor, ExecutorOptions, Span, Values, WeightStore};
use clap::{Args, ValueEnum};

use self::report::{Report, Subject};
use super::network::parse_size;
use super::session::{DeviceArgs, Model, TuningArgs};
use super::telling::with_bar;
use super::{Failure, NetworkArgs, dump, parse_task};

/// What the columns mean.
const NOTE: [&str; 4] = [
    "GFLOP/s count the operations that were executed, two per multiply-add; \"direct\" counts those of the operator's",
    "definition. GB/s count tensors, weights and scratch memory once each. \"Of ceiling\" is the least time that arithmetic,",
    "or memory traffic of tensors and weights, would allow, as a share of the time taken; caches can push it above",
    "100%.",
];

#[derive(Args)]
pub(super) struct ProfileArgs {
    /// Size of the photo
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program; default:
    /// denoise
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The model in this program for derain, denoise or deblur
    #[arg(long, value_parser = parse_task, conflicts_with = "model")]
    task: Option<Task>,
    /// A published configuration with random weights instead of a model: derain, denoise or deblur
    #[arg(long, value_parser = parse_task, conflicts_with_all = ["model", "task"])]
    config: Option<Task>,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    tuning: TuningArgs,
    /// Number of runs, of which the fastest is reported; 0 runs nothing and lists what would be executed
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1000), default_value_t = 3)]
    runs: u32,
    /// Format of the report; default: by the extension of --output, else a table
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes the report to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table for people
    Table,
    /// One object with everything
    Json,
    /// Trace events, for Perfetto or chrome://tracing
    Trace,
    /// A web page with a roofline plot
    Html,
}

impl Format {
    /// What the extension of a file says.
    fn of(path: Option<&Path>) -> Self {
        match dump::extension(path).as_deref() {
            Some("json") => Self::Json,
            Some("html" | "htm") => Self::Html,
            _ => Self::Table,
        }
    }
}

pub(super) fn run(args: &ProfileArgs, quiet: bool) -> Result<(), Failure> {
    args.network.mode.check()?;
    let read: Vec<&Path> = args.model.as_deref().into_iter().collect();
    dump::check_result(&read, args.output.as_deref())?;
    let own = ["html", "htm", "json", "md", "txt"];
    dump::check_name("-o", "a table, a web page or JSON", &own, args.output.as_deref())?;
    let (weights, model) = weights(args, quiet)?;
    let size = args.network.mode.seen(args.size);
    let graph = passes::optimize(build(&weights, size, args.network.stage(), args.network.mode.mode())?)?;
    let device = args.device.open(quiet)?;
    let (spans, bands) = measure(args, &device, graph, size, quiet)?;
    let ceilings: Vec<Ceiling> = if args.runs > 0 { probe::ceilings(&device)? } else { Vec::new() };
    let subject = Subject {
        model,
        configuration: weights.config().to_string(),
        precision: args.network.precision(),
        size,
        whole: args.size,
        bands,
        runs: args.runs,
    };
    write(&Report::new(device.adapter(), subject, spans, ceilings), args)
}

/// The weights, and what they are called.
fn weights(args: &ProfileArgs, quiet: bool) -> Result<(Weights, String), Error> {
    if let Some(task) = args.config {
        let weights = Weights::seeded(task.published_config(), 0);
        return Ok((weights, format!("random weights, published {task} configuration")));
    }
    let embedded = args.task.unwrap_or(Task::Denoise);
    let model = args.model.as_deref().map_or(Model::Embedded(embedded), Model::of);
    let name = match model {
        Model::File(_) => model.to_string(),
        Model::Embedded(task) => format!("embedded, {task}"),
    };
    Ok((model.read(quiet)?, name))
}

/// The fastest of the runs, after one that is not counted: it compiles, and finds how much a submission may hold. Also
/// in how many bands the photo was restored, if in bands.
fn measure(
    args: &ProfileArgs,
    device: &Device,
    graph: Graph,
    (width, height): (u32, u32),
    quiet: bool,
) -> Result<(Vec<Span>, Option<usize>), Error> {
    let precision = args.network.precision();
    // Nothing is executed without runs, for tuning neither.
    let tuning = if args.runs == 0 { Tuning::Off } else { args.tuning.on(device) };
    let choices = Tuner::new(tuning).choices(device, precision, &graph);
    // Runs find out how much a submission may hold, and cut work no smaller; without runs it is cut as little as can
    // be.
    let slice = (args.runs == 0).then_some(u64::MAX);
    let max_memory = args.network.max_memory;
    let options = ExecutorOptions { precision, slice, choices, max_memory, ..ExecutorOptions::default() };
    let mut executor = Executor::new(device, &WeightStore::default(), graph, &options)?;
    if args.runs == 0 {
        return Ok((executor.outline(), executor.bands()));
    }
    // Any photo takes the same time. This one has every value.
    let pixel = |i: u32| i.wrapping_mul(2_654_435_761) | 0xff00_0000;
    let photo = [Values::Words((0..width * height).map(pixel).collect())];
    with_bar("first run".to_owned(), quiet, |progress| executor.run(device, &photo, progress))?;
    let total = |spans: &[Span]| spans.iter().map(Span::seconds).sum::<f64>();
    let mut fastest = executor.profile(device, &photo)?;
    for _ in 1..args.runs {
        let spans = executor.profile(device, &photo)?;
        if total(&spans) < total(&fastest) {
            fastest = spans;
        }
    }
    Ok((fastest, executor.bands()))
}

fn write(report: &Report, args: &ProfileArgs) -> Result<(), Failure> {
    let text = match args.format.unwrap_or_else(|| Format::of(args.output.as_deref())) {
        Format::Table => Ok(table::render(report)),
        Format::Json => dump::json(report),
        Format::Trace => trace::render(report).map(|trace| trace + "\n").map_err(Into::into),
        Format::Html => Ok(page::render(report)),
    };
    Ok(dump::deliver(text, args.output.as_deref())?)
}
