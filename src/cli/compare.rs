//! `--compare`: a restored photo beside what it was made from.

use std::path::{Path, PathBuf};

use clap::Args;
use mprnet::Error;
use mprnet::image::{self, Frame};

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

    /// The strip of this photo, once it is restored; what stands in its way is found out now.
    pub(super) fn prepare(
        &self,
        photo: &Frame,
        output_label: String,
    ) -> Result<Option<Comparison<'_>>, Error> {
        let Some(path) = self.written() else { return Ok(None) };
        let target = self.read().map(image::read).transpose()?;
        Comparison::new(path, photo, output_label, target).map(Some)
    }
}

/// A strip that can be written as soon as the output is there.
pub(super) struct Comparison<'a> {
    path: &'a Path,
    output_label: String,
    target: Option<Frame>,
}

impl<'a> Comparison<'a> {
    /// Finds out whether the strip can be written: the output will be as large as the photo, and so must the target.
    pub(super) fn new(
        path: &'a Path,
        photo: &Frame,
        output_label: String,
        target: Option<Frame>,
    ) -> Result<Self, Error> {
        if let Some(target) = &target
            && (target.width(), target.height()) != (photo.width(), photo.height())
        {
            return Err(Error::SizesDiffer {
                width: photo.width(),
                height: photo.height(),
                target_width: target.width(),
                target_height: target.height(),
            });
        }
        let comparison = Self { path, output_label, target };
        image::check_output(path)?;
        image::check_strip(&comparison.panels(photo, photo), path)?;
        Ok(comparison)
    }

    /// Writes the strip.
    pub(super) fn write(&self, photo: &Frame, restored: &Frame) -> Result<(), Error> {
        image::write(&image::strip(&self.panels(photo, restored))?, self.path)
    }

    fn panels<'f>(&'f self, photo: &'f Frame, restored: &'f Frame) -> Vec<(&'f str, &'f Frame)> {
        let target = self.target.iter().map(|target| ("target", target));
        [("input", photo), (&self.output_label, restored)].into_iter().chain(target).collect()
    }
}
