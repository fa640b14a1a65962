//! `--compare`: a restored photo beside what it was made from.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::image::{self, Frame, WriteOptions};
use clap::Args;

#[derive(Args)]
pub(super) struct CompareArgs {
    /// Writes a strip besides, input and output side by side; for one photo
    #[arg(long, value_name = "STRIP")]
    compare: Option<PathBuf>,
    /// The photo as it should be, for --compare to put beside the output
    #[arg(long, value_name = "FILE", requires = "compare")]
    target: Option<PathBuf>,
}

impl CompareArgs {
    /// The strip to write, if any.
    pub(super) fn written(&self) -> Option<&Path> {
        self.compare.as_deref()
    }

    /// The file that is read for it.
    pub(super) fn read(&self) -> Option<&Path> {
        self.target.as_deref()
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
