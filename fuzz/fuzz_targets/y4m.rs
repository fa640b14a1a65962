//! Any bytes as a stream of YUV4MPEG2.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mprnet_fuzz::read_video(bytes));
