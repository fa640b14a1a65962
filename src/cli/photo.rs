//! One photo: read, restored, and written with everything that is asked for besides.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::image::{self, Frame};
use crate::job::Job;
use crate::metrics::{self, Protocol, Score};
use crate::model::{self, ImageFormat, NetworkOptions, Stage, Task, Weights};
use crate::{Cancel, Error, Restored, Restorer};

use clap::Args;

use super::compare::{CompareArgs, Comparison};
use super::dump;
use super::formats::{ReadArgs, WriteArgs};
use super::gallery::{Gallery, Picture, Target};
use super::inputs::InputArgs;
use super::session::{DEVICES, SessionArgs};
use super::telling::{ProgressArgs, Telling};
use super::video::VideoArgs;

/// Photos, and what is to be done to them by whichever model.
#[derive(Args)]
#[command(mut_arg("device", |arg| arg.help(DEVICES)))]
pub(super) struct PhotoArgs {
    #[command(flatten)]
    pub(super) inputs: InputArgs,
    #[command(flatten)]
    pub(super) video: VideoArgs,
    #[command(flatten)]
    pub(super) read: ReadArgs,
    #[command(flatten)]
    pub(super) write: WriteArgs,
    #[command(flatten)]
    pub(super) compare: CompareArgs,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Also writes a tensor of the network (names: `mprnet plan --tensors`); for one photo, may be repeated
    #[arg(long, value_name = "NODE=FILE.safetensors", value_parser = parse_dump)]
    pub(super) dump: Vec<(String, PathBuf)>,
    /// Also writes the results of the first and second stage beside the output, in its format: out.png, out.stage1.png
    /// and out.stage2.png
    #[arg(long, conflicts_with = "stage")]
    pub(super) keep_stages: bool,
    /// Runs the network operator by operator, as the paper defines it, without fusing any
    #[arg(long)]
    pub(super) no_passes: bool,
    #[command(flatten)]
    pub(super) progress: ProgressArgs,
    /// Prints what was done, with times and memory, as one JSON object: to standard output, or to standard error with
    /// -o -
    #[arg(long)]
    pub(super) json: bool,
}

impl PhotoArgs {
    /// Where the images of a photo's earlier stages go, where they are kept.
    pub(super) fn stages(&self, job: &Job) -> Vec<Job> {
        let stages = Stage::EARLIER.iter().filter(|_| self.keep_stages);
        stages.filter_map(|stage| job.beside(stage.image())).collect()
    }
}

fn parse_dump(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => Ok((node.to_owned(), file.into())),
        _ => Err("NODE=FILE.safetensors is expected".to_owned()),
    }
}

/// What is asked of all photos alike.
pub(super) struct Asked<'a> {
    pub(super) args: &'a PhotoArgs,
    /// Of the network whose result is written.
    pub(super) weights: &'a Weights,
    /// What results are called in strips.
    pub(super) label: String,
    /// What photos should be, as far as that is given.
    pub(super) targets: HashMap<PathBuf, PathBuf>,
}

impl Asked<'_> {
    /// How photos are compared with what they should be.
    pub(super) fn protocol(&self) -> Protocol {
        Protocol::of(self.weights.provenance().task.unwrap_or(Task::Denoise))
    }

    /// Finds out whether the tensors to dump exist in the network for this photo.
    fn check_nodes(&self, photo: &Frame) -> Result<(), Error> {
        let format = ImageFormat::of(photo.samples().depth());
        let (network, keep) = (&self.args.session.network, self.nodes());
        let (stage, mode) = (network.stage(), network.mode.mode());
        let (width, height) = (photo.width(), photo.height());
        let options = NetworkOptions { height, width, format, stage, mode, keep };
        if self.args.dump.is_empty() { Ok(()) } else { model::build(self.weights, &options).map(|_| ()) }
    }

    fn nodes(&self) -> Vec<String> {
        self.args.dump.iter().map(|(node, _)| node.clone()).collect()
    }
}

/// What a photo should be.
struct Goal<'a> {
    path: &'a Path,
    frame: Frame,
    /// How near the photo is to it, where that is told.
    before: Option<Score>,
}

