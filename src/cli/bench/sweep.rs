//! Networks: every model at every size, precision, mode and variant.

use std::collections::BTreeSet;

use crate::graph::{Graph, KernelSize, Op};
use crate::image::Frame;
use crate::inspect::{Forms, build};
use crate::kernels::{ConvShape, Target};
use crate::metrics::{self, Protocol};
use crate::model::{Mode, Stage, Task, Weights};
use crate::plan::Precision;
use crate::tune::{Tuner, Tuning};
use crate::{Error, Executor, ExecutorOptions, Restorer, RestorerOptions, Shown, Values, WeightStore, gpu};

use super::race::{self, Runner};
use super::report::{Cell, Row};
use super::{BenchArgs, Measured, Unmeasured, VariantArg};
use crate::cli::mode::ModeArg;
use crate::cli::report;
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
    /// Bytes that it may take; none where it is computed as a whole.
    budget: Option<u64>,
}

/// With how an entry's convolutions are computed.
type Outcome<'a> = race::Outcome<'a, String>;

pub(super) fn run(args: &BenchArgs, quiet: bool) -> Measured {
    let models = models(args, quiet)?;
    let device = args.device.open(quiet)?;
    let tuning = args.tuning.on(&device);
    let mut tuner = Tuner::new(tuning);
    let modes = modes(args);
    let mut entries = Vec::new();
    for (model, weights, store) in &models {
        for &size in &args.size {
            for precision in args.precision.iter().map(|p| p.precision()) {
                for mode in modes.iter().map(|&arg| (args.parts.mode(arg), arg.name())) {
                    for variant in VariantArg::expand(&args.variant, VariantArg::Auto) {
                        for budget in std::iter::once(None).chain(args.max_memory.iter().copied().map(Some)) {
                            entries.push(Entry {
                                model,
                                weights,
                                store,
                                size,
                                precision,
                                mode,
                                variant,
                                budget,
                            });
                        }
                    }
                }
            }
        }
    }
    let mut outcomes: Vec<Outcome<'_>> =
        entries.iter().map(|entry| entry.prepare(&device, &mut tuner, tuning)).collect();
    race::run(&mut outcomes, usize::from(args.rounds), quiet);
    let results = args.verify.then(|| race::results(&mut outcomes));
    let mut rows: Vec<Row> = entries.iter().zip(&outcomes).map(|(entry, o)| entry.row(&device, o)).collect();
    let mut worst = outcomes.iter().filter_map(|o| o.as_ref().err()?.tell()).max();
    if let Some(results) = results
        && !verify(&entries, &results, &mut rows, modes.contains(&ModeArg::Tiled))?
    {
        report(&"bands give other bytes than the whole: see the column `verified`");
        worst = worst.max(Some(1));
    }
    Ok((rows, worst))
}

/// The modes to be measured, with the whole that tiles are compared with.
fn modes(args: &BenchArgs) -> Vec<ModeArg> {
    let compared = args.verify && args.mode.contains(&ModeArg::Tiled);
    let missing = (compared && !args.mode.contains(&ModeArg::Global)).then_some(ModeArg::Global);
    missing.into_iter().chain(args.mode.iter().copied()).collect()
}

