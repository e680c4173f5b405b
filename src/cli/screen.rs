//! `donormatch screen`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{Streams, json, json_or_tsv};
use crate::Result;
use crate::cohort::MetadataTable;
use crate::cohort::screening::{
    Day, DonorRecords, DonorScreening, DonorType, PairScreening, Panel, RecipientRecords, Screening,
};
use crate::profile::SubjectId;

/// Say which donors and batches pass a screening panel on a day, and why the others do not
///
/// The gate fails closed: what is missing, expired, pending or unreadable is not eligible.
/// Research use only: this is no clearance of a donor.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch screen cohort/records.tsv --on 2026-11-01")]
pub(super) struct ScreenArguments {
    /// Records of the donors and batches: CSV, TSV or TOML
    #[arg(value_name = "RECORDS")]
    records: PathBuf,
    /// The day on which the donors are to be used
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: String,
    /// A panel of one's own, as TOML [default: the one that ships]
    #[arg(long, value_name = "FILE")]
    panel: Option<PathBuf>,
    /// Table of recipients: screens every donor for each of them
    #[arg(long, value_name = "FILE")]
    recipients: Option<PathBuf>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// A donor or batch as a row of the table.
#[derive(Debug, Serialize)]
struct DonorRow<'a> {
    donor_id: &'a str,
    batch_id: Option<&'a str>,
    donor_type: Option<&'a str>,
    eligible: bool,
    reasons: String,
    deferred_until: Option<Day>,
    lapses_on: Option<Day>,
    lapses_by: Option<&'a str>,
    overrides: Vec<String>,
    flags: &'a [String],
    lineage: Vec<&'a str>,
}

const OF_DONOR: [&str; 11] = [
    "donor_id",
    "batch_id",
    "donor_type",
    "eligible",
    "reasons",
    "deferred_until",
    "lapses_on",
    "lapses_by",
    "overrides",
    "flags",
    "lineage",
];

const OF_PAIR: [&str; 6] = [
    "donor_id",
    "batch_id",
    "recipient_id",
    "eligible",
    "reasons",
    "flags",
];

/// The whole result, as JSON.
#[derive(Debug, Serialize)]
struct Whole<'a> {
    research_use_only: bool,
    #[serde(flatten)]
    screening: &'a Screening,
    pairs: &'a [PairScreening],
}

impl ScreenArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let (panel, records, screening) =
            screened(&self.records, &self.on, self.panel.as_deref(), streams)?;
        let pairs = self.pairs(&panel, &records, &screening)?;
        if self.json {
            return streams.data(&json(&Whole {
                research_use_only: true,
                screening: &screening,
                pairs: &pairs,
            })?);
        }
        if self.recipients.is_some() {
            return streams.data(&json_or_tsv(false, &OF_PAIR, &pairs)?);
        }
        let rows: Vec<DonorRow<'_>> = screening.donors.iter().map(DonorRow::of).collect();
        streams.data(&json_or_tsv(false, &OF_DONOR, &rows)?)
    }

    fn pairs(
        &self,
        panel: &Panel,
        records: &DonorRecords,
        screening: &Screening,
    ) -> Result<Vec<PairScreening>> {
        let Some(path) = &self.recipients else {
            return Ok(Vec::new());
        };
        let recipients = RecipientRecords::from_table(MetadataTable::read(path)?, panel)?;
        panel.screen_pairs(records, screening, &recipients)
    }
}

/// Screens records by a panel, the one that ships where there is none; tells how many passed.
pub(super) fn screened(
    path: &Path,
    on: &str,
    panel: Option<&Path>,
    streams: &mut Streams<'_>,
) -> Result<(Panel, DonorRecords, Screening)> {
    let panel = panel.map_or_else(Panel::bundled, Panel::read)?;
    let day: Day = on.parse()?;
    let records = DonorRecords::read(path, &panel)?;
    let screening = panel
        .screen(&records, day)
        .map_err(|error| error.at_path(path))?;
    streams.note(&format!(
        "{} of {} eligible on {day} by `{}` version {}; research use only, no clearance of a donor",
        screening.n_eligible(),
        screening.donors.len(),
        screening.panel,
        screening.version
    ));
    Ok((panel, records, screening))
}

impl<'a> DonorRow<'a> {
    fn of(donor: &'a DonorScreening) -> Self {
        let lifted = donor.overrides.iter();
        Self {
            donor_id: donor.donor_id.as_str(),
            batch_id: donor.batch_id.as_deref(),
            donor_type: donor.donor_type.map(DonorType::as_str),
            eligible: donor.eligible,
            reasons: donor.reasons(),
            deferred_until: donor.deferred_until(),
            lapses_on: donor.lapses_on,
            lapses_by: donor.lapses_by.as_deref(),
            overrides: lifted
                .map(|one| format!("{} by {}: {}", one.entry, one.by, one.reason))
                .collect(),
            flags: &donor.flags,
            lineage: donor.lineage.iter().map(SubjectId::as_str).collect(),
        }
    }
}
