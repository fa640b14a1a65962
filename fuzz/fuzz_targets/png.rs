//! Any bytes that begin as a PNG file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        mprnet_fuzz::read_photo(bytes);
    }
});
