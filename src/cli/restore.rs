//! `mprnet derain`, `denoise`, `deblur` and `restore`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::image::FileFormat;
use crate::job::{self, Job, Jobs, Place};
use crate::model::{Task, Weights, embedded};
use crate::pool::Pool;
use crate::{Error, Shown};
use clap::Args;

use super::advice::advised;
use super::gallery::Gallery;
use super::network::lines;
use super::photo::{Asked, PhotoArgs};
use super::restoring::Work;
use super::session::Model;
use super::summary::{self, File, Summary};
use super::telling::Telling;
use super::video::Video;
use super::{Failure, dump, exit_code, print, reading, report, say};

#[derive(Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    pub(super) photos: PhotoArgs,
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program; default:
    /// denoise. With -n, a directory of weights files
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// A model's name: one in this program, or a file in the directory given by --model, without its extension
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
    /// Applies several models in turn, names or files: each takes the result of the one before, in 32-bit floats
    #[arg(long, value_name = "MODEL,...", value_delimiter = ',', conflicts_with_all = ["model", "name"])]
    chain: Vec<PathBuf>,
}

impl RestoreArgs {
    /// The file of weights, or what is called so; nothing where a model of this program is meant.
    fn file(&self) -> Result<Option<PathBuf>, Failure> {
        let (Some(folder), Some(name)) = (&self.model, &self.name) else {
            self.model.as_deref().map_or(Ok(()), check_model)?;
            return Ok(self.model.clone());
        };
        let files = ["safetensors", "pth", "pt"].map(|kind| folder.join(format!("{name}.{kind}")));
        match files.into_iter().find(|file| file.is_file()) {
            None => {
                let folder = folder.display();
                Err(Failure::Usage(format!(
                    "there is no {name}.safetensors, {name}.pth or {name}.pt in {folder}"
                )))
            }
            file => Ok(file),
        }
    }

    /// The model of this program that is meant where no file is.
    fn task(&self) -> Result<Task, Failure> {
        let Some(name) = &self.name else { return Ok(Task::Denoise) };
        let unknown =
            || Failure::Usage(format!("there is no model {name} in this program; --model says where it is"));
        Task::named(name).ok_or_else(unknown)
    }
}

/// Finds out whether what is given for a model may be one.
fn check_model(model: &Path) -> Result<(), Failure> {
    let shown = Shown(model.display());
    if model.is_dir() {
        return Err(Failure::Usage(format!(
            "{shown} is a directory; -n NAME says which of its models is meant"
        )));
    }
    let is_word = model.extension().is_none() && model.components().count() == 1;
    if is_word && embedded(model).is_none() && !model.exists() {
        let text =
            format!("there is no file {shown}; the models in this program are derain, denoise and deblur");
        return Err(Failure::Usage(text));
    }
    Ok(())
}

/// `mprnet restore`.
pub(super) fn run_any(args: &RestoreArgs, quiet: bool) -> Result<(), Failure> {
    if !args.chain.is_empty() {
        let models: Vec<Model<'_>> = args.chain.iter().map(|path| Model::of(path)).collect();
        return run(&args.photos, &models, quiet);
    }
    match args.file()? {
        Some(file) => run(&args.photos, &[Model::of(&file)], quiet),
        None => run(&args.photos, &[Model::Embedded(args.task()?)], quiet),
    }
}

