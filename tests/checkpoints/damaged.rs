//! Files that were right once: cut short, or with bytes changed.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::{golden, refusal};

const WHOLE: [&str; 3] = ["checkpoints/tiny.pth", "checkpoints/tiny_legacy.pth", "tiny.safetensors"];

/// How many changes of a file are tried.
const CHANGED: usize = 400;

fn copy(name: &str, room: &Path) -> PathBuf {
    let copy = room.join("copy");
    std::fs::copy(golden(name), &copy).unwrap();
    copy
}

#[test]
fn every_file_cut_at_each_kibibyte_is_refused() {
    for name in WHOLE {
        let room = tempfile::tempdir().unwrap();
        let path = copy(name, room.path());
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        // Further cuts at both ends, where the tables of contents are.
        let ends = (0..64).chain(length - 64..length);
        let mut cuts: Vec<u64> = (0..length).step_by(1024).chain(ends).collect();
        cuts.sort_unstable();
        for cut in cuts.into_iter().rev() {
            file.set_len(cut).unwrap();
            refusal(&path);
        }
    }
}

/// A changed byte gives an error, or another value: never a panic, nor a value that is no number.
#[test]
fn no_changed_byte_is_followed_into_the_ground() {
    for name in
        ["zip_bare.pth", "legacy_bare.pth", "micro.safetensors"].map(|name| format!("checkpoints/{name}"))
    {
        let room = tempfile::tempdir().unwrap();
        let path = copy(&name, room.path());
        let whole = std::fs::read(&path).unwrap();
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        let mut write = |at: usize, byte: u8| {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        // The beginning and the end hold what the rest is found by.
        let places = prop_oneof![0..whole.len(), 0..1024_usize, whole.len() - 1024..whole.len()];
        let some = proptest::collection::vec((places, any::<u8>()), 1..4);
        let mut runner = TestRunner::deterministic();
        for changes in std::iter::repeat_with(|| some.new_tree(&mut runner).unwrap().current()).take(CHANGED)
        {
            for &(at, byte) in &changes {
                write(at, byte);
            }
            if let Ok(bits) = crate::bits(&path) {
                let finite =
                    bits.iter().flat_map(|(_, _, values)| values).all(|&v| f32::from_bits(v).is_finite());
                assert!(finite, "{name} {changes:?}");
            }
            for &(at, _) in &changes {
                write(at, whole[at]);
            }
        }
    }
}
