//! `mprnet restore`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use mprnet::image::{self, Frame, Samples};
use mprnet::model::{self, ImageFormat, NetworkOptions, Weights};
use mprnet::{Error, Progress, Restorer, RestorerOptions, gpu};

use super::outputs::{self, Job};
use super::{Failure, NetworkArgs, announce, dump, exit_code, report, say};

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// Photos to restore
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,
    /// The restored photo; or an existing directory, which several photos need
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Weights as safetensors; without it the denoiser that ships in this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
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

pub(super) fn run(args: &RestoreArgs, quiet: bool) -> Result<(), Failure> {
    if !args.dump.is_empty() && args.inputs.len() > 1 {
        return Err(Failure::Usage("--dump takes one photo".to_owned()));
    }
    let jobs = outputs::jobs(&args.inputs, &args.output)?;
    let dumps: Vec<&Path> = args.dump.iter().map(|(_, path)| path.as_path()).collect();
    outputs::check_distinct(&jobs, args.model.as_deref(), &dumps)?;
    dumps.into_iter().try_for_each(dump::check)?;
    let weights = match &args.model {
        Some(path) => Weights::read(path)?,
        None => Weights::denoise()?,
    };
    tracing::info!(config = %weights.config(), parameters = weights.parameter_count(), "model");
    let mut restorer = None;
    let mut worst = 0;
    for job in &jobs {
        // A photo that cannot be read needs no GPU to say so; without a GPU none of them can be restored.
        let outcome = match load(job, args, &weights) {
            Ok(photo) => {
                let restorer = match &mut restorer {
                    Some(made) => made,
                    empty => empty.insert(open(args, weights.clone(), quiet)?),
                };
                restore(restorer, &photo, job, args, quiet)
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

fn load(job: &Job, args: &RestoreArgs, weights: &Weights) -> Result<Frame, Error> {
    let photo = image::read(&job.input)?;
    image::check_output(&job.output)?;
    image::check_frame(&photo, &job.output)?;
    check_nodes(&photo, args, weights)?;
    Ok(photo)
}

/// Finds out whether the tensors to dump exist, on a network for the smallest photo of this kind.
fn check_nodes(photo: &Frame, args: &RestoreArgs, weights: &Weights) -> Result<(), Error> {
    let side = weights.config().side_multiple();
    let format = match photo.samples() {
        Samples::U8(_) => ImageFormat::Words,
        Samples::U16(_) => ImageFormat::Planar,
    };
    let keep = nodes(args);
    let options = NetworkOptions { width: side, height: side, format, stage: args.network.stage(), keep };
    if args.dump.is_empty() { Ok(()) } else { model::build(weights, &options).map(|_| ()) }
}

fn nodes(args: &RestoreArgs) -> Vec<String> {
    args.dump.iter().map(|(node, _)| node.clone()).collect()
}

fn open(args: &RestoreArgs, weights: Weights, quiet: bool) -> Result<Restorer, Error> {
    let device = gpu::Device::new(&gpu::DeviceOptions { device: args.device.clone() })?;
    announce(&device, quiet);
    let options = RestorerOptions {
        precision: args.network.precision(),
        stage: args.network.stage(),
        passes: !args.no_passes,
    };
    Ok(Restorer::new(weights, device, options))
}

fn restore(
    restorer: &mut Restorer,
    photo: &Frame,
    job: &Job,
    args: &RestoreArgs,
    quiet: bool,
) -> Result<(), Error> {
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
    Ok(())
}
