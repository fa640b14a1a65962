//! `--compare` and `--report`: restored photos beside what they were made from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::image::{self, Frame, WriteOptions};
use crate::job::Job;
use clap::{ArgGroup, Args};

use super::{Failure, pairs};

#[derive(Args)]
#[command(group(ArgGroup::new("shown").args(["compare", "report"]).multiple(true)))]
pub(super) struct CompareArgs {
    /// Also writes a strip with input and output side by side; for one photo
    #[arg(long, value_name = "STRIP")]
    compare: Option<PathBuf>,
    /// Also writes a page that shows every photo before and after, with a slider and a loupe; it links to the photo
    /// files
    #[arg(long, value_name = "PAGE.html")]
    report: Option<PathBuf>,
    /// The photo as it should look: shown by --compare, scored by --report. For several photos, a directory of files
    /// with the same names (extensions may differ)
    #[arg(long, value_name = "FILE", requires = "shown")]
    target: Option<PathBuf>,
}

impl CompareArgs {
    /// The strip to write, if any.
    pub(super) fn strip(&self) -> Option<&Path> {
        self.compare.as_deref()
    }

    /// The page to write, if any.
    pub(super) fn page(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    /// What photos should be, as far as that is given, by photo.
    pub(super) fn targets(
        &self,
        jobs: &[Job],
        recursive: bool,
    ) -> Result<HashMap<PathBuf, PathBuf>, Failure> {
        let Some(target) = &self.target else { return Ok(HashMap::new()) };
        let photo = |job: &Job| job.input.path().to_owned();
        if target.is_dir() {
            let photos = jobs.iter().map(|job| (photo(job), job.name.clone())).collect();
            let pairs = pairs::of(photos, target, recursive)?;
            return Ok(pairs.into_iter().map(|pair| (pair.input, pair.target)).collect());
        }
        match jobs {
            [] => Ok(HashMap::new()),
            [job] => Ok([(photo(job), target.clone())].into()),
            _ => {
                let (count, target) = (jobs.len(), target.display());
                let text = format!("{count} photos need a directory of targets, and {target} is none");
                Err(Failure::Usage(text))
            }
        }
    }
}

/// A strip of a photo, what it becomes, and its target if there is one.
pub(super) struct Comparison<'a> {
    pub(super) path: &'a Path,
    pub(super) photo: &'a Frame,
    pub(super) output_label: &'a str,
    pub(super) target: Option<&'a Frame>,
}

impl Comparison<'_> {
    /// Finds out whether the strip can be written, before there is an output: that will be as large as the photo, and
    /// so must the target be.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.target.map_or(Ok(()), |target| self.photo.check_size(target))?;
        image::check_output(self.path, &WriteOptions::default())?;
        image::check_strip(&self.panels(self.photo), self.path)
    }

    /// Writes the strip.
    pub(super) fn write(&self, restored: &Frame) -> Result<(), Error> {
        image::write(&image::strip(&self.panels(restored))?, self.path)
    }

    fn panels<'f>(&'f self, restored: &'f Frame) -> Vec<(&'f str, &'f Frame)> {
        let target = self.target.map(|target| ("target", target));
        [("input", self.photo), (self.output_label, restored)].into_iter().chain(target).collect()
    }
}
