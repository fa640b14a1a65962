//! `--json`: what a run over photos did, for programs.

use std::path::Path;

use crate::Spent;
use crate::job::{Job, Jobs};
use serde::Serialize;

use super::{Failure, dump, print, telling};

/// A run. Bytes and seconds; what is unknown is null.
#[derive(Serialize)]
pub(super) struct Summary {
    /// The names of the adapters that were used.
    pub(super) adapter: Option<String>,
    /// How features and weights are stored: `f32`, `f16` or `exact`.
    pub(super) precision: Option<&'static str>,
    pub(super) memory: Memory,
    /// Of the whole run, reading the model and opening the adapter included.
    pub(super) seconds: f64,
    pub(super) files: Vec<File>,
    /// Files of directories that are no images.
    pub(super) others: usize,
    /// What is about no single file: directories that cannot be listed, and why the run ended early.
    pub(super) errors: Vec<String>,
}

/// The most bytes that were held at once.
#[derive(Default, Serialize)]
pub(super) struct Memory {
    /// On the adapter, by this program.
    pub(super) device: Option<u64>,
    /// By the process, as Linux tells.
    pub(super) host: Option<u64>,
}

/// A photo.
#[derive(Serialize)]
pub(super) struct File {
    pub(super) input: String,
    pub(super) output: String,
    /// `written`, `failed`, `skipped`, or `planned` in a dry run.
    pub(super) result: &'static str,
    pub(super) error: Option<String>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) seconds: Option<Seconds>,
}

/// Where the time of a photo went.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Seconds {
    /// Reading and decoding.
    pub(super) read: f64,
    /// All that restoring took, with waiting for the adapter; of the first photo of a size with compiling.
    pub(super) restore: f64,
    /// Of that, writing the photo to where the adapter takes it from.
    pub(super) upload: f64,
    /// Of that, the adapter's work, by its own clock where that can be read.
    pub(super) gpu: f64,
    /// Of that, reading the result.
    pub(super) download: f64,
    /// Encoding and writing.
    pub(super) write: f64,
}

impl Seconds {
    pub(super) fn new(read: f64, restore: f64, spent: &Spent, write: f64) -> Self {
        let [upload, gpu, download] =
            [spent.upload, spent.gpu, spent.download].map(|time| time.as_secs_f64());
        Self { read, restore, upload, gpu, download, write }
    }
}

impl File {
    pub(super) fn new(job: &Job, result: &'static str) -> Self {
        let name = |path: &Path| path.to_string_lossy().into_owned();
        let (input, output) = (name(job.input.path()), name(job.output.path()));
        Self { input, output, result, error: None, width: None, height: None, seconds: None }
    }

    pub(super) fn failed(job: &Job, error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..Self::new(job, "failed") }
    }
}

impl Summary {
    /// Of photos that are left alone, and of what nothing was done to.
    pub(super) fn new(jobs: &Jobs) -> Self {
        let files = jobs.skipped.iter().map(|job| File::new(job, "skipped")).collect();
        let errors = jobs.failures.iter().map(ToString::to_string).collect();
        let (memory, others) = (Memory::default(), jobs.others);
        Self { adapter: None, precision: None, memory, seconds: 0.0, files, others, errors }
    }

    /// Of a run that ended before anything was begun.
    pub(super) fn of_nothing(error: &str) -> Self {
        let mut summary = Self::new(&Jobs::default());
        summary.end(std::iter::empty(), error);
        summary
    }

    /// Notes why the run ended, and that the photos that are left have failed by that.
    pub(super) fn end<'a>(&mut self, left: impl Iterator<Item = &'a Job>, error: &str) {
        self.files.extend(left.map(|job| File::failed(job, error)));
        self.errors.push(error.to_owned());
    }

    /// Whether there is more to tell than the lines about its photos have told.
    pub(super) fn is_worth_counting(&self) -> bool {
        let one = self.files.len() == 1 && (self.count("skipped") > 0 || !self.errors.is_empty());
        one || self.files.len() > 1 || self.others > 0
    }

    fn count(&self, result: &str) -> usize {
        self.files.iter().filter(|file| file.result == result).count()
    }

    /// The same in a line for people.
    pub(super) fn text(&self) -> String {
        let failed = self.count("failed");
        let mut parts = vec![format!("{} restored", self.count("written"))];
        parts.extend((failed > 0).then(|| format!("{failed} failed")));
        let skipped = self.count("skipped");
        parts.extend((skipped > 0).then(|| format!("{skipped} there already")));
        let others = self.others;
        parts.extend((others > 0).then(|| format!("{others} other {}", not_read(others))));
        format!("{}, in {:.1} s", parts.join(", "), self.seconds)
    }

    /// Writes it to standard output, or to standard error where that is for a photo.
    pub(super) fn deliver(&self, to_error: bool) -> Result<(), Failure> {
        let source = |source| crate::Error::Io { action: "write", path: "the summary".into(), source };
        let text = dump::json(self).map_err(source)?;
        if to_error {
            telling::say_exactly(text.trim_end());
            return Ok(());
        }
        Ok(print(&text)?)
    }
}

fn not_read(count: usize) -> &'static str {
    if count == 1 { "file is of no format that is read" } else { "files are of no format that is read" }
}

/// The most bytes that this process has held, where the system tells: `VmHWM` of proc(5).
pub(super) fn host_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}
