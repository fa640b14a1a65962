//! `mprnet derain`, `denoise`, `deblur` and `restore`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use mprnet::image::{self, Frame, Samples};
use mprnet::model::{self, ImageFormat, NetworkOptions, Task, Weights};
use mprnet::{Error, Progress, Restorer, RestorerOptions, gpu};

use super::compare::{CompareArgs, Comparison};
use super::outputs::{self, Job};
use super::{Failure, NetworkArgs, advise, announce, dump, exit_code, report, say};

#[derive(Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    pub(super) photos: PhotoArgs,
    /// Weights, safetensors or PyTorch; without it the denoiser that ships in this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl RestoreArgs {
    pub(super) fn model(&self) -> Model<'_> {
        self.model.as_deref().map_or(Model::Embedded(Task::Denoise), Model::File)
    }
}

/// Where weights come from.
#[derive(Clone, Copy)]
pub(super) enum Model<'a> {
    File(&'a Path),
    Embedded(Task),
}

impl Model<'_> {
    fn read(self) -> Result<Weights, Error> {
        match self {
            Self::File(path) => Weights::read(path),
            Self::Embedded(task) => Weights::embedded(task),
        }
    }

    /// What the output is called in a strip.
    fn output_label(self) -> String {
        match self {
            Self::File(_) => "output".to_owned(),
            Self::Embedded(task) => format!("output ({task})"),
        }
    }
}

/// Photos, and what is to be done to them by whichever model.
#[derive(Args)]
pub(super) struct PhotoArgs {
    /// Photos to restore
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,
    /// The restored photo; or an existing directory, which several photos need
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    compare: CompareArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// Adapter: its index in `mprnet devices`, or part of its name
    #[arg(long, value_name = "DEVICE", value_parser = NonEmptyStringValueParser::new())]
    device: Option<String>,
    /// Writes a tensor of the network too (names: `mprnet plan --tensors`); for one photo, repeatable
    #[arg(long, value_name = "NODE=FILE.safetensors", value_parser = parse_dump)]
    dump: Vec<(String, PathBuf)>,
    /// Executes the network operator by operator, as the paper has it
    #[arg(long)]
    no_passes: bool,
}

fn parse_dump(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => Ok((node.to_owned(), file.into())),
        _ => Err("NODE=FILE.safetensors is expected".to_owned()),
    }
}

pub(super) fn run(args: &PhotoArgs, model: Model<'_>, quiet: bool) -> Result<(), Failure> {
    let jobs = check(args, model)?;
    let weights = model.read()?;
    advise(&weights.provenance(), quiet);
    tracing::info!(config = %weights.config(), parameters = weights.parameter_count(), "model");
    let mut restorer = None;
    let mut worst = 0;
    for job in &jobs {
        // A photo that cannot be read needs no GPU to say so; without a GPU none of them can be restored.
        let outcome = match load(job, args, model, &weights) {
            Ok((photo, comparison)) => {
                let restorer = match &mut restorer {
                    Some(made) => made,
                    empty => empty.insert(open(args, weights.clone(), quiet)?),
                };
                restore(restorer, &photo, job, args, quiet).and_then(|restored| {
                    comparison.map_or(Ok(()), |comparison| comparison.write(&photo, &restored))
                })
            }
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            report(&error);
            worst = worst.max(exit_code(&error));
        }
    }
    if worst > 0 { Err(Failure::Reported(worst)) } else { Ok(()) }
}

/// Pairs photos with outputs, and finds out whether everything that is asked for besides goes together with them.
fn check(args: &PhotoArgs, model: Model<'_>) -> Result<Vec<Job>, Failure> {
    for (option, given) in
        [("--dump", !args.dump.is_empty()), ("--compare", args.compare.written().is_some())]
    {
        if given && args.inputs.len() > 1 {
            return Err(Failure::Usage(format!("{option} takes one photo")));
        }
    }
    let jobs = outputs::jobs(&args.inputs, &args.output)?;
    let weights = match model {
        Model::File(path) => Some(path),
        Model::Embedded(_) => None,
    };
    let read: Vec<&Path> = weights.into_iter().chain(args.compare.read()).collect();
    let dumps = args.dump.iter().map(|(_, path)| path.as_path());
    let written: Vec<&Path> = dumps.clone().chain(args.compare.written()).collect();
    outputs::check_distinct(&jobs, &read, &written)?;
    dumps.into_iter().try_for_each(dump::check)?;
    Ok(jobs)
}

/// Reads a photo, and finds out whether what becomes of it can be computed and written.
fn load<'a>(
    job: &Job,
    args: &'a PhotoArgs,
    model: Model<'_>,
    weights: &Weights,
) -> Result<(Frame, Option<Comparison<'a>>), Error> {
    let photo = image::read(&job.input)?;
    image::check_output(&job.output)?;
    image::check_frame(&photo, &job.output)?;
    check_nodes(&photo, args, weights)?;
    let comparison = args.compare.prepare(&photo, model.output_label())?;
    Ok((photo, comparison))
}

/// Finds out whether the tensors to dump exist, on a network for the smallest photo of this kind.
fn check_nodes(photo: &Frame, args: &PhotoArgs, weights: &Weights) -> Result<(), Error> {
    let side = weights.config().side_multiple();
    let format = match photo.samples() {
        Samples::U8(_) => ImageFormat::Words,
        Samples::U16(_) => ImageFormat::Planar,
    };
    let keep = nodes(args);
    let options = NetworkOptions { width: side, height: side, format, stage: args.network.stage(), keep };
    if args.dump.is_empty() { Ok(()) } else { model::build(weights, &options).map(|_| ()) }
}

fn nodes(args: &PhotoArgs) -> Vec<String> {
    args.dump.iter().map(|(node, _)| node.clone()).collect()
}

fn open(args: &PhotoArgs, weights: Weights, quiet: bool) -> Result<Restorer, Error> {
    let device = gpu::Device::new(&gpu::DeviceOptions { device: args.device.clone() })?;
    announce(&device, quiet);
    let options = RestorerOptions {
        precision: args.network.precision(),
        stage: args.network.stage(),
        passes: !args.no_passes,
    };
    Ok(Restorer::new(weights, device, options))
}

/// Restores a photo and writes it.
fn restore(
    restorer: &mut Restorer,
    photo: &Frame,
    job: &Job,
    args: &PhotoArgs,
    quiet: bool,
) -> Result<Frame, Error> {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(job.input.display().to_string());
    let mut progress = |p: Progress| {
        bar.set_length(p.total);
        bar.set_position(p.done);
    };
    let computed = if args.dump.is_empty() {
        restorer.restore_with_progress(photo, &mut progress).map(|restored| (restored, Vec::new()))
    } else {
        restorer.capture(photo, &nodes(args), &mut progress)
    };
    bar.finish_and_clear();
    let (restored, tensors) = computed?;
    for (node, path) in &args.dump {
        let unknown = || Error::UnknownTensor { name: node.clone() };
        dump::write(tensors.iter().find(|tensor| tensor.name == *node).ok_or_else(unknown)?, path)?;
    }
    image::write(&restored, &job.output)?;
    if !quiet {
        say(format_args!("{} -> {}", job.input.display(), job.output.display()));
    }
    Ok(restored)
}
