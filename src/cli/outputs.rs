//! Which file each photo becomes, decided and checked before anything is computed.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::image::{self, FileFormat, WriteOptions};
use crate::{Error, Shown, output};

use super::Failure;
use super::formats::WriteArgs;

/// A photo and the file it becomes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) input: PathBuf,
    pub(super) output: PathBuf,
    pub(super) write: WriteOptions,
}

impl Job {
    /// The format of the output, where something tells.
    pub(super) fn format(&self) -> Option<FileFormat> {
        self.write.format.or_else(|| FileFormat::from_path(&self.output))
    }

    /// Finds out whether there can be a photo at the input.
    pub(super) fn check_input(&self) -> Result<(), Error> {
        if !self.input.is_dir() {
            return Ok(());
        }
        let photos = self.input.join("*.jpg");
        let reason = format!("it is a directory; name the photos in it, as in {}", Shown(photos.display()));
        Err(Error::ImageUnsupported { path: self.input.clone(), reason })
    }

    /// Finds out whether the output can be written.
    pub(super) fn check_output(&self) -> Result<(), Error> {
        let name = self.output.as_os_str().as_encoded_bytes();
        let as_directory = name.last().is_some_and(|&byte| std::path::is_separator(byte.into()));
        if !as_directory && self.format().is_some() {
            return image::check_output(&self.output, &self.write);
        }
        let ends = "end in .png, .jpg, .webp or .tiff, or --format say what it is";
        let shown = Shown(self.output.display());
        let reason = match self.output.extension() {
            _ if as_directory => format!("there is no directory {shown}; create it first"),
            None => format!("there is no directory {shown}, and the name of a file must {ends}"),
            Some(_) => format!("the name must {ends}"),
        };
        Err(Error::Unwritable { path: self.output.clone(), reason })
    }
}

/// Pairs inputs with outputs: one photo goes to the file `out`, or into the directory of that name under its own
/// name; several go into a directory.
pub(super) fn jobs(inputs: &[PathBuf], out: &Path, written: &WriteArgs) -> Result<Vec<Job>, Failure> {
    let into_directory = out.is_dir();
    if inputs.len() > 1 && !into_directory {
        let (count, out) = (inputs.len(), out.display());
        let text = format!("{count} photos need a directory to go to, and {out} is none; make it first");
        return Err(Failure::Usage(text));
    }
    let job = |input: &PathBuf| match input.file_name() {
        Some(name) if into_directory => written.in_directory(input, name, out),
        _ => written.file(input, out),
    };
    let jobs: Vec<Job> = inputs.iter().map(job).collect();
    if let [job] = &jobs[..] {
        job.check_input()?;
        // What is no image, reading tells better.
        if !into_directory || job.format().is_some() {
            job.check_output()?;
        }
    }
    written.check(&jobs)?;
    Ok(jobs)
}

/// Refuses to write a file twice, or over one that is read: the photos, and `also_read`.
pub(super) fn check_distinct(
    jobs: &[Job],
    also_read: &[&Path],
    also_written: &[&Path],
) -> Result<(), Failure> {
    let photos = jobs.iter().map(|job| job.input.as_path());
    let read: HashMap<_, _> = photos
        .chain(also_read.iter().copied())
        .map(|path| (Identity::of(path, CASE_IS_IGNORED), path))
        .collect();
    let restored = jobs.iter().map(|job| (job.output.as_path(), Some(job.input.as_path())));
    let mut written: HashMap<Identity, Option<&Path>> = HashMap::new();
    for (path, photo) in restored.chain(also_written.iter().map(|&path| (path, None))) {
        let shown = path.display();
        let identity = Identity::of(path, CASE_IS_IGNORED);
        let text = match (read.get(&identity), written.get(&identity), photo) {
            (Some(_), _, Some(input)) if identity == Identity::of(input, CASE_IS_IGNORED) => {
                format!("{shown} would overwrite its own input; choose another output")
            }
            (Some(source), ..) => {
                format!("{shown} would overwrite {}, which is read; choose another output", source.display())
            }
            (None, Some(&Some(a)), Some(b)) => {
                let (a, b) = (a.display(), b.display());
                format!("{a} and {b} would both become {shown}; restore them to two directories")
            }
            (None, Some(_), _) => {
                format!("{shown} would be written twice; choose another file for one of them")
            }
            (None, None, _) => {
                written.insert(identity, photo);
                continue;
            }
        };
        return Err(Failure::Usage(text));
    }
    Ok(())
}

/// Whether names that differ only in case are usually one file here.
const CASE_IS_IGNORED: bool = cfg!(any(windows, target_os = "macos"));

/// What tells files apart, whatever links and dots lead to them.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and number of a file that exists: hard links share them.
    #[cfg(unix)]
    Node(u64, u64),
    /// The path without links and dots; of a file that is yet to be, as far as its directory exists.
    Path(PathBuf),
}

impl Identity {
    fn of(path: &Path, case_is_ignored: bool) -> Self {
        // A link to what is yet to be made leads there all the same.
        let path = &output::destination(path).unwrap_or_else(|_| path.to_owned());
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Self::Node(metadata.dev(), metadata.ino());
        }
        let resolved = path.canonicalize().or_else(|e| {
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok::<_, io::Error>(parent.canonicalize()?.join(path.file_name().ok_or(e)?))
        });
        let mut resolved = resolved.unwrap_or_else(|_| path.to_owned());
        if let Some(name) = resolved.file_name().filter(|_| case_is_ignored) {
            // The directories exist, and are named as the file system has them.
            resolved.set_file_name(folded(name));
        }
        Self::Path(resolved)
    }
}

/// A name in capitals, letter by letter as file systems compare them: a letter whose capital is two letters stays.
fn folded(name: &OsStr) -> OsString {
    let capital = |letter: char| {
        let mut capitals = letter.to_uppercase();
        if capitals.len() == 1 { capitals.next().unwrap_or(letter) } else { letter }
    };
    name.to_str().map_or_else(|| name.to_owned(), |name| name.chars().map(capital).collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_are_one_file_where_case_is_ignored() {
        let room = tempfile::tempdir().unwrap();
        let identity = |name: &str, ignored| Identity::of(&room.path().join(name), ignored);
        for (a, b) in [("P.png", "p.PNG"), ("ÄRGER.png", "ärger.png"), ("ΟΔΟΣ.png", "οδος.png")] {
            assert_eq!(identity(a, true), identity(b, true));
            assert_ne!(identity(a, false), identity(b, false));
        }
        for (a, b) in [("Masse.png", "Maße.png"), ("a.png", "b.png")] {
            assert_ne!(identity(a, true), identity(b, true));
        }
    }
}
