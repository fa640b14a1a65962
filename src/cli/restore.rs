//! `mprnet derain`, `denoise`, `deblur` and `restore`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::image::{self, FileFormat, Frame, Samples};
use crate::job::{Job, Jobs};
use crate::model::{self, ImageFormat, NetworkOptions, Task, Weights};
use crate::{Error, Restored, Restorer, Shown, Spent};
use clap::Args;

use super::compare::{CompareArgs, Comparison};
use super::formats::{ReadArgs, WriteArgs};
use super::inputs::InputArgs;
use super::mishap::{Mishap, attempt};
use super::network::lines;
use super::session::{Model, Session, SessionArgs};
use super::signals::TALLY;
use super::summary::{self, File, Seconds, Summary};
use super::telling::{ProgressArgs, Telling};
use super::video::{Video, VideoArgs};
use super::{Failure, dump, exit_code, print, report, say};

#[derive(Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    pub(super) photos: PhotoArgs,
    /// Weights, safetensors or PyTorch; or derain, denoise or deblur, which ship in this program; without it denoise;
    /// or a directory of weights, with -n
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The name of a model: one that ships in this program, or a file in the directory of --model without its extension
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
}

impl RestoreArgs {
    /// The file of weights, or what is called so; nothing where a model of this program is meant.
    fn file(&self) -> Result<Option<PathBuf>, Failure> {
        let (Some(folder), Some(name)) = (&self.model, &self.name) else { return Ok(self.model.clone()) };
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

/// Photos, and what is to be done to them by whichever model.
#[derive(Args)]
pub(super) struct PhotoArgs {
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    video: VideoArgs,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    compare: CompareArgs,
    #[command(flatten)]
    session: SessionArgs,
    /// Writes a tensor of the network too (names: `mprnet plan --tensors`); for one photo, repeatable
    #[arg(long, value_name = "NODE=FILE.safetensors", value_parser = parse_dump)]
    dump: Vec<(String, PathBuf)>,
    /// Executes the network operator by operator, as the paper has it
    #[arg(long)]
    no_passes: bool,
    #[command(flatten)]
    progress: ProgressArgs,
    /// Writes what was done, how long it took and how much memory, as JSON: to standard output, or to standard error with
    /// -o -
    #[arg(long)]
    json: bool,
}

fn parse_dump(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => Ok((node.to_owned(), file.into())),
        _ => Err("NODE=FILE.safetensors is expected".to_owned()),
    }
}

/// `mprnet restore`.
pub(super) fn run_any(args: &RestoreArgs, quiet: bool) -> Result<(), Failure> {
    match args.file()? {
        Some(file) => run(&args.photos, Model::of(&file), quiet),
        None => run(&args.photos, Model::Embedded(args.task()?), quiet),
    }
}

pub(super) fn run(args: &PhotoArgs, model: Model<'_>, quiet: bool) -> Result<(), Failure> {
    if let Some(source) = args.video.source() {
        return restore_video(args, source, model, quiet);
    }
    let jobs = check(args, model)?;
    let mut summary = Summary::new(&jobs);
    if args.inputs.dry_run {
        return rehearse(args, &jobs, summary);
    }
    jobs.prepare()?;
    let mut telling = Telling::new(&args.progress, quiet, jobs.jobs.len());
    let mut worst = jobs.failures.iter().map(|error| (report(error), exit_code(error)).1).max().unwrap_or(0);
    jobs.skipped.iter().for_each(|job| telling.skipped(job));
    if !jobs.jobs.is_empty() {
        let weights = model.read(quiet)?;
        let mut work = Work {
            args,
            weights: &weights,
            label: output_label(model),
            summary: &mut summary,
            telling: &mut telling,
        };
        worst = worst.max(work.restore_all(&jobs.jobs, quiet)?);
    }
    summary.seconds = telling.seconds();
    summary.memory.host = summary::host_peak();
    if telling.in_words() && (summary.files.len() > 1 || summary.others > 0) {
        say(summary.text());
    }
    drop(telling);
    if args.json {
        summary.deliver(args.inputs.to_stream())?;
    }
    if worst > 0 { Err(Failure::Reported(worst)) } else { Ok(()) }
}

/// Says what would be done.
fn rehearse(args: &PhotoArgs, jobs: &Jobs, mut summary: Summary) -> Result<(), Failure> {
    summary.files.extend(jobs.jobs.iter().map(|job| File::new(job, "planned")));
    jobs.failures.iter().for_each(|error| report(error));
    if args.json {
        summary.deliver(args.inputs.to_stream())?;
    } else {
        let line = |job: &Job| format!("{} -> {}", job.input.path().display(), job.output.path().display());
        let skipped = jobs.skipped.iter().map(|job| format!("{} (there already)", line(job)));
        print(&lines(jobs.jobs.iter().map(line).chain(skipped)))?;
    }
    jobs.failures.iter().map(exit_code).max().map_or(Ok(()), |code| Err(Failure::Reported(code)))
}

/// The work on all photos, and what is told of it.
struct Work<'a> {
    args: &'a PhotoArgs,
    weights: &'a Weights,
    label: String,
    summary: &'a mut Summary,
    telling: &'a mut Telling,
}

