//! What the commands that run a network share: a model, and the adapter that it runs on.

use std::fmt;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::model::{Task, Weights};
use crate::plan::Precision;
use crate::tune::{Tuning, cache_folder};
use crate::{Error, Restorer, RestorerOptions, Shown, gpu};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use super::mishap::{self, Mishap};
use super::{NetworkArgs, advise, date, say};

/// How a network runs, and where.
#[derive(Args)]
pub(super) struct SessionArgs {
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    #[command(flatten)]
    blend: BlendArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    tuning: TuningArgs,
}

/// How results are blended.
#[derive(Args)]
struct BlendArgs {
    /// How far the result goes from the photo to what the network makes of it, 0 to 1: the two are blended before anything is
    /// rounded
    #[arg(long, value_name = "0..1", default_value_t = 1.0, value_parser = parse_strength)]
    strength: f32,
    /// Averages what the network makes of the photo turned and mirrored in all eight ways, before anything is rounded: better by
    /// a little, in eight times the time
    #[arg(long)]
    tta: bool,
}

fn parse_strength(text: &str) -> Result<f32, String> {
    let strength = text.parse().ok().filter(|strength| (0.0..=1.0).contains(strength));
    strength.ok_or_else(|| "a number from 0 to 1 is expected".to_owned())
}

/// Which adapter.
#[derive(Args)]
pub(super) struct DeviceArgs {
    /// Adapter: its index in `mprnet devices`, part of its name, or auto
    #[arg(short = 'g', long, value_name = "DEVICE", value_parser = NonEmptyStringValueParser::new())]
    device: Option<String>,
}

/// Whether variants of kernels are measured.
#[derive(Args)]
pub(super) struct TuningArgs {
    /// Whether the fastest way to compute 3x3 convolutions is found by measuring; without it on, and off for software
    /// adapters
    #[arg(long, value_enum)]
    tune: Option<TuneArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TuneArg {
    /// No: by rule
    Off,
    /// What is remembered is used, what is missing is measured, once
    On,
    /// Everything is measured anew
    Force,
}

impl TuningArgs {
    /// What holds on this device.
    pub(super) fn on(&self, device: &gpu::Device) -> Tuning {
        match self.tune {
            None => Tuning::for_adapter(device.adapter()),
            Some(TuneArg::Off) => Tuning::Off,
            Some(TuneArg::On) => Tuning::On,
            Some(TuneArg::Force) => Tuning::Force,
        }
    }
}

impl DeviceArgs {
    /// What was asked for, if anything.
    fn wanted(&self) -> Option<String> {
        self.device.clone().filter(|device| device != "auto")
    }

    /// How it is opened.
    pub(super) fn options(&self) -> gpu::DeviceOptions {
        let (device, pipeline_folder) = (self.wanted(), cache_folder());
        gpu::DeviceOptions { device, pipeline_folder, ..Default::default() }
    }

    /// Opens it; says so where that is a software one.
    pub(super) fn open(&self, quiet: bool) -> Result<gpu::Device, Error> {
        let device = gpu::Device::new(&self.options())?;
        announce(&device, quiet);
        Ok(device)
    }

    /// Opens it once more, for shaders with all checks.
    pub(super) fn open_checked(&self) -> Result<gpu::Device, Error> {
        let (device, checked_shaders) = (self.wanted(), true);
        gpu::Device::new(&gpu::DeviceOptions { device, checked_shaders, ..Default::default() })
    }
}

/// The embedded model of that name, where no file has it.
pub(super) fn embedded(model: &Path) -> Option<Task> {
    model.to_str().and_then(Task::named).filter(|_| !model.is_file())
}

/// The embedded model of that name, or the file.
pub(super) fn open_model(model: &Path) -> Result<Checkpoint<'static>, Error> {
    match embedded(model) {
        Some(task) => {
            Checkpoint::from_safetensors(Weights::embedded_file(task), &format!("the embedded {task} model"))
        }
        None => Checkpoint::open(model),
    }
}

/// Where weights come from.
#[derive(Clone, Copy)]
pub(super) enum Model<'a> {
    File(&'a Path),
    Embedded(Task),
}

impl<'a> Model<'a> {
    /// The embedded model of that name, or the file.
    pub(super) fn of(path: &'a Path) -> Self {
        embedded(path).map_or(Self::File(path), Self::Embedded)
    }

    /// The file, if it is one.
    pub(super) fn file(self) -> Option<&'a Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Embedded(_) => None,
        }
    }

    /// The weights; says what to mind when using them.
    pub(super) fn read(self, quiet: bool) -> Result<Weights, Error> {
        let weights = match self {
            Self::File(path) => Weights::read(path)?,
            Self::Embedded(task) => Weights::embedded(task)?,
        };
        advise(&weights.provenance(), quiet);
        tracing::info!(config = %weights.config(), parameters = weights.parameter_count(), "model");
        Ok(weights)
    }
}

