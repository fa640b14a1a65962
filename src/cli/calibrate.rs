//! `mprnet calibrate`: how large a model's features become, what f16 changes in its results, and a file that tells.

use std::path::{Path, PathBuf};

use crate::checkpoint::{self, Checkpoint};
use crate::model::{self, Export, FeaturePeaks, Source, Weights};
use crate::plan::Precision;
use crate::{
    CALIBRATION_SIDE, CalibrationPhoto, Calibrator, Deviation, Error, Progress, Shown, image, job, output,
};
use clap::Args;

use super::network::lines;
use super::reading;
use super::session::DeviceArgs;
use super::telling::with_bar;
use super::{Failure, advise, dump, patterns, print, say};

#[derive(Args)]
pub(super) struct CalibrateArgs {
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Typical photos for the model, or directories of them; the middle 256x256 pixels of each are used
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Includes subdirectories
    #[arg(short, long)]
    recursive: bool,
    /// Writes the model, values unchanged, with the measurements in its metadata
    #[arg(short, long, value_name = "OUT.safetensors")]
    output: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(super) fn run(args: &CalibrateArgs, quiet: bool) -> Result<(), Failure> {
    let paths = job::photos(&patterns::expand(&args.photos)?, args.recursive)?;
    let read: Vec<&Path> = paths.iter().chain([&args.model]).map(PathBuf::as_path).collect();
    if let Some(output) = &args.output {
        job::check_safetensors(output)?;
        dump::check_result(&read, Some(output))?;
    }
    let file = model::open(&args.model)?;
    let weights = Weights::from_checkpoint(&file)?;
    advise(&weights.provenance(), quiet);
    let middle = |path: &PathBuf| {
        let photo = image::read(path).map_err(reading::as_a_whole)?;
        CalibrationPhoto::of(&photo, &weights, CALIBRATION_SIDE)
    };
    let photos: Vec<CalibrationPhoto> = paths.iter().map(middle).collect::<Result<_, Error>>()?;
    let calibrator = Calibrator::new(weights.clone(), args.device.open(quiet)?);
    let (peaks, deviations) = with_bar("calibrating".to_owned(), quiet, |progress| {
        measure(&calibrator, &paths, &photos, progress)
    })?;
    print(&[summary(&file, &peaks), table(&paths, &deviations)].join("\n"))?;
    let Some(output) = &args.output else { return Ok(()) };
    output::write(output, &weights.to_safetensors(&export(args, &file, peaks)?)?)?;
    if !quiet {
        say(format_args!("{} -> {}", file.origin(), output.display()));
    }
    Ok(())
}

/// Peaks over all photos; then, with the moves that they ask for, how far f16 is from f32 on each.
fn measure(
    calibrator: &Calibrator,
    paths: &[PathBuf],
    photos: &[CalibrationPhoto],
    progress: &mut dyn FnMut(Progress),
) -> Result<(FeaturePeaks, Vec<Deviation>), Error> {
    let total = 2 * photos.len() as u64;
    let mut done = 0;
    let mut advance = || {
        done += 1;
        progress(Progress { done, total });
    };
    let about = |path: &PathBuf, source| Error::Unrestored { path: path.clone(), source: Box::new(source) };
    let mut peaks = FeaturePeaks::default();
    for (path, photo) in paths.iter().zip(photos) {
        peaks.merge(&calibrator.peaks(photo).map_err(|error| about(path, error))?);
        advance();
    }
    let deviation = |(path, photo)| {
        let deviation = calibrator.deviation(photo, &peaks).map_err(|error| about(path, error));
        advance();
        deviation
    };
    let deviations = paths.iter().zip(photos).map(deviation).collect::<Result<_, Error>>()?;
    Ok((peaks, deviations))
}

/// What is written: the values as they are stored, and what was measured.
fn export(args: &CalibrateArgs, file: &Checkpoint<'_>, peaks: FeaturePeaks) -> Result<Export, Error> {
    let halves = file.dtypes().iter().all(|dtype| dtype == "F16");
    let precision = if halves { Precision::F16 } else { Precision::F32 };
    // What ships in the program is no file that a user could look for.
    let source = match model::embedded(&args.model) {
        Some(_) => None,
        None => Some(Source { sha256: checkpoint::sha256(&args.model)?, format: file.container().family() }),
    };
    Ok(Export { precision, peaks: Some(peaks), source, ..Export::default() })
}

fn summary(file: &Checkpoint<'_>, peaks: &FeaturePeaks) -> String {
    let (name, largest) = peaks.largest().unwrap_or_default();
    let moves: Vec<String> =
        peaks.moves().map(|(name, exponent)| format!("{name} times 2^{exponent}")).collect();
    let groups = peaks.iter().count();
    let moved = match moves.len() {
        0 => format!("none of {groups} groups of features needs to be"),
        count => format!("{count} of {groups} groups of features: {}", moves.join(", ")),
    };
    let rows = [
        ("model", Shown(file.origin()).to_string()),
        ("features", format!("reach {largest:.2} ({name}); f16 holds 65504")),
        ("moved", moved),
    ];
    lines(rows.map(|(name, value)| format!("{name:<15}{value}")))
}

/// A row for each photo, and one for all of them.
fn table(photos: &[PathBuf], deviations: &[Deviation]) -> String {
    let side = CALIBRATION_SIDE;
    let title = format!("f16 against f32, up to {side}x{side}");
    let row = |name: String, d: &Deviation| {
        let apart = format!("{:.2}%", 100.0 * d.share_apart());
        [name, format!("{:.1e}", d.largest), format!("{:.1}", d.psnr()), apart]
    };
    let mut all = Deviation::default();
    deviations.iter().for_each(|deviation| all.merge(deviation));
    let header = [title, "max error".to_owned(), "PSNR, dB".to_owned(), "8-bit values apart".to_owned()];
    let of_photos = photos.iter().zip(deviations).map(|(path, d)| row(Shown(path.display()).to_string(), d));
    let rows: Vec<[String; 4]> =
        [header].into_iter().chain(of_photos).chain([row("all".to_owned(), &all)]).collect();
    let width = rows.iter().map(|[name, ..]| name.chars().count()).max().unwrap_or(0);
    lines(
        rows.iter()
            .map(|[name, error, psnr, apart]| format!("{name:<width$}{error:>12}{psnr:>12}{apart:>21}")),
    )
}
