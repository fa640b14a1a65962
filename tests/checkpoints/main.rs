//! Checkpoint files in every form that PyTorch and others give them, and files that are none.

mod damaged;
mod formats;
mod hostile;
mod names;

use std::path::{Path, PathBuf};

use mprnet::Result;
use mprnet::checkpoint::Checkpoint;
use mprnet::model::Weights;

/// A file under `golden/`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// The files of a folder under `golden/`, in order; documents apart.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(golden(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.is_file() && !path.ends_with("README.md")).collect();
    files.sort();
    files
}

/// Key, shape and bits of every parameter.
type Bits = Vec<(String, Vec<usize>, Vec<u32>)>;

/// What a network is made of, to be compared to the bit.
fn bits(path: &Path) -> Result<Bits> {
    let weights = Weights::read(path)?;
    let keys = Checkpoint::open(path)?.shapes().into_keys();
    let parameter = |key: String| {
        let param = weights.get(&key)?;
        Ok((key, param.shape.clone(), param.data.iter().map(|v| v.to_bits()).collect()))
    };
    keys.map(parameter).collect()
}

/// The text of the error: one line that names the file and is short enough to be read.
#[track_caller]
fn refusal(path: &Path) -> String {
    let error = match Weights::read(path) {
        Ok(_) => panic!("{} was read", path.display()),
        Err(error) => error.to_string(),
    };
    let named = error.contains(&path.display().to_string());
    assert!(named && error.lines().count() == 1 && error.len() < 600, "{error}");
    assert!(!error.contains(char::is_control), "{error:?}");
    error
}
