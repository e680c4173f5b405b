//! Of a ranking what an assignment needs, from memory or from a file that `donormatch rank` wrote.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use serde::Deserialize;

use super::NOT_ELIGIBLE;
use super::assignment::{Assignment, AssignmentParams, PairUtility};
use super::result::Ranking;
use crate::cohort::MetadataTable;
use crate::profile::{SampleId, SubjectId, read_text};
use crate::{Error, Result};

/// Utilities of the eligible pairs of a ranking, and who was ranked at all.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedUtilities {
    /// Pairs with an eligible donor.
    pub pairs: Vec<PairUtility>,
    /// Donors, eligible or not.
    pub donors: BTreeSet<SubjectId>,
    /// Recipients in the order of the ranking.
    pub recipients: Vec<SampleId>,
}

/// A row as the ranking's JSON has it.
#[derive(Debug, Deserialize)]
struct Row {
    recipient_id: SampleId,
    donor_id: SubjectId,
    utility: f64,
    flags: Vec<String>,
}

/// The part of the ranking's JSON that is read.
#[derive(Debug, Deserialize)]
struct Rows {
    rows: Vec<Row>,
}

impl RankedUtilities {
    /// From the JSON or the table (tab-separated, gzipped or not) that `donormatch rank` writes.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read; [`Error::File`] where it is neither, with the
    /// line and the column.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            let fix =
                "give the ranking as JSON or as a table: `rank --json`, `rank --output x.tsv`";
            return Err(Error::file(path, fix));
        }
        let text = read_text(path)?;
        if text.trim_start().starts_with('{') {
            let read: Rows = serde_json::from_str(&text).map_err(|error| {
                Error::file(path, format!("not the JSON of a ranking: {error}"))
            })?;
            return Ok(Self::of_rows(read.rows));
        }
        let table = MetadataTable::parse(path, &text)?;
        let rows = (0..table.n_rows()).map(|row| {
            let utility = table.number(row, "utility")?;
            let flags = table.text(row, "flags").unwrap_or_default();
            Ok(Row {
                recipient_id: plain(table.required(row, "recipient_id")?).into(),
                donor_id: plain(table.required(row, "donor_id")?).into(),
                utility: utility
                    .ok_or_else(|| table.error_at(row, "`utility` must not be blank"))?,
                flags: flags.split(';').map(str::to_owned).collect(),
            })
        });
        Ok(Self::of_rows(rows.collect::<Result<Vec<Row>>>()?))
    }

    /// Shares out the donors under plain capacities, see [`AssignmentParams::assign`].
    ///
    /// # Errors
    /// As [`AssignmentParams::assign_pairs`].
    pub fn assign(&self, params: &AssignmentParams) -> Result<Assignment> {
        params.assign_of(&self.pairs, self.recipients.iter().collect())
    }

    fn of_rows(rows: Vec<Row>) -> Self {
        let mut seen = HashSet::new();
        let ids = rows.iter().map(|row| &row.recipient_id);
        let recipients = ids.filter(|id| seen.insert(*id)).cloned().collect();
        let donors = rows.iter().map(|row| row.donor_id.clone()).collect();
        let eligible = rows
            .into_iter()
            .filter(|row| !row.flags.iter().any(|flag| flag == NOT_ELIGIBLE));
        Self {
            pairs: eligible
                .map(|row| PairUtility {
                    donor_id: row.donor_id,
                    recipient_id: row.recipient_id,
                    utility: row.utility,
                })
                .collect(),
            donors,
            recipients,
        }
    }
}

/// An id without the mark that keeps a spreadsheet from taking it for a formula.
fn plain(id: &str) -> &str {
    id.strip_prefix('\'').unwrap_or(id)
}

impl From<&Ranking> for RankedUtilities {
    fn from(ranking: &Ranking) -> Self {
        let rows = ranking.rows.iter().map(|row| Row {
            recipient_id: row.recipient_id.clone(),
            donor_id: row.donor_id.clone(),
            utility: row.utility,
            flags: row.flags.clone(),
        });
        let of_rows = Self::of_rows(rows.collect());
        let recipients = ranking.summaries.iter().map(|one| one.recipient_id.clone());
        Self {
            recipients: recipients.collect(),
            ..of_rows
        }
    }
}