impl Work<'_> {
    /// Gives the highest exit code.
    fn restore_all(&mut self, jobs: &[Job], quiet: bool) -> Result<u8, Failure> {
        let mut session = Session::new(&self.args.session, self.weights, !self.args.no_passes, quiet);
        let (mut worst, mut told) = (0, BTreeSet::new());
        TALLY.begin(jobs.len());
        for job in jobs {
            let outcome = self.restore(job, &mut session, (!quiet).then_some(&mut told))?;
            self.telling.ended(job, outcome.as_ref().err());
            match outcome {
                Ok((file, spent)) => {
                    self.summary.files.push(file);
                    self.summary.memory.device = self.summary.memory.device.max(Some(spent.device_bytes));
                }
                Err(mishap) => {
                    worst = worst.max(mishap.code);
                    self.summary.files.push(File::failed(job, &mishap));
                }
            }
        }
        self.summary.adapter = session.adapter();
        self.summary.precision = Some(session.precision().name());
        Ok(worst)
    }

    fn restore(
        &self,
        job: &Job,
        session: &mut Session<'_>,
        told: Option<&mut BTreeSet<(&'static str, &'static str)>>,
    ) -> Result<Result<(File, Spent), Mishap>, Error> {
        let (path, mut clock) = (job.input.path(), Clock(Instant::now()));
        // A photo that cannot be read needs no GPU to say so.
        let photo = match attempt(path, || Photo::load(job, self.args, &self.label, self.weights)) {
            Ok(photo) => photo,
            Err(mishap) => return Ok(Err(mishap)),
        };
        let read = clock.lap();
        if let Some(told) = told {
            tell_losses(&photo.frame, job, told);
        }
        let restored =
            session.attempt(path, |restorer| photo.restore(restorer, job, self.args, self.telling))?;
        let restore = clock.lap();
        let saved = restored.and_then(|restored| {
            attempt(path, || photo.save(job, self.args, &restored)).map(|()| restored.spent)
        });
        Ok(saved.map(|spent| {
            TALLY.finished();
            let (width, height) = (Some(photo.frame.width()), Some(photo.frame.height()));
            let seconds = Some(Seconds::new(read, restore, &spent, clock.lap()));
            (File { width, height, seconds, ..File::new(job, "written") }, spent)
        }))
    }
}

/// What tells how long each part of the work took.
struct Clock(Instant);

impl Clock {
    /// Seconds since the last time.
    fn lap(&mut self) -> f64 {
        let began = std::mem::replace(&mut self.0, Instant::now());
        (self.0 - began).as_secs_f64()
    }
}

fn restore_video(args: &PhotoArgs, source: &Path, model: Model<'_>, quiet: bool) -> Result<(), Failure> {
    let video = Video::open(&args.video, source, args.inputs.output(), model.file(), quiet)?;
    let weights = model.read(quiet)?;
    video.restore(&mut Session::new(&args.session, &weights, !args.no_passes, quiet), quiet)
}

/// Says what an output's format has no room for, of each kind once.
fn tell_losses(photo: &Frame, job: &Job, told: &mut BTreeSet<(&'static str, &'static str)>) {
    let format = job.format().map_or("", FileFormat::name);
    for loss in image::losses(photo, job.output.path(), &job.write) {
        if told.insert((format, loss)) {
            let output = Shown(job.output.path().display());
            say(format_args!("note: {output} is written without {loss}; {format} has no room for it"));
        }
    }
}

