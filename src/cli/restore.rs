//! `mprnet restore`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use mprnet::image::{self, Frame};
use mprnet::model::Weights;
use mprnet::{Captured, Error, Progress, Restorer, RestorerOptions, Values, gpu};
use safetensors::tensor::{Dtype, TensorView};

use super::outputs::{Job, jobs};
use super::{Failure, NetworkArgs, announce};

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
    #[arg(long, value_name = "DEVICE")]
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
    let jobs = jobs(&args.inputs, &args.output)?;
    let weights = match &args.model {
        Some(path) => Weights::read(path)?,
        None => Weights::denoise()?,
    };
    tracing::info!(config = %weights.config(), parameters = weights.parameter_count(), "model");
    let mut restorer = None;
    let mut failed = false;
    for job in &jobs {
        // A photo that cannot be read needs no GPU to say so.
        let outcome = load(job).and_then(|photo| {
            let restorer = match &mut restorer {
                Some(made) => made,
                empty => empty.insert(open(args, weights.clone(), quiet)?),
            };
            restore(restorer, &photo, job, args, quiet)
        });
        match outcome {
            Ok(()) => {}
            Err(error) if jobs.len() == 1 => return Err(error.into()),
            Err(error) => {
                eprintln!("error: {error}");
                failed = true;
            }
        }
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

fn load(job: &Job) -> Result<Frame, Error> {
    let photo = image::read(&job.input)?;
    image::check_output(&job.output)?;
    image::check_frame(&photo, &job.output)?;
    Ok(photo)
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

fn restore(restorer: &mut Restorer, photo: &Frame, job: &Job, args: &RestoreArgs, quiet: bool) -> Result<(), Error> {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(job.input.display().to_string());
    let mut progress = |p: Progress| {
        bar.set_length(p.total);
        bar.set_position(p.done);
    };
    let restored = if args.dump.is_empty() {
        restorer.restore_with_progress(photo, &mut progress)
    } else {
        let names: Vec<String> = args.dump.iter().map(|(node, _)| node.clone()).collect();
        restorer.capture(photo, &names, &mut progress).and_then(|(restored, tensors)| {
            tensors.iter().zip(&args.dump).try_for_each(|(tensor, (_, path))| dump(tensor, path))?;
            Ok(restored)
        })
    };
    bar.finish_and_clear();
    image::write(&restored?, &job.output)?;
    if !quiet {
        eprintln!("{} -> {}", job.input.display(), job.output.display());
    }
    Ok(())
}

/// Writes one tensor as `[1, channels, height, width]`, to a temporary file that is then renamed.
fn dump(tensor: &Captured, path: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { action: "write", path: path.to_owned(), source };
    let (dtype, bytes): (Dtype, &[u8]) = match &tensor.values {
        Values::Words(words) => (Dtype::U32, bytemuck::cast_slice(words)),
        Values::Planar(values) => (Dtype::F32, bytemuck::cast_slice(values)),
    };
    let desc = &tensor.desc;
    let shape = [1, desc.channels, desc.height, desc.width].map(|side| side as usize).to_vec();
    let other = |e: safetensors::SafeTensorError| io(std::io::Error::other(e.to_string()));
    let view = TensorView::new(dtype, shape, bytes).map_err(other)?;
    let file = safetensors::serialize([(tensor.name.clone(), view)], None::<HashMap<String, String>>).map_err(other)?;
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = tempfile::NamedTempFile::new_in(directory).map_err(io)?;
    std::fs::write(temporary.path(), file).map_err(io)?;
    temporary.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}