/// Compares what is computed in bands or tiles with the whole, and adds columns that tell; whether all bands gave the
/// bytes of the whole.
fn verify(
    entries: &[Entry<'_>],
    results: &[Option<Vec<Values>>],
    rows: &mut [Row],
    tiles: bool,
) -> Result<bool, Error> {
    let mut same = true;
    for ((entry, own), row) in entries.iter().zip(results).zip(rows) {
        let is_whole = |(other, _): &(&Entry<'_>, _)| entry.is_of(other);
        let whole = entries.iter().zip(results).find(is_whole).and_then(|(_, whole)| whole.as_ref());
        let compared = own.as_ref().zip(whole);
        let bytes = compared.filter(|_| entry.budget.is_some() && !entry.is_tiled());
        let is_same = bytes.map(|(own, whole)| own == whole);
        let told = |is_same| if is_same { "same bytes" } else { "OTHER BYTES" };
        row.push(("verified", is_same.map_or(Cell::None, |is_same| Cell::Text(told(is_same).to_owned()))));
        same &= is_same.unwrap_or(true);
        if tiles {
            let error = compared.filter(|_| entry.is_tiled());
            let error = error.map(|(own, whole)| error_of(own, whole, entry.size)).transpose()?.flatten();
            row.push(("largest_error", Cell::number(error.map(|(largest, _)| largest), 4)));
            row.push(("psnr_db", Cell::number(error.and_then(|(_, psnr)| psnr), 2)));
        }
    }
    Ok(same)
}

/// The largest difference of two 8-bit images, as a share of the range, and their PSNR where they differ.
fn error_of(own: &[Values], whole: &[Values], size: (u32, u32)) -> Result<Option<(f64, Option<f64>)>, Error> {
    let ([Values::Words(own)], [Values::Words(whole)]) = (own, whole) else { return Ok(None) };
    let colour = |word: &u32| word.to_le_bytes().into_iter().take(3);
    let pairs = own.iter().flat_map(colour).zip(whole.iter().flat_map(colour));
    let largest = pairs.map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
    let frame = |words: &[u32]| Frame::from_rgb8(size.0, size.1, words.iter().flat_map(colour).collect());
    let psnr = metrics::psnr(&frame(own)?, &frame(whole)?, Protocol::Rgb)?;
    Ok(Some((f64::from(largest) / 255.0, (largest > 0).then_some(psnr))))
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
    fn is_tiled(&self) -> bool {
        matches!(self.mode.0, Mode::Tiled { .. })
    }

    /// Whether another is the whole that it is compared with.
    fn is_of(&self, whole: &Self) -> bool {
        let mode = if self.is_tiled() { Mode::Global } else { self.mode.0 };
        let same = std::ptr::eq(self.weights, whole.weights)
            && (self.size, self.precision, self.variant) == (whole.size, whole.precision, whole.variant);
        same && whole.budget.is_none() && mode == whole.mode.0
    }

    /// The photo that is measured with: noise.
    fn words(&self) -> Vec<u32> {
        let word = |i: u32| i.wrapping_mul(2_654_435_761) >> 8 | 255 << 24;
        (0..self.size.0 * self.size.1).map(word).collect()
    }

    /// Tiles, as a restorer has them.
    fn tiles<'d>(&self, device: &'d gpu::Device, tuning: Tuning) -> Outcome<'d> {
        if self.variant != VariantArg::Auto {
            return Err(Unmeasured::Refused("tiles are computed with the variants that photos get"));
        }
        let (precision, mode, max_memory) = (self.precision, self.mode.0, self.budget);
        let options = RestorerOptions { precision, mode, max_memory, tuning, ..RestorerOptions::default() };
        let restorer = Restorer::new(self.weights.clone(), device.clone(), options);
        let (width, height) = self.size;
        let colours = self.words().iter().flat_map(|word| word.to_le_bytes().into_iter().take(3)).collect();
        let photo = Frame::from_rgb8(width, height, colours)?;
        Ok((Runner::of_photo(device, restorer, photo)?, self.variant.name().to_owned()))
    }

    fn prepare<'d>(&self, device: &'d gpu::Device, tuner: &mut Tuner, tuning: Tuning) -> Outcome<'d> {
        if self.is_tiled() {
            return self.tiles(device, tuning);
        }
        self.variant.check(&Target::of(device, self.precision))?;
        let graph = Forms::of(build(self.weights, self.size, Stage::Three, self.mode.0)?)?.executed;
        let choices = match self.variant.choices() {
            Some(choices) => choices,
            None => tuner.choices(device, self.precision, &graph),
        };
        let target = Target::of(device, self.precision);
        let mut used = variants(&graph, |shape| choices.variant(shape, &target).name());
        if self.variant == VariantArg::Auto {
            used = format!("auto: {used}");
        }
        let inputs = vec![Values::Words(self.words())];
        let (precision, max_memory) = (self.precision, self.budget);
        let options = ExecutorOptions { precision, choices, max_memory, ..ExecutorOptions::default() };
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
        let mib = |bytes: u64| Cell::Count(bytes >> 20);
        row.push(("max_memory_mib", self.budget.map_or(Cell::None, mib)));
        row.push((
            "device_mib",
            outcome.as_ref().ok().and_then(|(runner, _)| runner.bytes()).map_or(Cell::None, mib),
        ));
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
            Op::Conv(conv) if conv.kernel == KernelSize::Three => {
                used.insert(of(&ConvShape::of(graph, node, conv)));
            }
            _ => {}
        }
    }
    used.into_iter().collect::<Vec<_>>().join(" ")
}
