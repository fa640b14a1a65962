//! `mprnet bench`: how fast networks and kernels are on an adapter.

mod clock;
mod kernels;
mod predicted;
mod race;
mod report;
mod serve;
mod shader;
mod sweep;
mod workload;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::kernels::{Choices, Target, Variant};
use crate::model::Task;
use crate::{Error, gpu};
use clap::Args;

use self::kernels::KernelArg;
use self::predicted::Predictions;
use self::report::{Cell, Format, Row};
use self::workload::Kind;
use super::mode::{ModeArg, PartsArgs};
use super::network::parse_size;
use super::session::{DeviceArgs, TuningArgs};
use super::{Failure, PrecisionArg, dump, exit_code, parse_task};

/// Without --kernel, --shader or --serve, networks are measured: every model at every size, precision, mode and
/// variant, taking turns in every round; all of them are on the device at once. Lists are separated by commas.
#[derive(Args)]
pub(super) struct BenchArgs {
    /// Published configurations, with random weights: derain, denoise, deblur
    #[arg(long, value_delimiter = ',', value_parser = parse_task)]
    config: Vec<Task>,
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program; may be
    /// repeated. With neither this nor --config: denoise
    #[arg(long, value_name = "FILE")]
    model: Vec<PathBuf>,
    /// Sizes of the photos, or with --kernel of the images
    #[arg(long, value_name = "WxH", value_delimiter = ',', default_value = "256x256")]
    #[arg(value_parser = parse_size)]
    size: Vec<(u32, u32)>,
    /// How activations and weights are stored
    #[arg(long, value_enum, value_delimiter = ',', default_value = "f32")]
    precision: Vec<PrecisionArg>,
    /// What each channel attention averages over
    #[arg(long, value_enum, value_delimiter = ',', default_value = "global", conflicts_with_all = ["kernel", "shader", "serve"])]
    mode: Vec<ModeArg>,
    #[command(flatten)]
    parts: PartsArgs,
    /// Also measures networks within this much device memory, in bands of rows, such as 512M or 2G
    #[arg(long, value_name = "SIZE", value_delimiter = ',', conflicts_with_all = ["kernel", "shader", "serve"])]
    #[arg(value_parser = crate::plan::parse_bytes)]
    max_memory: Vec<u64>,
    /// With --max-memory or --mode tiled: compares with the exact result of the whole photo, bands by their bytes,
    /// tiles by their error
    #[arg(long)]
    verify: bool,
    /// Kernel variants for 3x3 convolutions: `auto` (what photos get), `all`, or names; default: auto for networks,
    /// all for --kernel
    #[arg(long, value_delimiter = ',', value_parser = VariantArg::parse)]
    variant: Vec<VariantArg>,
    /// Number of measured runs of each; 0 with --kernel runs nothing, and the JSON lists what would be executed
    #[arg(long, default_value_t = 9)]
    rounds: u16,
    /// Format of the results; default: by the extension of --output, else a Markdown table
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes the results to a file; with --serve, the computed tensor `y` as safetensors
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Measures a kernel instead of networks, without transfers, and checks it against the CPU reference on a crop
    #[arg(long, value_enum, conflicts_with_all = ["config", "model"])]
    kernel: Option<KernelArg>,
    /// Channel counts for --kernel and --shader [default: 80]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1024))]
    channels: Vec<u32>,
    /// Measures the kernel with this shader in place of its own, linked with the same parts, next to the original
    #[arg(long, value_name = "FILE.wgsl", conflicts_with_all = ["config", "model"])]
    shader: Option<PathBuf>,
    /// With --shader: which of the variant's shaders to replace, counted from 1
    #[arg(long, value_name = "N", requires = "shader")]
    stage: Option<usize>,
    /// Adds a column with the times predicted for this adapter, from a file that tools/isa/predict_all.py wrote
    #[arg(long, value_name = "FILE.json", conflicts_with = "serve")]
    predicted: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    tuning: TuningArgs,
    #[command(flatten)]
    serve: ServeArgs,
}

impl BenchArgs {
    /// The channels that kernels are measured with.
    fn channels(&self) -> &[u32] {
        if self.channels.is_empty() { &[80] } else { &self.channels }
    }
}

/// What a program that compares engines gives.
#[derive(Args)]
struct ServeArgs {
    /// Answers each line {"cmd": "run"} on standard input with the seconds of one inference, until the input ends
    #[arg(long, requires_all = ["workload", "input", "output"])]
    #[arg(conflicts_with_all = ["config", "kernel", "shader"])]
    serve: bool,
    /// With --serve: what to compute
    #[arg(long, value_enum, requires = "serve")]
    workload: Option<Kind>,
    /// With --serve: a safetensors file with the input `x`, [1, channels, height, width], and the parameters of a
    /// convolution or block
    #[arg(long, value_name = "IN.safetensors", requires = "serve")]
    input: Option<PathBuf>,
}

/// How the variant of a convolution is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VariantArg {
    /// The one that this adapter is given.
    Auto,
    /// Every one.
    All,
    Named(Variant),
}

