//! The work on photos, as a pool does it, and what is told of it.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::image::{self, FileFormat, Frame};
use crate::job::{Job, Jobs};
use crate::pool::{self, Pool};
use crate::{Cancel, Restored, Restorer, Shown};

use super::gallery::Gallery;
use super::mishap::{Mishap, attempt};
use super::photo::{Asked, Photo};
use super::say;
use super::session::{Used, attempt_with_adapter};
use super::signals::TALLY;
use super::summary::{File, Seconds, Summary};
use super::telling::Telling;

/// What all threads of the pool share.
pub(super) struct Work<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) telling: &'a Telling,
    pub(super) quiet: bool,
    /// What outputs are said to have no room for.
    told: Mutex<BTreeSet<(&'static str, &'static str)>>,
    /// What has been used.
    pub(super) used: Used,
}

/// A photo, and the seconds that it took to read.
pub(super) struct Loaded<'a> {
    photo: Photo<'a>,
    read: f64,
}

/// What a photo became, and the seconds that it took.
pub(super) struct Computed {
    restored: Restored,
    seconds: f64,
}

/// What is left to tell of a photo that is written.
pub(super) struct Saved<'a> {
    file: File,
    device_bytes: u64,
    /// For the page, if there is one.
    shown: Option<(Photo<'a>, Frame)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(asked: &'a Asked<'a>, telling: &'a Telling, quiet: bool) -> Self {
        Self { asked, telling, quiet, told: Mutex::default(), used: Used::default() }
    }

    /// Restores photos in the order of their names; gives the highest exit code, and whether there was a device for
    /// any. Where there is none, or none is left, the photos that are left have failed by that.
    pub(super) fn restore_all(
        &self,
        jobs: &'a Jobs,
        pool: &mut Pool,
        summary: &mut Summary,
        gallery: &mut Option<Gallery<'_>>,
    ) -> (u8, bool) {
        let (mut worst, mut told) = (0, HashSet::new());
        TALLY.begin(jobs.jobs.len());
        let done = pool.run(self, jobs.jobs.iter(), &Cancel::new(), |job, saved| {
            told.insert(std::ptr::from_ref(job));
            let outcome = saved.and_then(|saved| saved.show(job.input.path(), gallery));
            self.telling.ended(job, outcome.as_ref().err());
            match outcome {
                Ok((file, device_bytes)) => {
                    summary.files.push(file);
                    summary.memory.device = summary.memory.device.max(Some(device_bytes));
                }
                Err(mishap) => {
                    worst = worst.max(mishap.code);
                    gallery.iter_mut().for_each(|gallery| gallery.add_failed(&mishap.text));
                    summary.files.push(File::failed(job, &mishap.text));
                }
            }
        });
        if let Err(mishap) = done {
            mishap.report();
            worst = worst.max(mishap.code);
            gallery.iter_mut().for_each(|gallery| gallery.add_failed(&mishap.text));
            let left = jobs.jobs.iter().filter(|job| !told.contains(&std::ptr::from_ref(*job)));
            summary.end(left, &mishap.text);
            return (worst, !told.is_empty());
        }
        (worst, true)
    }

    /// Says what an output's format has no room for, of each kind once.
    fn tell_losses(&self, photo: &Frame, job: &Job) {
        let format = job.format().map_or("", FileFormat::name);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for loss in image::losses(photo, job.output.path(), &job.write) {
            if told.insert((format, loss)) {
                let output = Shown(job.output.path().display());
                let why = match loss {
                    image::BEYOND_16_BITS if format == FileFormat::Tiff.name() => {
                        "--float keeps it".to_owned()
                    }
                    _ => format!("{format} has no room for it"),
                };
                say(format_args!("note: {output} is written without {loss}; {why}"));
            }
        }
    }
}

impl<'a> pool::Work for Work<'a> {
    type Job = &'a Job;
    type Photo = Loaded<'a>;
    type Restored = Computed;
    type Saved = Saved<'a>;
    type Error = Mishap;

    fn load(&self, job: &mut &'a Job) -> Result<Loaded<'a>, Mishap> {
        let (job, began): (&'a Job, _) = (job, Instant::now());
        let photo = attempt(job.input.path(), || Photo::load(job, self.asked))?;
        if !self.quiet {
            self.tell_losses(&photo.frame, job);
        }
        Ok(Loaded { photo, read: began.elapsed().as_secs_f64() })
    }

    fn restore(
        &self,
        restorer: &Restorer,
        job: &&'a Job,
        loaded: &Loaded<'a>,
        cancel: &Cancel,
    ) -> Result<Computed, Mishap> {
        let began = Instant::now();
        let restored =
            attempt_with_adapter(job.input.path(), || loaded.photo.restore(restorer, self.telling, cancel))?;
        self.used.note(restorer);
        Ok(Computed { restored, seconds: began.elapsed().as_secs_f64() })
    }

    fn save(&self, job: &&'a Job, loaded: Loaded<'a>, computed: Computed) -> Result<Saved<'a>, Mishap> {
        let (Loaded { photo, read }, Computed { restored, seconds }) = (loaded, computed);
        let began = Instant::now();
        attempt(job.input.path(), || photo.save(&restored))?;
        TALLY.finished();
        let (width, height) = (Some(photo.frame.width()), Some(photo.frame.height()));
        let seconds = Some(Seconds::new(read, seconds, &restored.spent, began.elapsed().as_secs_f64()));
        let file = File { width, height, seconds, ..File::new(job, "written") };
        let shown = self.asked.args.compare.page().map(|_| (photo, restored.frame));
        Ok(Saved { file, device_bytes: restored.spent.device_bytes, shown })
    }
}

impl Saved<'_> {
    /// Puts it on the page.
    fn show(self, path: &Path, gallery: &mut Option<Gallery<'_>>) -> Result<(File, u64), Mishap> {
        if let (Some(gallery), Some((photo, restored))) = (gallery, self.shown) {
            attempt(path, || photo.show(&restored, gallery))?;
        }
        Ok((self.file, self.device_bytes))
    }
}
