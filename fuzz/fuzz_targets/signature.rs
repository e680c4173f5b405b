//! Any text gives a signature or an error.
#![no_main]

use donormatch::taxonomy::Signature;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Signature::parse(&String::from_utf8_lossy(bytes));
});
