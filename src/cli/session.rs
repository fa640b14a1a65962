//! What the commands that run a network share: a model, the adapter that it runs on, and a bar that shows progress.

use std::fmt;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::model::{Task, Weights};
use crate::plan::Precision;
use crate::tune::{Tuning, cache_folder};
use crate::{Error, Progress, Restorer, RestorerOptions, Shown, gpu};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::mishap::{self, Mishap};
use super::{NetworkArgs, advise, date, say};

/// How a network runs, and where.
#[derive(Args)]
pub(super) struct SessionArgs {
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    tuning: TuningArgs,
}

/// Which adapter.
#[derive(Args)]
pub(super) struct DeviceArgs {
    /// Adapter: its index in `mprnet devices`, or part of its name
    #[arg(long, value_name = "DEVICE", value_parser = NonEmptyStringValueParser::new())]
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
    /// How it is opened.
    pub(super) fn options(&self) -> gpu::DeviceOptions {
        let (device, pipeline_folder) = (self.device.clone(), cache_folder());
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
        let (device, checked_shaders) = (self.device.clone(), true);
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

/// A model for photos; its adapter is opened when the first of them needs it.
pub(super) struct Session<'a> {
    args: &'a SessionArgs,
    weights: &'a Weights,
    passes: bool,
    quiet: bool,
    restorer: Option<Restorer>,
}

impl<'a> Session<'a> {
    pub(super) fn new(args: &'a SessionArgs, weights: &'a Weights, passes: bool, quiet: bool) -> Self {
        Self { args, weights, passes, quiet, restorer: None }
    }

    /// How features and weights are stored: as asked for, unless f16 has turned out not to hold the model.
    pub(super) fn precision(&self) -> Precision {
        self.restorer.as_ref().map_or_else(|| self.args.network.precision(), Restorer::precision)
    }

    /// What results depend on besides the photo, by name.
    pub(super) fn settings(&self, model: Model<'_>) -> Vec<(&'static str, String)> {
        let model = match model {
            Model::File(path) => path.display().to_string(),
            Model::Embedded(task) => format!("{task}, embedded"),
        };
        let adapter = self.restorer.as_ref().and_then(|restorer| restorer.device().adapter());
        let adapter = adapter.map(|it| ("adapter", format!("{} ({}, {})", it.name, it.backend, it.driver)));
        let stage = self.args.network.stage.to_string();
        let precision = self.precision().name().to_owned();
        let program = format!("mprnet {}, {}", env!("CARGO_PKG_VERSION"), date::now());
        let rows = [("program", program), ("model", model), ("stage", stage), ("precision", precision)];
        rows.into_iter().chain(adapter).collect()
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
                    strength: 1.0,
                    symmetries: false,
                    precision: self.args.network.precision(),
                    stage: self.args.network.stage(),
                    passes: self.passes,
                    tuning: self.args.tuning.on(&device),
                };
                Ok(empty.insert(Restorer::new(self.weights.clone(), device, options)))
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

/// Does the work on a photo under a bar that shows how far it has come.
pub(super) fn with_bar<T>(title: String, quiet: bool, work: impl FnOnce(&mut dyn FnMut(Progress)) -> T) -> T {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
    // Nothing is drawn before the first progress: what is said while kernels are prepared has a line of its own.
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) }
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(Shown(title).to_string());
    let done = work(&mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    done
}

/// A line that tells what is being done, while it is.
pub(super) fn spinner(quiet: bool) -> ProgressBar {
    if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() }
}
