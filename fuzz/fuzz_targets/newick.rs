//! Any bytes give a tree or an error.
#![no_main]

use donormatch::profile::{ReadLimits, Tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Tree::parse(bytes, &ReadLimits::default());
});
