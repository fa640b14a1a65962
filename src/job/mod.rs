//! What becomes of which input: files, trees of them and standard streams; which of them are left alone; and that
//! nothing is overwritten which should not be. Decided and checked before anything is computed.
//!
//! A [`Request`] is what was asked for, [`Request::plan`] makes [`Jobs`] of it; whoever does them reads, restores and
//! writes one after another, in any order and on any thread.

mod convert;
mod distinct;
mod request;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use self::convert::{check_safetensors, convert};
pub use self::distinct::check_distinct;
pub use self::request::{Existing, Jobs, Request};
use crate::image::{self, FileFormat, Frame, ListOptions, ReadOptions, WriteOptions};
use crate::output::names_directory;
use crate::{Error, Remedy, Result, Shown};

/// Where a photo comes from, or what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Standard input, as where it comes from.
    Input,
    /// Standard output, as what it becomes.
    Output,
}

impl Place {
    /// The path of the file, or what messages call the stream.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Input => Path::new("standard input"),
            Self::Output => Path::new("standard output"),
        }
    }

    /// The path, where it is a file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Input | Self::Output => None,
        }
    }
}

/// A photo and what it becomes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Job {
    /// Where it comes from.
    pub input: Place,
    /// The photo's name, with the directories that it is in below one that was named; empty for standard input.
    pub name: PathBuf,
    /// What it becomes.
    pub output: Place,
    /// How it is written.
    pub write: WriteOptions,
    /// Whether directories that the output is in are made.
    pub makes_directories: bool,
}

impl Job {
    /// A file that becomes another.
    #[must_use]
    pub fn of_files(input: PathBuf, output: PathBuf, write: WriteOptions) -> Self {
        let name = input.file_name().map_or_else(PathBuf::new, PathBuf::from);
        Self { input: Place::File(input), name, output: Place::File(output), write, makes_directories: false }
    }

    /// The same for a file beside the output, whose name has this word before its extension: `out/a.png` and `stage1`
    /// make `out/a.stage1.png`. Nothing beside standard output.
    #[must_use]
    pub fn beside(&self, word: &str) -> Option<Self> {
        let output = self.output.file()?;
        let extension = output.extension().filter(|_| FileFormat::from_path(output).is_some());
        let mut path = if extension.is_some() { output.with_extension("") } else { output.to_owned() };
        for part in [Some(word.as_ref()), extension].into_iter().flatten() {
            path.as_mut_os_string().push(".");
            path.as_mut_os_string().push(part);
        }
        Some(Self { output: Place::File(path), ..self.clone() })
    }

    /// The format of the output, where something tells.
    #[must_use]
    pub fn format(&self) -> Option<FileFormat> {
        self.write.format.or_else(|| FileFormat::from_path(self.output.file()?))
    }

    /// Reads the photo.
    ///
    /// # Errors
    /// As [`image::read`].
    pub fn read(&self, options: &ReadOptions) -> Result<Frame> {
        match &self.input {
            Place::File(path) => image::read_with(path, options),
            Place::Input | Place::Output => {
                let name = Place::Input.path();
                let mut bytes = Vec::new();
                image::read_all(io::stdin().lock(), &mut bytes, name)?;
                image::from_bytes(&bytes, name, options)
            }
        }
    }

    /// Finds out whether the output can be written, and makes the directories that it is in.
    ///
    /// # Errors
    /// [`Error::Jobs`] where the name tells no format; [`Error::Unwritable`] or [`Error::Io`] with what stands in the
    /// way.
    pub fn check_output(&self) -> Result<()> {
        let Place::File(output) = &self.output else { return Ok(()) };
        if let Some(directory) = output.parent().filter(|_| self.makes_directories) {
            make_directory(directory)?;
        }
        if !names_directory(output) && self.format().is_some() {
            return image::check_output(output, &self.write);
        }
        let shown = Shown(output.display());
        let ends = format!("end in {}, or the format be given", FileFormat::endings());
        let reason = match output.extension() {
            None => format!("there is no directory {shown}, and the name of a file must {ends}"),
            Some(_) => format!("the name must {ends}"),
        };
        let reason = format!("cannot write {shown}: {reason}");
        Err(Error::Jobs { reason, remedy: Some(Remedy::SayFormat) })
    }

    /// Writes what the photo has become: whole or not at all.
    ///
    /// # Errors
    /// As [`image::write_with`].
    pub fn write(&self, restored: &Frame) -> Result<()> {
        match &self.output {
            Place::File(path) => image::write_with(restored, path, &self.write),
            Place::Input | Place::Output => {
                let name = Place::Output.path();
                let bytes = image::to_bytes(restored, name, &self.write)?;
                let mut out = io::stdout().lock();
                let written = out.write_all(&bytes).and_then(|()| out.flush());
                written.map_err(|source| Error::Io { action: "write to", path: name.to_owned(), source })
            }
        }
    }
}

/// The photos that are meant by files and directories: those that are named, and those in directories, or in the trees
/// below them.
///
/// # Errors
/// As [`image::list_with`].
pub fn photos(inputs: &[PathBuf], recursive: bool) -> Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            photos.push(input.clone());
            continue;
        }
        let mut listing = image::list_with(input, &ListOptions { recursive, ..ListOptions::default() })?;
        listing.failures.pop().map_or(Ok(()), Err)?;
        photos.extend(listing.images);
    }
    Ok(photos)
}

/// Makes a directory and those that it is in.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let failed = |source| Error::Io { action: "make the directory", path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)
}