/// The file, or `embedded`.
impl fmt::Display for Model<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => Shown(path.display()).fmt(f),
            Self::Embedded(_) => f.write_str("embedded"),
        }
    }
}

/// Models for photos, each of which takes the result of the one before; their adapter is opened when the first of them needs it.
pub(super) struct Session<'a> {
    args: &'a SessionArgs,
    weights: &'a [Weights],
    passes: bool,
    quiet: bool,
    restorer: Option<Restorer>,
}

impl<'a> Session<'a> {
    pub(super) fn new(args: &'a SessionArgs, weights: &'a [Weights], passes: bool, quiet: bool) -> Self {
        Self { args, weights, passes, quiet, restorer: None }
    }

    /// How features and weights are stored: as asked for, unless f16 has turned out not to hold the model.
    pub(super) fn precision(&self) -> Precision {
        self.restorer.as_ref().map_or_else(|| self.args.network.precision(), Restorer::precision)
    }

    /// What results depend on besides the photo, by name.
    pub(super) fn settings(&self, models: &[Model<'_>]) -> Vec<(&'static str, String)> {
        let name = |model: &Model<'_>| match model {
            Model::File(path) => path.display().to_string(),
            Model::Embedded(task) => format!("{task} (embedded)"),
        };
        let model = models.iter().map(name).collect::<Vec<_>>().join(", then ");
        let adapter = self.restorer.as_ref().and_then(|restorer| restorer.device().adapter());
        let adapter = adapter.map(|it| ("adapter", format!("{} ({}, {})", it.name, it.backend, it.driver)));
        let stage = self.args.network.stage.to_string();
        let precision = self.precision().name().to_owned();
        let program = format!("mprnet {}, {}", env!("CARGO_PKG_VERSION"), date::now());
        let strength = self.args.blend.strength.to_string();
        let symmetries = if self.args.blend.tta { "eight, averaged" } else { "as it lies" }.to_owned();
        let mut rows =
            vec![("program", program), ("model", model), ("stage", stage), ("precision", precision)];
        rows.extend([("strength", strength), ("symmetries", symmetries)]);
        rows.extend(adapter);
        rows
    }

    /// The name of the adapter, once it is opened.
    pub(super) fn adapter(&self) -> Option<String> {
        Some(self.restorer.as_ref()?.device().adapter()?.name.clone())
    }

    /// Does work on a photo with the model on its adapter, which is opened anew after what may have lost it. An error
    /// outside of the outcome is not about this photo: without a GPU none can be restored.
    pub(super) fn attempt<T>(
        &mut self,
        photo: &Path,
        work: impl FnOnce(&mut Restorer) -> Result<T, Error>,
    ) -> Result<Result<T, Mishap>, Error> {
        let restorer = self.restorer()?;
        let outcome = mishap::attempt(photo, || {
            mishap::rehearse(photo);
            work(restorer)
        });
        if outcome.as_ref().is_err_and(|mishap| mishap.shaken) {
            let lost = self.restorer.take();
            // What was left half changed may fail once more.
            let _ = mishap::caught(|| drop(lost));
        }
        Ok(outcome)
    }

    fn restorer(&mut self) -> Result<&mut Restorer, Error> {
        match &mut self.restorer {
            Some(opened) => Ok(opened),
            empty => {
                let device = self.args.device.open(self.quiet)?;
                let options = RestorerOptions {
                    precision: self.args.network.precision(),
                    stage: self.args.network.stage(),
                    strength: self.args.blend.strength,
                    symmetries: self.args.blend.tta,
                    passes: self.passes,
                    tuning: self.args.tuning.on(&device),
                };
                let mut weights = self.weights.iter().cloned();
                let first = weights.next().ok_or_else(|| Error::Input("there is no model".to_owned()))?;
                let restorer = weights.fold(Restorer::new(first, device, options), Restorer::followed_by);
                Ok(empty.insert(restorer))
            }
        }
    }
}

/// Says which adapter is used, where that is a software one.
fn announce(device: &gpu::Device, quiet: bool) {
    let Some(adapter) = device.adapter() else { return };
    tracing::info!(name = adapter.name, driver = adapter.driver, backend = %adapter.backend, "adapter");
    if adapter.is_software() && !quiet {
        say(format_args!("no GPU is used: {} runs the shaders on the CPU, which is slow", adapter.name));
    }
}

/// A line that tells what is being done, while it is.
pub(super) fn spinner(quiet: bool) -> ProgressBar {
    if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() }
}
