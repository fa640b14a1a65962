//! What the commands that run a network share: a model, and the adapter that it runs on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Task, Weights, embedded};
use crate::output::cache_folder;
use crate::plan::Precision;
use crate::pool::Member;
use crate::tune::Tuning;
use crate::{Error, Restorer, RestorerOptions, Shown, gpu};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use super::mishap::{self, Mishap};
use super::{Failure, NetworkArgs, advise, date, note, say};

/// Photos, unlike what other commands do, may be shared out between devices.
pub(super) const DEVICES: &str =
    "Adapter: its index in `mprnet devices`, part of its name, or auto; also several, such as 0,1, or all";

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
    /// How strongly to restore, from 0 (the photo as it is) to 1 (the network's result); the two are blended before
    /// rounding
    #[arg(long, value_name = "0..1", default_value_t = 1.0, value_parser = parse_strength)]
    strength: f32,
    /// Averages the results for the photo rotated and mirrored in all eight ways, before rounding: slightly better,
    /// eight times the work
    #[arg(short = 'x', long)]
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
    /// Whether to measure which 3x3 convolution kernels are fastest; default: on for GPUs, off for software adapters
    #[arg(long, value_enum)]
    tune: Option<TuneArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TuneArg {
    /// Do not measure: choose by rule
    Off,
    /// Use remembered measurements; measure what is missing, once
    On,
    /// Measure everything again
    Force,
}

impl TuneArg {
    /// What holds on this device.
    fn on(asked: Option<Self>, device: &gpu::Device) -> Tuning {
        match asked {
            None => Tuning::for_adapter(device.adapter()),
            Some(Self::Off) => Tuning::Off,
            Some(Self::On) => Tuning::On,
            Some(Self::Force) => Tuning::Force,
        }
    }
}

impl TuningArgs {
    /// What holds on this device.
    pub(super) fn on(&self, device: &gpu::Device) -> Tuning {
        TuneArg::on(self.tune, device)
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
    pub(super) fn open(&self, quiet: bool) -> Result<gpu::Device, Failure> {
        let [device] = &self.several()?[..] else {
            return Err(Failure::Usage("--device takes one adapter here".to_owned()));
        };
        let options = gpu::DeviceOptions { device: device.clone(), ..self.options() };
        let device = gpu::Device::new(&options)?;
        announce(&device, quiet);
        Ok(device)
    }

    /// Those that are asked for, each as [`gpu::DeviceOptions::device`] has it.
    fn several(&self) -> Result<Vec<Option<String>>, Error> {
        let Some(text) = self.wanted() else { return Ok(vec![None]) };
        if text != "all" && !text.contains(',') {
            return Ok(vec![Some(text)]);
        }
        let indices = gpu::several(&gpu::adapters(), &text)?;
        Ok(indices.iter().map(|index| Some(index.to_string())).collect())
    }

    /// Opens it once more, for shaders with all checks.
    pub(super) fn open_checked(&self) -> Result<gpu::Device, Error> {
        let (device, checked_shaders) = (self.wanted(), true);
        gpu::Device::new(&gpu::DeviceOptions { device, checked_shaders, ..Default::default() })
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
            Self::Embedded(task) => write!(f, "{task} (embedded)"),
        }
    }
}

/// Opens an adapter for models, each of which takes the result of the one before.
#[derive(Clone)]
struct Opener {
    device: gpu::DeviceOptions,
    options: RestorerOptions,
    tune: Option<TuneArg>,
    weights: Arc<[Weights]>,
    quiet: bool,
}

impl Opener {
    fn new(args: &SessionArgs, weights: &[Weights], passes: bool, quiet: bool) -> Self {
        let options = RestorerOptions {
            precision: args.network.precision(),
            stage: args.network.stage(),
            mode: args.network.mode.mode(),
            max_memory: args.network.max_memory,
            strength: args.blend.strength,
            symmetries: args.blend.tta,
            trace_overflow: tracing::enabled!(tracing::Level::INFO),
            passes,
            ..RestorerOptions::default()
        };
        Self {
            device: args.device.options(),
            options,
            tune: args.tuning.tune,
            weights: weights.into(),
            quiet,
        }
    }

