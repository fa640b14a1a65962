//! `mprnet derain`, `denoise`, `deblur` and `restore`.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::image::{self, FileFormat, Frame, Samples};
use crate::metrics::{self, Protocol, Score};
use crate::model::{self, ImageFormat, NetworkOptions, Task, Weights};
use crate::{Error, Restorer, Shown};
use clap::Args;

use super::compare::{CompareArgs, Comparison};
use super::formats::{ReadArgs, WriteArgs};
use super::gallery::{Gallery, Picture, Target};
use super::mishap::attempt;
use super::outputs::{self, Job};
use super::session::{Model, Session, SessionArgs, with_bar};
use super::{Failure, dump, patterns, say};

#[derive(Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    pub(super) photos: PhotoArgs,
    /// Weights, safetensors or PyTorch; or derain, denoise or deblur, which ship in this program; without it denoise
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl RestoreArgs {
    pub(super) fn model(&self) -> Model<'_> {
        self.model.as_deref().map_or(Model::Embedded(Task::Denoise), Model::of)
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
}

fn parse_dump(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => Ok((node.to_owned(), file.into())),
        _ => Err("NODE=FILE.safetensors is expected".to_owned()),
    }
}

pub(super) fn run(args: &PhotoArgs, model: Model<'_>, quiet: bool) -> Result<(), Failure> {
    let (jobs, targets) = check(args, model)?;
    let weights = model.read(quiet)?;
    let label = output_label(model);
    let mut session = Session::new(&args.session, &weights, !args.no_passes, quiet);
    let protocol = Protocol::of(weights.provenance().task.unwrap_or(Task::Denoise));
    let mut gallery = args.compare.page().map(|page| Gallery::new(page, protocol));
    let scored = gallery.as_ref().map(|_| protocol);
    let mut worst = 0;
    let mut told = BTreeSet::new();
    for job in &jobs {
        // A photo that cannot be read needs no GPU to say so.
        let goal = targets.get(&job.input).map(|path| (path.as_path(), scored));
        let outcome = match attempt(&job.input, || Photo::load(job, args, &label, &weights, goal)) {
            Ok(photo) => {
                if !quiet {
                    tell_losses(&photo.frame, job, &mut told);
                }
                session
                    .attempt(&job.input, |restorer| photo.restore(restorer, job, args, &mut gallery, quiet))?
            }
            Err(mishap) => Err(mishap),
        };
        if let Err(mishap) = outcome {
            mishap.report();
            worst = worst.max(mishap.code);
            gallery.iter_mut().for_each(|gallery| gallery.add_failed(&mishap.text));
        }
    }
    if let Some(gallery) = gallery {
        gallery.write("Photos before and after", &session.settings(model))?;
    }
    if worst > 0 { Err(Failure::Reported(worst)) } else { Ok(()) }
}

