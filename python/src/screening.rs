//! The screening gate: who may give, on a given day.

use std::path::{Path, PathBuf};

use donormatch::cohort::screening::{Day, DonorRecords, Panel, RecipientRecords};
use pyo3::prelude::*;

use crate::error::Result;
use crate::matcher::Metadata;
use crate::runtime::short;
use crate::settings;

fn panel_of(path: Option<&Path>) -> donormatch::Result<Panel> {
    path.map_or_else(Panel::bundled, Panel::read)
}

fn records_of(records: Metadata, panel: &Panel) -> donormatch::Result<DonorRecords> {
    match records {
        Metadata::Path(path) => DonorRecords::read(path, panel),
        held => DonorRecords::from_table(&held.into_table()?, panel),
    }
}

/// The panel in a file, or the one that ships, as JSON.
#[pyfunction]
pub fn screening_panel(path: Option<PathBuf>) -> Result<String> {
    settings::json(&panel_of(path.as_deref())?)
}

/// What the gate says of records on a day, and of pairs if there are recipients, as JSON.
#[pyfunction]
pub fn screen(
    py: Python<'_>,
    records: Metadata,
    on: &str,
    panel: Option<PathBuf>,
    recipients: Option<Metadata>,
) -> Result<(String, String)> {
    let on: Day = on.parse()?;
    let (screening, pairs) = short(py, move || {
        let panel = panel_of(panel.as_deref())?;
        let records = records_of(records, &panel)?;
        let screening = panel.screen(&records, on)?;
        let pairs = match recipients {
            None => Vec::new(),
            Some(recipients) => {
                let table = recipients.into_table()?;
                let recipients = RecipientRecords::from_table(table, &panel)?;
                panel.screen_pairs(&records, &screening, &recipients)?
            }
        };
        Ok((screening, pairs))
    })?;
    Ok((settings::json(&screening)?, settings::json(&pairs)?))
}