    fn open(&self) -> Result<Restorer, Error> {
        let device = gpu::Device::new(&self.device).or_else(|error| match error {
            Error::Gpu { .. } => {
                note(format_args!("{error}; trying once more"));
                gpu::Device::new(&self.device)
            }
            other => Err(other),
        })?;
        announce(&device, self.quiet);
        let options = RestorerOptions { tuning: TuneArg::on(self.tune, &device), ..self.options };
        let mut weights = self.weights.iter().cloned();
        let first = weights.next().ok_or_else(|| Error::Input("there is no model".to_owned()))?;
        Ok(weights.fold(Restorer::new(first, device, options), Restorer::followed_by))
    }
}

impl SessionArgs {
    /// The adapters that photos are shared among; none is opened before a photo needs it.
    pub(super) fn members(
        &self,
        weights: &[Weights],
        passes: bool,
        quiet: bool,
    ) -> Result<Vec<Member>, Error> {
        weights.iter().try_for_each(|weights| weights.accepts(self.network.mode.mode()))?;
        let opener = Opener::new(self, weights, passes, quiet);
        let member = |device: Option<String>| {
            let name = device.as_ref().map_or_else(|| "the adapter".to_owned(), |it| format!("adapter {it}"));
            let device = gpu::DeviceOptions { device, ..opener.device.clone() };
            let opener = Opener { device, ..opener.clone() };
            Member::new(name, move || opener.open())
        };
        Ok(self.device.several()?.into_iter().map(member).collect())
    }

    /// What results depend on besides the photo, by name.
    pub(super) fn settings(&self, models: &[Model<'_>], used: &Used) -> Vec<(&'static str, String)> {
        let model = models.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ");
        let precision = used.precision(&self.network).name().to_owned();
        let program = format!("mprnet {}, {}", env!("CARGO_PKG_VERSION"), date::now());
        let symmetries = if self.blend.tta { "eight, averaged" } else { "as it lies" }.to_owned();
        let mut rows =
            vec![("program", program), ("model", model), ("stage", self.network.stage.to_string())];
        rows.extend([("precision", precision), ("strength", self.blend.strength.to_string())]);
        rows.extend([("symmetries", symmetries), ("mode", self.network.mode.name())]);
        rows.extend(used.noted().adapters.iter().map(|(name, more)| ("adapter", format!("{name} ({more})"))));
        rows
    }
}

/// What photos were restored on, and how, as the threads of a pool note it.
#[derive(Default)]
pub(super) struct Used(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    /// Adapters by name: backend and driver.
    adapters: BTreeMap<String, String>,
    /// How features and weights were stored, if in several ways in the widest: as asked for, unless f16 has turned out
    /// not to hold the model, or a photo.
    precision: Option<Precision>,
}

impl Used {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, restorer: &Restorer) {
        let adapter = restorer.device().adapter();
        let mut noted = self.noted();
        noted.adapters.insert(adapter.name.clone(), format!("{}, {}", adapter.backend, adapter.driver));
        if noted.precision != Some(Precision::F32) {
            noted.precision = Some(restorer.widest_precision());
        }
    }

    /// The names of adapters.
    pub(super) fn names(&self) -> Option<String> {
        let noted = self.noted();
        let names: Vec<&str> = noted.adapters.keys().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// How features and weights were stored; as asked for, where nothing was restored.
    pub(super) fn precision(&self, asked: &NetworkArgs) -> Precision {
        self.noted().precision.unwrap_or_else(|| asked.precision())
    }
}

/// Does work on a photo with an adapter.
pub(super) fn attempt_with_adapter<T>(
    photo: &Path,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Mishap> {
    mishap::attempt(photo, || {
        mishap::inject_panic(photo);
        work()
    })
}

/// Says which adapter is used, where that is a software one.
fn announce(device: &gpu::Device, quiet: bool) {
    let adapter = device.adapter();
    tracing::info!(name = adapter.name, driver = adapter.driver, backend = %adapter.backend, "adapter");
    if adapter.is_software() && !quiet {
        say(format_args!("no GPU is used: {} runs the shaders on the CPU, which is slow", adapter.name));
    }
}

/// A line that tells what is being done, while it is.
pub(super) fn spinner(quiet: bool) -> ProgressBar {
    if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() }
}
