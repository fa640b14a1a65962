//! Any bytes that begin as a TIFF file, of either byte order.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"II") || bytes.starts_with(b"MM") {
        mprnet_fuzz::read_photo(bytes);
    }
});
