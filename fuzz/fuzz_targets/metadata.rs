//! Any text gives a table of metadata or an error.
#![no_main]

use donormatch::cohort::MetadataTable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = MetadataTable::parse("<bytes>", &String::from_utf8_lossy(bytes));
});
