//! Any text gives records of donors or an error, and nobody passes the panel by accident.
#![no_main]

use std::sync::LazyLock;

use donormatch::cohort::MetadataTable;
use donormatch::cohort::screening::{DonorRecords, Panel};
use libfuzzer_sys::fuzz_target;

static PANEL: LazyLock<Panel> = LazyLock::new(|| Panel::bundled().expect("the panel that ships"));

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = DonorRecords::parse_toml(&text, &PANEL);
    let table = MetadataTable::parse("<bytes>", &text);
    if let Ok(records) = table.and_then(|table| DonorRecords::from_table(&table, &PANEL)) {
        let day = "2026-11-01".parse().expect("a day");
        let _ = PANEL.screen(&records, day);
    }
});
