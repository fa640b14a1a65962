//! The same weights in every form come out the same, to the bit.

use std::path::PathBuf;

use mprnet::checkpoint::{Checkpoint, Container};
use mprnet::model::Weights;

use crate::{bits, files, golden, refusal};

/// Right files that are not read all the same, and why.
const REFUSED: [(&str, &str); 1] = [("zip_big_endian.pth", "Big-endian")];

/// The file that one of `golden/checkpoints` holds the weights of.
fn truth(name: &str) -> PathBuf {
    golden(match name {
        "micro_bias.safetensors" | "expanded.pth" => "checkpoints/micro_bias.safetensors",
        _ if name.starts_with("tiny") => "tiny.safetensors",
        _ => "checkpoints/micro.safetensors",
    })
}

#[test]
fn every_form_gives_the_same_bits() {
    let files = files("checkpoints");
    assert!(files.len() > 35, "{files:?}");
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            let error = refusal(&path);
            assert!(error.contains(why), "{error}");
            continue;
        }
        let found = bits(&path).unwrap_or_else(|e| panic!("{e}"));
        assert!(found == bits(&truth(name)).unwrap(), "{name}");
    }
}

#[test]
fn content_decides_what_a_file_is() {
    let container = |name: &str| Checkpoint::open(&golden("checkpoints").join(name)).unwrap().container();
    assert_eq!(container("tiny.pth"), Container::TorchZip);
    assert_eq!(container("tiny_legacy.pth"), Container::TorchLegacy);
    assert_eq!(container("zip_inside.safetensors"), Container::TorchZip);
    assert_eq!(container("safetensors_inside.pth"), Container::Safetensors);
}

#[test]
fn metadata_is_that_of_the_file() {
    let metadata = |name: &str| Weights::read(&golden("checkpoints").join(name)).unwrap().metadata().clone();
    assert!(metadata("tiny.pth").is_empty());
    // Which keys share a tensor is about the file, not about the network.
    assert!(!metadata("save_model.safetensors").keys().any(|key| key.ends_with(".weight")));
}
