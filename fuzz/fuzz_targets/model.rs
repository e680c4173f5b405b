//! Any bytes give a matcher or an error.
#![no_main]

use donormatch::persist::from_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = from_bytes::<donormatch::matcher::Matcher>(bytes);
});
