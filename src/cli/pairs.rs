//! Which photo is compared with which target.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::image::{self, ListOptions};

/// So many names an error lists.
const LISTED: usize = 5;

/// A degraded photo and what it should be.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) input: PathBuf,
    pub(super) target: PathBuf,
    /// Where the photo is in its directory.
    pub(super) place: PathBuf,
}

impl Pair {
    /// The photo's file name, with the directories that it is in below the one that was named.
    pub(super) fn name(&self) -> String {
        name(&self.place)
    }

    pub(super) fn paths(&self) -> [&Path; 2] {
        [&self.input, &self.target]
    }
}

/// An image, and where it is in its directory.
pub(super) type Placed = (PathBuf, PathBuf);

/// The images in a directory, or in the tree below it.
fn list(directory: &Path, recursive: bool) -> Result<Vec<Placed>, Error> {
    let mut listing = image::list_with(directory, &ListOptions { recursive, ..ListOptions::default() })?;
    if let Some(error) = listing.failures.pop() {
        return Err(error);
    }
    let placed = |path: PathBuf| (path.strip_prefix(directory).unwrap_or(&path).to_owned(), path);
    Ok(listing.images.into_iter().map(placed).map(|(place, path)| (path, place)).collect())
}

/// Finds the target of every photo in a directory: the file at the same place whose name is the same but for the
/// extension.
pub(super) fn find(inputs: &Path, targets: &Path, recursive: bool) -> Result<Vec<Pair>, Error> {
    of(list(inputs, recursive)?, targets, recursive)
}

/// The same of these photos, each with its place.
pub(super) fn of(photos: Vec<Placed>, targets: &Path, recursive: bool) -> Result<Vec<Pair>, Error> {
    let mut by_stem: HashMap<PathBuf, Vec<&Placed>> = HashMap::new();
    let candidates = list(targets, recursive)?;
    candidates.iter().for_each(|found| by_stem.entry(found.1.with_extension("")).or_default().push(found));
    let unfit = |reason: String| Error::ImageFolder { path: targets.to_owned(), reason, remedy: None };
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    for (input, place) in photos {
        let found = by_stem.get(&place.with_extension("")).map_or(&[][..], Vec::as_slice);
        let same_name = found.iter().find(|(_, target)| *target == place);
        match (found, same_name) {
            ([], _) => alone.push(input.display().to_string()),
            (_, Some((target, _))) | (&[(target, _)], None) => {
                pairs.push(Pair { input, target: target.clone(), place });
            }
            ([(_, a), (_, b), ..], None) => {
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

fn name(place: &Path) -> String {
    place.to_string_lossy().into_owned()
}
