//! Files that were never right: refused by name, with nothing executed, in little memory.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use mprnet::model::Weights;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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

/// The reader of headers quotes them, whatever they hold and however long they are.
#[test]
fn headers_do_not_write_messages() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("quoted.safetensors");
    let text = format!("\\u001b[2J\\n{}", "F32".repeat(5000));
    for header in [
        format!(r#"{{"a":{{"dtype":"{text}","shape":[1],"data_offsets":[0,4]}}}}"#),
        format!(r#"{{"a":"{text}"}}"#),
    ] {
        let length = (header.len() as u64).to_le_bytes();
        std::fs::write(&path, [&length[..], header.as_bytes(), &[0; 4]].concat()).unwrap();
        refusal(&path);
    }
}

/// Each is small enough to be looked through, all together they are not.
#[test]
fn many_pickles_in_an_archive() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("pickles.pth");
    let mut archive = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for name in ["a/data.pkl", "b/data.pkl", "c/data.pkl"] {
        archive.start_file(name, options).unwrap();
        archive.write_all(&vec![b'.'; 6 << 20]).unwrap();
    }
    archive.finish().unwrap();
    let error = refusal(&path);
    assert!(error.contains("pickles are larger"), "{error}");
}
