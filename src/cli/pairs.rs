//! Which photo is compared with which target.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::image;

/// So many names an error lists.
const LISTED: usize = 5;

/// A degraded photo and what it should be.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) input: PathBuf,
    pub(super) target: PathBuf,
}

impl Pair {
    /// The photo's file name.
    pub(super) fn name(&self) -> String {
        name(&self.input)
    }

    pub(super) fn paths(&self) -> [&Path; 2] {
        [&self.input, &self.target]
    }
}

/// Finds the target of every photo in a directory: the file whose name is the same but for the extension.
pub(super) fn find(inputs: &Path, targets: &Path) -> Result<Vec<Pair>, Error> {
    of(image::list(inputs)?, targets)
}

/// The same of these photos.
pub(super) fn of(photos: Vec<PathBuf>, targets: &Path) -> Result<Vec<Pair>, Error> {
    let mut by_stem: HashMap<Option<&OsStr>, Vec<&PathBuf>> = HashMap::new();
    let candidates = image::list(targets)?;
    candidates.iter().for_each(|path| by_stem.entry(path.file_stem()).or_default().push(path));
    let unfit = |reason: String| Error::ImageFolder { path: targets.to_owned(), reason };
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    for input in photos {
        let found = by_stem.get(&input.file_stem()).map_or(&[][..], Vec::as_slice);
        let same_name = found.iter().find(|path| path.file_name() == input.file_name());
        match (found, same_name) {
            ([], _) => alone.push(input.display().to_string()),
            (_, Some(&target)) | (&[target], None) => pairs.push(Pair { input, target: target.clone() }),
            ([a, b, ..], None) => {
                let (a, b, input) = (name(a), name(b), input.display());
                return Err(unfit(format!("both {a} and {b} could be the target of {input}; leave one")));
            }
        }
    }
    if alone.is_empty() { Ok(pairs) } else { Err(unfit(missing(&alone))) }
}

fn missing(alone: &[String]) -> String {
    let listed = alone[..alone.len().min(LISTED)].join(", ");
    let more = match alone.len().saturating_sub(LISTED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!("there is no target for {listed}{more}; give targets the names of their inputs")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
