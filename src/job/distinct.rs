//! No file is written twice, nor over one that is read.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Job, Place};
use crate::{Error, Result, Shown, output};

/// Refuses to write a file twice, or over one that is read: the photos, and `also_read`.
///
/// # Errors
/// [`Error::Jobs`] with the files.
pub fn check_distinct(jobs: &[Job], also_read: &[&Path], also_written: &[&Path]) -> Result<()> {
    let refuse = |reason: &str| Err(Error::Jobs { reason: reason.to_owned(), remedy: None });
    if jobs.iter().filter(|job| job.input == Place::Input).count() > 1 {
        return refuse("standard input can be read once; name it once");
    }
    let photos = jobs.iter().filter_map(|job| job.input.file());
    let read: HashMap<_, _> = photos
        .chain(also_read.iter().copied())
        .map(|path| (Identity::of(path, CASE_IS_IGNORED), path))
        .collect();
    let restored = jobs.iter().filter_map(|job| Some((job.output.file()?, Some(job.input.path()))));
    let mut written: HashMap<Identity, Option<&Path>> = HashMap::new();
    for (path, photo) in restored.chain(also_written.iter().map(|&path| (path, None))) {
        let shown = Shown(path.display());
        let identity = Identity::of(path, CASE_IS_IGNORED);
        let text = match (read.get(&identity), written.get(&identity), photo) {
            (Some(_), _, Some(input)) if identity == Identity::of(input, CASE_IS_IGNORED) => {
                format!("{shown} would overwrite its own input; choose another output")
            }
            (Some(source), ..) => {
                format!(
                    "{shown} would overwrite {}, which is read; choose another output",
                    Shown(source.display())
                )
            }
            (None, Some(&Some(a)), Some(b)) if a == b => {
                format!("{} is given twice; name it once", Shown(a.display()))
            }
            (None, Some(&Some(a)), Some(b)) => {
                let (a, b) = (Shown(a.display()), Shown(b.display()));
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
        return refuse(&text);
    }
    Ok(())
}

/// Whether names that differ only in case are usually one file here.
pub(super) const CASE_IS_IGNORED: bool = cfg!(any(windows, target_os = "macos"));

/// What tells files apart, whatever links and dots lead to them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// Device and number of a file that exists: hard links share them.
    #[cfg(unix)]
    Node(u64, u64),
    /// The path without links and dots; of a file that is yet to be, as far as there are directories.
    Path(PathBuf),
}

impl Identity {
    pub(super) fn of(path: &Path, case_is_ignored: bool) -> Self {
        // A link to what is yet to be made leads there all the same.
        let path = &output::destination(path).unwrap_or_else(|_| path.to_owned());
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Self::Node(metadata.dev(), metadata.ino());
        }
        let mut resolved = resolved(path);
        if let Some(name) = resolved.file_name().filter(|_| case_is_ignored) {
            // Directories that exist are named as the file system has them.
            resolved.set_file_name(folded(name));
        }
        Self::Path(resolved)
    }
}

/// The path without links and dots, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match path.file_name() {
        Some(name) => resolved(output::directory(path)).join(name),
        None => path.to_owned(),
    })
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
