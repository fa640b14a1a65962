//! Choices on disk: JSON that people can read, and delete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::gpu::Storage;
use crate::kernels::ConvShape;
use crate::output::{Output, cache_folder};

const FILE: &str = "variants.json";
/// Of the file's form: others are not read.
const FORMAT: u32 = 1;
/// A larger file is none of ours.
const MOST_BYTES: u64 = 16 << 20;
/// Choices that are kept, the newest.
const MOST_ENTRIES: usize = 4096;

/// Where choices are remembered: `variants.json` in [`cache_folder`].
#[must_use]
pub fn cache_file() -> Option<PathBuf> {
    cache_folder().map(|folder| folder.join(FILE))
}

/// What a choice holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    adapter: String,
    driver: String,
    /// SHA-256 of the shaders of all variants.
    shaders: String,
    storage: String,
    pub(super) shape: String,
}

impl Key {
    pub(super) fn new(
        (adapter, driver): (&str, &str),
        shaders: String,
        storage: Storage,
        shape: &ConvShape,
    ) -> Self {
        Self {
            adapter: adapter.to_owned(),
            driver: driver.to_owned(),
            shaders,
            storage: storage.suffix().to_owned(),
            shape: shape.to_string(),
        }
    }
}

/// What was measured, and chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) key: Key,
    /// None where none can be used.
    pub(super) variant: Option<String>,
    pub(super) seconds: BTreeMap<String, f64>,
    /// Why others cannot be used.
    pub(super) disqualified: BTreeMap<String, String>,
    /// Those of them that computed wrong.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) wrong: BTreeSet<String>,
}

impl Entry {
    /// Of which nothing is known yet.
    pub(super) fn new(key: Key) -> Self {
        let (seconds, disqualified, wrong) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { key, variant: None, seconds, disqualified, wrong }
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    choices: Vec<Entry>,
}

/// What is remembered.
pub(super) struct Cache {
    path: Option<PathBuf>,
    entries: Vec<Entry>,
}

impl Cache {
    /// Reads the file; one that cannot be read is a warning, and empty.
    pub(super) fn read(path: Option<&Path>) -> Self {
        let entries = path.map_or_else(Vec::new, |path| {
            entries(path).unwrap_or_else(|reason| {
                let path = path.display();
                tracing::warn!("cannot use the choices remembered in {path}, which are made anew: {reason}");
                Vec::new()
            })
        });
        Self { path: path.map(Path::to_owned), entries }
    }

    pub(super) fn find(&self, key: &Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == *key)
    }

    /// What is known of an adapter with a driver, whatever the shape and the storage, and of other versions' shaders too.
    pub(super) fn of<'a>(&'a self, (adapter, driver): (&'a str, &'a str)) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.key.adapter == adapter && entry.key.driver == driver)
    }

    /// Adds choices to the file, and to what other processes have written there since it was read; gives those that
    /// hold. What another process has chosen for the same holds for this one too, or they would give different bytes;
    /// with `anew` it is replaced.
    pub(super) fn remember(&mut self, fresh: Vec<Entry>, anew: bool) -> Vec<Entry> {
        let Some(path) = self.path.clone() else { return fresh };
        // Held until what is read here is written again. Without it two that choose at once may choose differently.
        let _alone =
            lock(&path).map_err(|error| tracing::debug!("choices are remembered without a lock: {error}"));
        // What is wrong with the file has been said; it is replaced.
        let mut all = entries(&path).unwrap_or_default();
        let holding = |new: Entry| match all.iter().find(|old| old.key == new.key) {
            Some(old) if !anew => old.clone(),
            _ => new,
        };
        let held: Vec<Entry> = fresh.into_iter().map(holding).collect();
        all.retain(|old| held.iter().all(|new| new.key != old.key));
        all.extend_from_slice(&held);
        all.drain(..all.len().saturating_sub(MOST_ENTRIES));
        if let Err(reason) = write(&path, &all) {
            let path = path.display();
            tracing::warn!("cannot remember which kernels are fastest in {path}: {reason}");
        }
        self.entries = all;
        held
    }
}

