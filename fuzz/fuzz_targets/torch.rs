//! Any bytes as a file of PyTorch: its reader takes files only.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use mprnet::checkpoint::Checkpoint;
use mprnet::model::Weights;

fuzz_target!(|bytes: &[u8]| {
    let mut path = tempfile::NamedTempFile::new().expect("the directory for temporary files takes one");
    path.write_all(bytes).expect("the file can be written");
    if let Ok(file) = Checkpoint::open(path.path()) {
        mprnet_fuzz::read_all(&file);
        let _ = Weights::from_checkpoint(&file);
    }
});
