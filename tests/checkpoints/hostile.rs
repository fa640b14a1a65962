//! Files that were never right: refused by name, with nothing executed, in little memory.

use std::path::Path;

use mprnet::model::Weights;

use crate::{files, golden, refusal};

/// What the dangerous pickles would create if anything ran them.
const EXECUTED: &str = "mprnet_pickle_was_executed";

#[test]
fn every_malformed_file_is_refused() {
    let files = files("checkpoints/malformed");
    assert!(files.len() > 130, "{}", files.len());
    let before = peak_memory();
    let read: Vec<_> = files.iter().filter(|path| Weights::read(path).is_ok()).collect();
    assert!(read.is_empty(), "{read:?}");
    for path in &files {
        refusal(path);
    }
    assert!(!Path::new(EXECUTED).exists(), "a pickle was executed");
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 256 << 20, "{} MiB", (after - before) >> 20);
    }
}

/// The most memory that this process has ever taken, in bytes, where the system says so.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

#[track_caller]
fn refused(name: &str, words: &[&str]) {
    let error = refusal(&golden("checkpoints/malformed").join(name));
    for word in words {
        assert!(error.contains(word), "{word} is not in: {error}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    refused("empty.pth", &["is empty"]);
    refused("page.pth", &["web page", "download it again"]);
    refused("pointer.pth", &["Git LFS pointer", "git lfs pull"]);
    refused("text.pth", &["neither a safetensors file nor a PyTorch checkpoint"]);
    refused("graph.pth", &["neither a safetensors file nor a PyTorch checkpoint"]);
    refused("zip_no_tensors.pth", &["shallow_feat1.0.weight is missing"]);
    refused("zip_missing_key.pth", &["is missing"]);
    refused("zip_unknown_key.pth", &["is not a parameter"]);
    refused("zip_wrong_shape.pth", &["has shape"]);
    refused("zip_nan.pth", &["holds NaN at"]);
    refused("zip_infinity.pth", &["holds -inf at"]);
    refused("nan.safetensors", &["holds NaN at"]);
    refused("zip_integers.pth", &["is I64", "F32"]);
    refused("trailing.safetensors", &["not a whole safetensors file"]);
}