/// Makes the folder of the file of choices and waits until nobody else writes that file, which is replaced and so is
/// none that could be held.
fn lock(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let held = File::create(path.with_extension("lock"))?;
    held.lock()?;
    Ok(held)
}

/// What a file holds; nothing where there is none.
fn entries(path: &Path) -> io::Result<Vec<Entry>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut text = String::new();
    if file.take(MOST_BYTES + 1).read_to_string(&mut text)? as u64 > MOST_BYTES {
        return Err(io::Error::other("it is far too large"));
    }
    let document: Document = serde_json::from_str(&text)?;
    if document.format != FORMAT {
        return Err(io::Error::other(format!("its format is {}, not {FORMAT}", document.format)));
    }
    Ok(document.choices)
}

fn write(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let document = Document { format: FORMAT, choices: entries.to_vec() };
    let text = serde_json::to_string_pretty(&document)?;
    let output = Output::create(path).map_err(io::Error::other)?;
    output.file().write_all(text.as_bytes())?;
    output.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize, variant: &str) -> Entry {
        let shape = ConvShape {
            inputs: vec![number as u32],
            outputs: 1,
            size: [8, 8],
            patches: [1, 1],
            epilogue: "none",
            pooled: false,
        };
        let key = Key::new(("Voodoo 2", "3.02"), String::new(), Storage::F32, &shape);
        Entry { variant: Some(variant.to_owned()), ..Entry::new(key) }
    }

    /// Devices that are alike are tuned at once, and are to compute by the same kernels.
    #[test]
    fn those_who_choose_at_once_choose_the_same() {
        const TUNERS: usize = 8;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join(FILE);
        let start = std::sync::Barrier::new(TUNERS);
        let choose = |tuner: usize| {
            let mut cache = Cache::read(Some(&path));
            start.wait();
            let fresh = vec![entry(0, &tuner.to_string()), entry(1 + tuner, "block")];
            cache.remember(fresh, false)[0].variant.clone()
        };
        let chosen: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..TUNERS).map(|tuner| scope.spawn(move || choose(tuner))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(chosen.iter().all(|variant| *variant == chosen[0]), "{chosen:?}");
        assert_eq!(Cache::read(Some(&path)).entries.len(), 1 + TUNERS);
    }

    /// The newest stay, or every start would measure anew once the file is full.
    #[test]
    fn a_full_file_forgets_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let numbered = |number| entry(number, "block");
        Cache::read(Some(&path)).remember((0..MOST_ENTRIES).map(numbered).collect(), false);
        Cache::read(Some(&path)).remember(vec![numbered(MOST_ENTRIES)], false);
        let kept = Cache::read(Some(&path));
        let found = [0, 1, MOST_ENTRIES].map(|at| kept.find(&numbered(at).key).is_some());
        assert_eq!(found, [false, true, true]);
    }

    /// Processes that measured the same at the same time go by the same choice.
    #[test]
    fn who_was_first_has_chosen_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let [mut one, mut other] = [(); 2].map(|()| Cache::read(Some(&path)));
        assert_eq!(one.remember(vec![entry(1, "tiled")], false), [entry(1, "tiled")]);
        let both = vec![entry(1, "block"), entry(2, "block")];
        assert_eq!(other.remember(both, false), [entry(1, "tiled"), entry(2, "block")]);
        assert_eq!(other.remember(vec![entry(1, "block")], true), [entry(1, "block")]);
        assert_eq!(Cache::read(Some(&path)).find(&entry(1, "").key), Some(&entry(1, "block")));
        // Without a file everyone goes by what they measured.
        assert_eq!(Cache::read(None).remember(vec![entry(1, "tiled")], false), [entry(1, "tiled")]);
    }
}
