//! Any bytes as a safetensors file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mprnet::checkpoint::Checkpoint;
use mprnet::model::Weights;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = Checkpoint::from_safetensors(bytes, "bytes") {
        mprnet_fuzz::read_all(&file);
        let _ = Weights::from_checkpoint(&file);
    }
});