/// What the output is called in a strip.
fn output_label(model: Model<'_>) -> String {
    match model {
        Model::File(_) => "output".to_owned(),
        Model::Embedded(task) => format!("output ({task})"),
    }
}

/// Pairs photos with outputs, and finds out whether everything that is asked for besides goes together with them.
fn check(args: &PhotoArgs, model: Model<'_>) -> Result<Jobs, Failure> {
    let read = model.file().into_iter().chain(args.compare.read()).collect();
    let dumps = args.dump.iter().map(|(_, path)| path.as_path());
    let written = dumps.clone().chain(args.compare.written()).collect();
    let jobs = args.inputs.plan(args.write.options(), read, written)?;
    for (option, given) in
        [("--dump", !args.dump.is_empty()), ("--compare", args.compare.written().is_some())]
    {
        if given && jobs.jobs.len() + jobs.skipped.len() > 1 {
            return Err(Failure::Usage(format!("{option} takes one photo")));
        }
    }
    args.write.check(&jobs.jobs)?;
    if args.inputs.dry_run {
        return Ok(jobs);
    }
    if let [job] = &jobs.jobs[..]
        // What is no image, reading tells better.
        && (jobs.directory().is_none() || job.format().is_some())
    {
        job.check_output()?;
    }
    dumps.into_iter().try_for_each(dump::check)?;
    Ok(jobs)
}

/// A photo that can be restored.
struct Photo<'a> {
    frame: Frame,
    /// Where its strip goes, and what is in there besides.
    strip: Option<&'a Path>,
    target: Option<Frame>,
    output_label: &'a str,
}

impl<'a> Photo<'a> {
    /// Reads a photo, and finds out whether what becomes of it can be computed and written.
    fn load(job: &Job, args: &'a PhotoArgs, output_label: &'a str, weights: &Weights) -> Result<Self, Error> {
        let frame = job.read(&args.read.options())?;
        job.check_output()?;
        image::check_frame(&frame, job.output.path(), &job.write)?;
        check_nodes(&frame, args, weights)?;
        let target = args.compare.read().map(image::read).transpose()?;
        let photo = Self { frame, strip: args.compare.written(), target, output_label };
        photo.comparison().map_or(Ok(()), |comparison| comparison.check())?;
        Ok(photo)
    }

    fn comparison(&self) -> Option<Comparison<'_>> {
        let (photo, target, output_label) = (&self.frame, self.target.as_ref(), self.output_label);
        self.strip.map(|path| Comparison { path, photo, output_label, target })
    }

    /// What it becomes, and tensors that were asked for.
    fn restore(
        &self,
        restorer: &Restorer,
        job: &Job,
        args: &PhotoArgs,
        telling: &Telling,
    ) -> Result<Restored, Error> {
        let computed = telling
            .during(job, |progress| restorer.photo(&self.frame).progress(progress).keep(&nodes(args)).run());
        let about =
            |source| Error::Unrestored { path: job.input.path().to_owned(), source: Box::new(source) };
        computed.map_err(about)
    }

    /// Writes everything that was asked for.
    fn save(&self, job: &Job, args: &PhotoArgs, restored: &Restored) -> Result<(), Error> {
        for (node, path) in &args.dump {
            let unknown = || Error::UnknownTensor { name: node.clone() };
            dump::write(
                restored.tensors.iter().find(|tensor| tensor.name == *node).ok_or_else(unknown)?,
                path,
            )?;
        }
        job.write(&restored.frame)?;
        self.comparison().map_or(Ok(()), |comparison| comparison.write(&restored.frame))
    }
}

/// Finds out whether the tensors to dump exist, on a network for the smallest photo of this kind.
fn check_nodes(photo: &Frame, args: &PhotoArgs, weights: &Weights) -> Result<(), Error> {
    let side = weights.config().side_multiple();
    let format = match photo.samples() {
        Samples::U8(_) => ImageFormat::Words,
        Samples::U16(_) | Samples::F32(_) => ImageFormat::Planar,
    };
    let keep = nodes(args);
    let options =
        NetworkOptions { width: side, height: side, format, stage: args.session.network.stage(), keep };
    if args.dump.is_empty() { Ok(()) } else { model::build(weights, &options).map(|_| ()) }
}

fn nodes(args: &PhotoArgs) -> Vec<String> {
    args.dump.iter().map(|(node, _)| node.clone()).collect()
}
