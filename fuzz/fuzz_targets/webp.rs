//! Any bytes that begin as a WebP file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"RIFF") {
        mprnet_fuzz::read_photo(bytes);
    }
});