/// Says what an output's format has no room for, of each kind once.
fn tell_losses(photo: &Frame, job: &Job, told: &mut BTreeSet<(&'static str, &'static str)>) {
    let format = job.format().map_or("", FileFormat::name);
    for loss in image::losses(photo, &job.output, &job.write) {
        if told.insert((format, loss)) {
            let output = Shown(job.output.display());
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

/// Pairs photos with outputs and with targets, and finds out whether everything that is asked for besides goes together with
/// them.
fn check(args: &PhotoArgs, model: Model<'_>) -> Result<(Vec<Job>, HashMap<PathBuf, PathBuf>), Failure> {
    let inputs = patterns::expand(&args.inputs)?;
    for (option, given) in [("--dump", !args.dump.is_empty()), ("--compare", args.compare.strip().is_some())]
    {
        if given && inputs.len() > 1 {
            return Err(Failure::Usage(format!("{option} takes one photo")));
        }
    }
    let jobs = outputs::jobs(&inputs, &args.output, &args.write)?;
    let targets = args.compare.targets(&inputs)?;
    let read: Vec<&Path> = model.file().into_iter().chain(targets.values().map(PathBuf::as_path)).collect();
    let besides = args.dump.iter().map(|(_, path)| path.as_path()).chain(args.compare.page());
    let written: Vec<&Path> = besides.clone().chain(args.compare.strip()).collect();
    outputs::check_distinct(&jobs, &read, &written)?;
    besides.into_iter().try_for_each(dump::check)?;
    Ok((jobs, targets))
}

/// A photo that can be restored.
struct Photo<'a> {
    frame: Frame,
    /// Where its strip goes, and what is in there besides.
    strip: Option<&'a Path>,
    target: Option<Goal<'a>>,
    output_label: &'a str,
}

/// What a photo should be.
struct Goal<'a> {
    path: &'a Path,
    frame: Frame,
    /// How near the photo is to it, where that is told.
    before: Option<(Protocol, Score)>,
}

impl<'a> Goal<'a> {
    fn read(path: &'a Path, job: &Job, photo: &Frame, protocol: Option<Protocol>) -> Result<Self, Error> {
        let frame = image::read(path)?;
        let score = |protocol| metrics::score(photo, &frame, protocol).map(|score| (protocol, score));
        let unscored = |source| Error::Unscored { path: job.input.clone(), source: Box::new(source) };
        let before = protocol.map(score).transpose().map_err(unscored)?;
        Ok(Self { path, frame, before })
    }
}

impl<'a> Photo<'a> {
    /// Reads a photo, and finds out whether what becomes of it can be computed and written.
    fn load(
        job: &Job,
        args: &'a PhotoArgs,
        output_label: &'a str,
        weights: &Weights,
        goal: Option<(&'a Path, Option<Protocol>)>,
    ) -> Result<Self, Error> {
        job.check_input()?;
        let frame = image::read_with(&job.input, &args.read.options())?;
        job.check_output()?;
        image::check_frame(&frame, &job.output, &job.write)?;
        check_nodes(&frame, args, weights)?;
        let target = goal.map(|(path, scored)| Goal::read(path, job, &frame, scored)).transpose()?;
        let photo = Self { frame, strip: args.compare.strip(), target, output_label };
        photo.comparison().map_or(Ok(()), |comparison| comparison.check())?;
        Ok(photo)
    }

    fn comparison(&self) -> Option<Comparison<'_>> {
        let (photo, target, output_label) =
            (&self.frame, self.target.as_ref().map(|goal| &goal.frame), self.output_label);
        self.strip.map(|path| Comparison { path, photo, output_label, target })
    }

    /// Restores it and writes everything that is asked for.
    fn restore(
        &self,
        restorer: &mut Restorer,
        job: &Job,
        args: &PhotoArgs,
        gallery: &mut Option<Gallery<'_>>,
        quiet: bool,
    ) -> Result<(), Error> {
        let computed = with_bar(job.input.display().to_string(), quiet, |progress| {
            if args.dump.is_empty() {
                restorer.restore_with_progress(&self.frame, progress).map(|restored| (restored, Vec::new()))
            } else {
                restorer.capture(&self.frame, &nodes(args), progress)
            }
        });
        let about = |source| Error::Unrestored { path: job.input.clone(), source: Box::new(source) };
        let (restored, tensors) = computed.map_err(about)?;
        for (node, path) in &args.dump {
            let unknown = || Error::UnknownTensor { name: node.clone() };
            dump::write(tensors.iter().find(|tensor| tensor.name == *node).ok_or_else(unknown)?, path)?;
        }
        image::write_with(&restored, &job.output, &job.write)?;
        if !quiet {
            say(format_args!("{} -> {}", job.input.display(), job.output.display()));
        }
        self.comparison().map_or(Ok(()), |comparison| comparison.write(&restored))?;
        gallery.as_mut().map_or(Ok(()), |gallery| self.show(&restored, job, gallery))
    }

    /// Puts it on the page.
    fn show(&self, restored: &Frame, job: &Job, gallery: &mut Gallery<'_>) -> Result<(), Error> {
        let target = match &self.target {
            Some(Goal { path, frame, before: Some((protocol, before)) }) => {
                let after = metrics::score(restored, frame, *protocol)?;
                Some(Target { path, before: *before, after })
            }
            _ => None,
        };
        let before = Picture { frame: &self.frame, path: &job.input };
        let after = Picture { frame: restored, path: &job.output };
        gallery.add(before, after, target)
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
