//! `--serve`: a warm process that runs one workload whenever it is asked to, beside those of other engines.

use std::io::{self, BufRead};
use std::path::Path;

use crate::kernels::Target;
use crate::tune::Tuner;
use crate::{Captured, Error, Executor, ExecutorOptions, Values, WeightStore, gpu};
use serde::{Deserialize, Serialize};

use super::clock::{self, Sample};
use super::workload::{Kind, Workload};
use super::{BenchArgs, ServeArgs, Unmeasured, VariantArg};
use crate::cli::session::Model;
use crate::cli::{Failure, dump, print};

/// Runs before the first that is timed: the second finds how much one submission holds.
const WARM_UPS: usize = 2;

#[derive(Serialize)]
struct Greeting<'a> {
    ready: bool,
    version: &'a str,
    adapter: &'a str,
    driver: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "cmd", rename_all = "lowercase")]
enum Request {
    Run,
}

pub(super) fn run(args: &BenchArgs, quiet: bool) -> Result<(), Failure> {
    let (ServeArgs { workload: Some(kind), input: Some(input), .. }, Some(output)) =
        (&args.serve, &args.output)
    else {
        return Err(Failure::Usage("--serve takes --workload, --input and --output".to_owned()));
    };
    let model = match (kind, &args.model[..]) {
        (Kind::Network, [model]) => Some(model),
        (Kind::Conv | Kind::Cab, []) => None,
        _ => return Err(Failure::Usage("--model goes with --workload network, which takes one".to_owned())),
    };
    let variants = VariantArg::expand(&args.variant, VariantArg::Auto);
    let ([precision], [variant]) = (&args.precision[..], &variants[..]) else {
        return Err(Failure::Usage("--serve takes one --precision and one --variant".to_owned()));
    };
    let precision = precision.precision();
    let weights = model.map(|path| Model::of(path).read(quiet)).transpose()?;
    let Workload { graph, input } = Workload::read(*kind, input, weights.as_ref())?;
    let device = args.device.open(quiet)?;
    let refused = |reason: Unmeasured| Failure::Usage(reason.to_string());
    variant.check(&Target::of(&device, precision)).map_err(refused)?;
    let mut tuner = Tuner::new(args.tuning.on(&device));
    let choices = variant.choices().unwrap_or_else(|| tuner.choices(&device, precision, &graph));
    let options = ExecutorOptions { precision, choices, ..ExecutorOptions::default() };
    let mut executor = Executor::new(&device, &WeightStore::default(), graph, &options)?;
    let mut run = || executor.run(&device, &input, &mut |_| ());
    let mut results = run()?;
    for _ in 1..WARM_UPS {
        results = run()?;
    }
    write(output, executor.graph(), results)?;
    greet(&device)?;
    answer(&mut || executor.run_timed(&device, &input).map(|(_, seconds)| seconds))
}

/// Writes the one result as `y`.
fn write(path: &Path, graph: &crate::graph::Graph, results: Vec<Values>) -> Result<(), Error> {
    let both = graph.outputs().iter().zip(results).next();
    let (&id, values) = both.ok_or_else(|| Error::Input("the graph has no output".to_owned()))?;
    dump::write(&Captured { name: "y".to_owned(), desc: graph.desc(id), values }, path)
}

fn greet(device: &gpu::Device) -> Result<(), Error> {
    let gpu::AdapterSummary { name, driver, .. } = device.adapter();
    tell(&Greeting { ready: true, version: env!("CARGO_PKG_VERSION"), adapter: name, driver })
}

/// Runs the workload for every line on standard input, until that ends.
fn answer(run: &mut dyn FnMut() -> Result<Option<f64>, Error>) -> Result<(), Failure> {
    for line in io::stdin().lock().lines() {
        let io = |source| Error::Io { action: "read", path: "standard input".into(), source };
        let line = line.map_err(io)?;
        let Ok(Request::Run) = serde_json::from_str(&line) else {
            let text = format!("{{\"cmd\": \"run\"}} is expected on standard input, not {:.80}", line.trim());
            return Err(Failure::Usage(text));
        };
        let sample: Sample = clock::time(&mut *run)?;
        tell(&sample)?;
    }
    Ok(())
}

fn tell(message: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(message).map_err(|e| Error::Io {
        action: "write to",
        path: "standard output".into(),
        source: e.into(),
    })?;
    print(&(text + "\n"))
}
