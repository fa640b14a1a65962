//! Networks: every model at every size, precision, mode and variant.

use std::collections::BTreeSet;

use crate::graph::{Graph, Kernel, Op};
use crate::inspect::{Forms, build};
use crate::kernels::ConvShape;
use crate::model::{Mode, Stage, Task, Weights};
use crate::plan::Precision;
use crate::tune::Tuner;
use crate::{Error, Executor, ExecutorOptions, Shown, Values, WeightStore, gpu};

use super::race::{self, Runner};
use super::report::{Cell, Row};
use super::{BenchArgs, Measured, Unmeasured, VariantArg};
use crate::cli::session::Model;

/// A network to be measured.
struct Entry<'a> {
    model: &'a str,
    weights: &'a Weights,
    store: &'a WeightStore,
    size: (u32, u32),
    precision: Precision,
    /// What its means are taken over, and the name of that.
    mode: (Mode, &'static str),
    variant: VariantArg,
}

/// An entry that is ready, and how its convolutions are computed; or why it is not.
type Outcome<'a> = Result<(Runner<'a>, String), Unmeasured>;

pub(super) fn run(args: &BenchArgs, quiet: bool) -> Measured {
    let models = models(args, quiet)?;
    let device = args.device.open(quiet)?;
    let mut tuner = Tuner::new(args.tuning.on(&device));
    let mut entries = Vec::new();
    for (model, weights, store) in &models {
        for &size in &args.size {
            for precision in args.precision.iter().map(|p| p.precision()) {
                for mode in args.mode.iter().map(|&arg| (args.trained.mode(arg), arg.name())) {
                    for variant in VariantArg::expand(&args.variant, VariantArg::Auto) {
                        entries.push(Entry { model, weights, store, size, precision, mode, variant });
                    }
                }
            }
        }
    }
    let mut outcomes: Vec<Outcome<'_>> =
        entries.iter().map(|entry| entry.prepare(&device, &mut tuner)).collect();
    let mut ready: Vec<&mut Runner<'_>> =
        outcomes.iter_mut().filter_map(|o| o.as_mut().ok()).map(|(runner, _)| runner).collect();
    race::run(&mut ready, usize::from(args.rounds), quiet)?;
    let rows: Vec<Row> = entries.iter().zip(&outcomes).map(|(entry, o)| entry.row(&device, o)).collect();
    let worst = outcomes.iter().filter_map(|o| o.as_ref().err()?.tell()).max();
    Ok((rows, worst))
}

/// The models by name: files, seeded weights for published configurations, or the embedded denoiser.
fn models(args: &BenchArgs, quiet: bool) -> Result<Vec<(String, Weights, WeightStore)>, Error> {
    let mut models = Vec::new();
    for path in &args.model {
        let weights = Model::of(path).read(quiet)?;
        models.push((Shown(path.display()).to_string(), weights, WeightStore::default()));
    }
    for task in &args.config {
        let weights = Weights::seeded(task.published_config(), 0);
        models.push((task.to_string(), weights, WeightStore::default()));
    }
    if models.is_empty() {
        let weights = Model::Embedded(Task::Denoise).read(quiet)?;
        models.push(("embedded denoise".to_owned(), weights, WeightStore::default()));
    }
    Ok(models)
}

impl Entry<'_> {
    fn prepare<'d>(&self, device: &'d gpu::Device, tuner: &mut Tuner) -> Outcome<'d> {
        self.variant.check(&device.target(self.precision))?;
        let graph = Forms::of(build(self.weights, self.size, Stage::Three, self.mode.0)?)?.executed;
        let choices = match self.variant.choices() {
            Some(choices) => choices,
            None => tuner.choices(device, self.precision, &graph),
        };
        let target = device.target(self.precision);
        let mut used = variants(&graph, |shape| choices.variant(shape, &target).name());
        if self.variant == VariantArg::Auto {
            used = format!("auto: {used}");
        }
        let (width, height) = self.size;
        let word = |i: u32| i.wrapping_mul(2_654_435_761) >> 8 | 255 << 24;
        let inputs = vec![Values::Words((0..width * height).map(word).collect())];
        let options = ExecutorOptions { precision: self.precision, choices, ..ExecutorOptions::default() };
        let runner =
            Runner::new(device, Some(inputs), || Executor::new(device, self.store, graph, &options))?;
        Ok((runner, used))
    }

    fn row(&self, device: &gpu::Device, outcome: &Outcome<'_>) -> Row {
        let (width, height) = self.size;
        let text = |text: &str| Cell::Text(text.to_owned());
        let mut row: Row = vec![
            ("model", text(self.model)),
            ("size", Cell::Text(format!("{width}x{height}"))),
            ("precision", text(self.precision.name())),
            ("mode", text(self.mode.1)),
            ("variant", text(outcome.as_ref().map_or(self.variant.name(), |(_, used)| used))),
        ];
        row.extend(super::adapter(device));
        let runner = outcome.as_ref().ok().map(|(runner, _)| runner);
        row.extend(runner.map_or_else(Runner::no_cells, Runner::cells));
        let pixels = f64::from(width) * f64::from(height);
        let rate = runner.and_then(Runner::median).map(|seconds| pixels / seconds * 1e-6);
        row.push(("megapixels_per_s", Cell::number(rate, 4)));
        let note = outcome.as_ref().err().map_or(Cell::None, |reason| Cell::Text(reason.to_string()));
        row.push(("note", note));
        row
    }
}

/// The variants that a graph's 3x3 convolutions get.
fn variants(graph: &Graph, of: impl Fn(&ConvShape) -> &'static str) -> String {
    let mut used = BTreeSet::new();
    for node in graph.nodes() {
        match &node.op {
            Op::Conv(conv) if conv.kernel == Kernel::Three => {
                used.insert(of(&ConvShape::of(graph, node, conv)));
            }
            _ => {}
        }
    }
    used.into_iter().collect::<Vec<_>>().join(" ")
}