/// Restores photos with these models, one after another.
pub(super) fn run(args: &PhotoArgs, models: &[Model<'_>], quiet: bool) -> Result<(), Failure> {
    args.session.network.mode.check()?;
    if args.session.network.mode.is_tiled() && !args.dump.is_empty() {
        let text = "--dump is of whole photos, and --mode tiled restores them in several parts";
        return Err(Failure::Usage(text.to_owned()));
    }
    if let Some(source) = args.video.source() {
        return restore_video(args, source, models, quiet);
    }
    let (jobs, targets) = match check(args, models) {
        Err(Failure::Error(error)) if args.json => {
            Summary::of_nothing(&advised(&error)).deliver(args.inputs.to_stream())?;
            return Err(error.into());
        }
        checked => checked?,
    };
    let mut summary = Summary::new(&jobs);
    if args.inputs.dry_run {
        return dry_run(args, &jobs, summary);
    }
    let telling = Telling::new(&args.progress, quiet, jobs.jobs.len());
    let listed =
        jobs.failures.iter().map(|error| (report(&advised(error)), exit_code(error)).1).max().unwrap_or(0);
    jobs.skipped.iter().for_each(|job| telling.skipped(job));
    let done = restore_all(args, models, (&jobs, targets), &telling, &mut summary, quiet);
    summary.seconds = telling.seconds();
    summary.memory.host = summary::host_peak();
    let in_words = telling.in_words() && matches!(done, Ok((_, true)));
    if in_words && summary.is_worth_counting() {
        say(summary.text());
    }
    drop(telling);
    if let Err(Failure::Error(error)) = &done {
        // It was before the first photo, or after the last.
        let told = summary.files.len() - jobs.skipped.len();
        summary.end(jobs.jobs.iter().skip(told), &advised(error));
    }
    if args.json {
        summary.deliver(args.inputs.to_stream())?;
    }
    match listed.max(done?.0) {
        0 => Ok(()),
        worst => Err(Failure::Reported(worst)),
    }
}

/// Restores the photos of the jobs; gives the highest exit code of one, and whether any was begun.
fn restore_all(
    args: &PhotoArgs,
    models: &[Model<'_>],
    (jobs, targets): (&Jobs, HashMap<PathBuf, PathBuf>),
    telling: &Telling,
    summary: &mut Summary,
    quiet: bool,
) -> Result<(u8, bool), Failure> {
    jobs.prepare()?;
    // It may be in a directory that has just been made.
    args.compare.page().map_or(Ok(()), dump::check)?;
    if jobs.jobs.is_empty() {
        return Ok((0, true));
    }
    let weights = read_all(models, quiet)?;
    let Some(last) = weights.last() else { return Err(Failure::Usage("there is no model".to_owned())) };
    let asked = Asked { args, weights: last, label: output_label(models), targets };
    let mut gallery = args.compare.page().map(|page| Gallery::new(page, asked.protocol()));
    let members = args.session.members(&weights, !args.no_passes, quiet)?;
    let mut pool = Pool::new(members).with_options(args.inputs.pool());
    let work = Work::new(&asked, telling, quiet);
    let (worst, begun) = work.restore_all(jobs, &mut pool, summary, &mut gallery);
    summary.adapter = work.used.names();
    summary.precision = Some(work.used.precision(&args.session.network).name());
    // A run that ended before it began leaves an earlier one's page as it is.
    if let Some(gallery) = gallery.filter(|_| begun) {
        gallery.write("Photos before and after", &args.session.settings(models, &work.used))?;
    }
    Ok((worst, begun))
}

fn read_all(models: &[Model<'_>], quiet: bool) -> Result<Vec<Weights>, Error> {
    models.iter().map(|model| model.read(quiet)).collect()
}

fn restore_video(args: &PhotoArgs, source: &Path, models: &[Model<'_>], quiet: bool) -> Result<(), Failure> {
    let files = models.iter().filter_map(|model| model.file());
    let video = Video::open(&args.video, source, args.inputs.output(), files, quiet)?;
    let weights = read_all(models, quiet)?;
    video.restore(args.session.members(&weights, !args.no_passes, quiet)?, quiet)
}

/// Says what would be done.
fn dry_run(args: &PhotoArgs, jobs: &Jobs, mut summary: Summary) -> Result<(), Failure> {
    summary.files.extend(jobs.jobs.iter().map(|job| File::new(job, "planned")));
    jobs.failures.iter().for_each(|error| report(&advised(error)));
    if args.json {
        summary.deliver(args.inputs.to_stream())?;
    } else {
        let to = |job: &Job, output: &Path| format!("{} -> {}", job.input.path().display(), output.display());
        let line = |job: &Job| to(job, job.output.path());
        let besides = |job: &Job| {
            let dumps = args.dump.iter().map(|(_, path)| path.as_path());
            let named = dumps.chain(args.compare.strip()).map(|path| to(job, path));
            let stages = args.stages(job).into_iter().map(|stage| line(&stage));
            [line(job)].into_iter().chain(stages).chain(named).collect::<Vec<_>>()
        };
        let skipped = jobs.skipped.iter().map(|job| format!("{} (there already)", line(job)));
        let page = args.compare.page().map(|page| format!("all -> {}", page.display()));
        print(&lines(jobs.jobs.iter().flat_map(besides).chain(skipped).chain(page)))?;
    }
    jobs.failures.iter().map(exit_code).max().map_or(Ok(()), |code| Err(Failure::Reported(code)))
}

/// What the output is called in a strip.
fn output_label(models: &[Model<'_>]) -> String {
    match models {
        [Model::Embedded(task)] => format!("output ({task})"),
        _ => "output".to_owned(),
    }
}

/// Pairs photos with outputs and with targets, and finds out whether everything that is asked for besides goes together
/// with them.
fn check(args: &PhotoArgs, models: &[Model<'_>]) -> Result<(Jobs, HashMap<PathBuf, PathBuf>), Failure> {
    let files = models.iter().filter_map(|model| model.file()).collect();
    let dumps = args.dump.iter().map(|(_, path)| path.as_path());
    let written: Vec<&Path> = dumps.clone().chain(args.compare.strip()).chain(args.compare.page()).collect();
    let jobs = args.inputs.plan(args.write.options(), files, written.clone())?;
    for (option, given) in [("--dump", !args.dump.is_empty()), ("--compare", args.compare.strip().is_some())]
    {
        if given && jobs.jobs.len() + jobs.skipped.len() > 1 {
            return Err(Failure::Usage(format!("{option} takes one photo")));
        }
    }
    args.write.check(&jobs.jobs)?;
    let targets = args.compare.targets(&jobs.jobs, args.inputs.recursive)?;
    check_besides(args, &jobs, &targets, &written)?;
    check_names(args)?;
    if args.inputs.dry_run {
        if let [job] = &jobs.jobs[..] {
            job.input.file().map_or(Ok(()), reading::check_there)?;
            // A name that tells no format is refused without a look at the disk.
            let unnamed = jobs.directory().is_none() && job.format().is_none();
            if unnamed {
                job.check_output()?;
            }
        }
        return Ok((jobs, targets));
    }
    if let [job] = &jobs.jobs[..]
        // What is no image, reading tells better.
        && (jobs.directory().is_none() || job.format().is_some())
    {
        // Where the input's name is misspelt, that is told and not what follows for the output.
        job.check_output()
            .or_else(|error| job.input.file().map_or(Ok(()), reading::check_there).and(Err(error)))?;
    }
    dumps.into_iter().try_for_each(dump::check)?;
    Ok((jobs, targets))
}

/// Finds out whether what is written besides photos has names of its kind.
fn check_names(args: &PhotoArgs) -> Result<(), Failure> {
    for (_, path) in &args.dump {
        dump::check_name("--dump", "a safetensors file", &["safetensors"], Some(path))?;
    }
    dump::check_name("--report", "a web page", &["html", "htm"], args.compare.page())?;
    match args.compare.strip() {
        Some(strip) if FileFormat::from_path(strip).is_none() => {
            let (shown, endings) = (Shown(strip.display()), FileFormat::endings());
            Err(Failure::Usage(format!("--compare writes a photo, and {shown} does not end in {endings}")))
        }
        _ => Ok(()),
    }
}

/// Finds out whether what is written besides photos has names, and none that is taken.
fn check_besides(
    args: &PhotoArgs,
    jobs: &Jobs,
    targets: &HashMap<PathBuf, PathBuf>,
    written: &[&Path],
) -> Result<(), Failure> {
    let streams =
        jobs.jobs.iter().flat_map(|job| [&job.input, &job.output]).find(|place| place.file().is_none());
    if let (Some(stream), Some(_)) = (streams, args.compare.page()) {
        let text = format!("--report links to files, and {} is none", stream.path().display());
        return Err(Failure::Usage(text));
    }
    if args.keep_stages && jobs.jobs.iter().any(|job| job.output == Place::Output) {
        let text = "--keep-stages writes files beside the photo, and standard output is none";
        return Err(Failure::Usage(text.to_owned()));
    }
    let stages = jobs.jobs.iter().flat_map(|job| args.stages(job));
    let stages: Vec<PathBuf> = stages.filter_map(|job| job.output.file().map(Path::to_owned)).collect();
    let there =
        |stage: &&PathBuf| jobs.directory().is_some() && args.inputs.refuses_existing() && stage.exists();
    if let Some(stage) = stages.iter().find(there) {
        return Err(Failure::Usage(format!("{} exists already; --overwrite replaces it", stage.display())));
    }
    let written: Vec<&Path> = written.iter().copied().chain(stages.iter().map(PathBuf::as_path)).collect();
    let read: Vec<&Path> = targets.values().map(PathBuf::as_path).collect();
    // What is there already is no place for a stage's image either.
    let kept = jobs.skipped.iter().filter_map(|job| job.output.file());
    let read: Vec<&Path> = read.into_iter().chain(kept).collect();
    Ok(job::check_distinct(&jobs.jobs, &read, &written)?)
}
