//! Any bytes, read as this format, give a table or an error.
#![no_main]

use donormatch::profile::{Format, ReadOptions, read_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_bytes(bytes, &ReadOptions::default().with_format(Format::Taxpasta));
});