/// A photo that can be restored.
pub(super) struct Photo<'a> {
    asked: &'a Asked<'a>,
    job: &'a Job,
    pub(super) frame: Frame,
    target: Option<Goal<'a>>,
}

impl<'a> Photo<'a> {
    /// Reads a photo, and finds out whether what becomes of it can be computed and written.
    pub(super) fn load(job: &'a Job, asked: &'a Asked<'a>) -> Result<Self, Error> {
        let frame = job.read(&asked.args.read.options())?;
        job.check_output()?;
        asked.args.stages(job).iter().try_for_each(Job::check_output)?;
        image::check_frame(&frame, job.output.path(), &job.write)?;
        asked.check_nodes(&frame)?;
        let mut photo = Self { asked, job, frame, target: None };
        photo.target = photo.goal()?;
        photo.comparison().map_or(Ok(()), |comparison| comparison.check())?;
        Ok(photo)
    }

    fn goal(&self) -> Result<Option<Goal<'a>>, Error> {
        let Some(path) = self.asked.targets.get(self.job.input.path()) else { return Ok(None) };
        let frame = self.asked.args.read.target(path)?;
        let scored = self.asked.args.compare.page().is_some();
        let score = || metrics::score(&self.frame, &frame, self.asked.protocol());
        let before = match scored.then(score).transpose() {
            // The page has no figures for it; the photo is restored all the same.
            Err(Error::TooSmallForSsim { .. }) => None,
            Err(source) => {
                let path = self.job.input.path().to_owned();
                return Err(Error::Unscored { path, source: Box::new(source) });
            }
            Ok(before) => before,
        };
        Ok(Some(Goal { path, frame, before }))
    }

    fn comparison(&self) -> Option<Comparison<'_>> {
        let target = self.target.as_ref().map(|goal| &goal.frame);
        let (photo, output_label) = (&self.frame, self.asked.label.as_str());
        self.asked.args.compare.strip().map(|path| Comparison { path, photo, output_label, target })
    }

    /// What it becomes, and what else was asked for.
    pub(super) fn restore(
        &self,
        restorer: &Restorer,
        telling: &Telling,
        cancel: &Cancel,
    ) -> Result<Restored, Error> {
        let nodes = self.asked.nodes();
        let computed = telling.during(self.job, |progress| {
            let restoration =
                restorer.photo(&self.frame).progress(progress).cancelled_by(cancel).keep(&nodes);
            if self.asked.args.keep_stages { restoration.keep_stages().run() } else { restoration.run() }
        });
        let path = || self.job.input.path().to_owned();
        computed.map_err(|source| Error::Unrestored { path: path(), source: Box::new(source) })
    }

    /// Writes everything that was asked for, the photo itself last: where it is, everything is.
    pub(super) fn save(&self, restored: &Restored) -> Result<(), Error> {
        for (node, path) in &self.asked.args.dump {
            let unknown = || Error::UnknownTensor { name: node.clone() };
            let tensor = restored.tensors.iter().find(|tensor| tensor.name == *node);
            dump::write(tensor.ok_or_else(unknown)?, path)?;
        }
        for (stage, frame) in Stage::EARLIER.into_iter().zip(&restored.stages) {
            self.job.beside(stage.image()).map_or(Ok(()), |job| job.write(frame))?;
        }
        self.comparison().map_or(Ok(()), |comparison| comparison.write(&restored.frame))?;
        self.job.write(&restored.frame)
    }

    /// Puts it on the page, with what was written.
    pub(super) fn show(&self, restored: &Frame, gallery: &mut Gallery<'_>) -> Result<(), Error> {
        let target = match &self.target {
            Some(Goal { path, frame, before: Some(before) }) => {
                let after = metrics::score(restored, frame, self.asked.protocol())?;
                Some(Target { path, before: *before, after })
            }
            _ => None,
        };
        let before = Picture { frame: &self.frame, path: self.job.input.path() };
        let after = Picture { frame: restored, path: self.job.output.path() };
        gallery.add(&self.job.name, before, after, target)
    }
}
