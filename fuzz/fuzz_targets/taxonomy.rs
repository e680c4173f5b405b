//! Any bytes give a taxonomy or an error.
#![no_main]

use donormatch::profile::{ReadLimits, Taxonomy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Taxonomy::parse(bytes, &ReadLimits::default());
});