impl VariantArg {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "all" => Ok(Self::All),
            name => Variant::named(name).map(Self::Named).ok_or_else(|| {
                let known: Vec<&str> = Variant::ALL.iter().map(|v| v.name()).collect();
                format!("auto, all or one of {} is expected", known.join(", "))
            }),
        }
    }

    /// The variants that a list means, each once.
    fn expand(list: &[Self], default: Self) -> Vec<Self> {
        let list = if list.is_empty() { &[default] } else { list };
        let mut expanded = Vec::new();
        for &one in list {
            let meant = match one {
                Self::All => Variant::ALL.iter().copied().map(Self::Named).collect(),
                one => vec![one],
            };
            let new: Vec<Self> = meant.into_iter().filter(|variant| !expanded.contains(variant)).collect();
            expanded.extend(new);
        }
        expanded
    }

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::All => "all",
            Self::Named(variant) => variant.name(),
        }
    }

    /// None where the adapter decides.
    fn choices(self) -> Option<Choices> {
        match self {
            Self::Auto | Self::All => None,
            Self::Named(variant) => Some(Choices::Always(variant)),
        }
    }

    /// Finds out whether it can be used on a target.
    fn check(self, target: &Target) -> Result<(), Unmeasured> {
        match self {
            Self::Named(variant) => variant.refused(target).map_or(Ok(()), |r| Err(Unmeasured::Refused(r))),
            Self::Auto | Self::All => Ok(()),
        }
    }
}

/// Why something was not measured.
enum Unmeasured {
    /// It is none for this adapter or precision, which is no error.
    Refused(&'static str),
    Failed(Error),
}

impl Unmeasured {
    /// Tells an error; its exit code.
    fn tell(&self) -> Option<u8> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => {
                super::report(error);
                Some(exit_code(error))
            }
        }
    }
}

impl From<Error> for Unmeasured {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => reason.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

pub(super) fn run(args: &BenchArgs, quiet: bool) -> Result<(), Failure> {
    if !args.channels.is_empty() && args.kernel.is_none() && args.shader.is_none() {
        return Err(Failure::Usage("--channels is for --kernel and --shader".to_owned()));
    }
    if args.rounds == 0 && (args.kernel.is_none() || args.shader.is_some()) {
        return Err(Failure::Usage("--rounds 0 is for --kernel alone".to_owned()));
    }
    let named = args.variant.iter().any(|variant| matches!(variant, VariantArg::Named(_)));
    if named && args.kernel.is_some_and(|kernel| !kernel.varies()) {
        return Err(Failure::Usage(
            "--variant is for 3x3 convolutions: --kernel conv3x3, or networks".to_owned(),
        ));
    }
    args.parts.check(&args.mode)?;
    if args.verify && args.max_memory.is_empty() && !args.mode.contains(&ModeArg::Tiled) {
        let text = "--verify compares bands and tiles with the whole: give --max-memory or --mode tiled";
        return Err(Failure::Usage(text.to_owned()));
    }
    let files = [args.predicted.as_deref(), args.shader.as_deref(), args.serve.input.as_deref()];
    let read: Vec<&Path> =
        args.model.iter().map(PathBuf::as_path).chain(files.into_iter().flatten()).collect();
    dump::check_result(&read, args.output.as_deref())?;
    let (what, own): (_, &[&str]) = if args.serve.serve {
        ("a safetensors file", &["safetensors"])
    } else {
        ("a table, CSV or JSON", &["csv", "json", "md", "txt"])
    };
    dump::check_name("-o", what, own, args.output.as_deref())?;
    // A file that cannot be read is told of before anything is measured.
    let predictions = Predictions::read(args.predicted.as_deref())?;
    let (mut rows, worst) = match (&args.shader, args.kernel) {
        _ if args.serve.serve => return serve::run(args, quiet),
        (Some(path), _) => shader::run(args, path, quiet)?,
        (None, Some(kernel)) => kernels::run(args, kernel, quiet)?,
        (None, None) => sweep::run(args, quiet)?,
    };
    if let Some(predictions) = predictions {
        rows.iter_mut().for_each(|row| predictions.add_to(row));
    }
    finish(&rows, args, worst)
}

/// Rows, and the worst exit code of what went wrong with them.
type Measured = Result<(Vec<Row>, Option<u8>), Failure>;

/// The columns that say where something was measured.
fn adapter(device: &gpu::Device) -> [(&'static str, Cell); 2] {
    let gpu::AdapterSummary { name, driver, .. } = device.adapter();
    [("adapter", Cell::Text(name.clone())), ("driver", Cell::Text(driver.clone()))]
}

/// Writes the rows, and ends as the worst of them did.
fn finish(rows: &[Row], args: &BenchArgs, worst: Option<u8>) -> Result<(), Failure> {
    let format = args.format.unwrap_or_else(|| Format::of(args.output.as_deref()));
    dump::deliver(report::render(rows, format), args.output.as_deref())?;
    worst.map_or(Ok(()), |code| Err(Failure::Reported(code)))
}
