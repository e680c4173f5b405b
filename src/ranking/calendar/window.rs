//! What a calendar must know of a recipient beside utilities.

use serde::{Deserialize, Serialize};

use super::batch::{day, word};
use crate::Result;
use crate::cohort::MetadataTable;
use crate::cohort::screening::Day;
use crate::profile::SampleId;

/// When a recipient can have its transplant, and the groups that it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientWindow {
    /// The recipient's baseline sample, as in the ranking.
    pub recipient_id: SampleId,
    /// First day on which it can have its transplant; absent: any.
    #[serde(default)]
    pub not_before: Option<Day>,
    /// Last day on which it can; absent: any.
    #[serde(default)]
    pub not_after: Option<Day>,
    /// Its arm: batches of another arm are not for it; absent: none is kept from it.
    #[serde(default)]
    pub arm: Option<String>,
    /// Its block, for [`CalendarParams::max_per_block`](super::CalendarParams::max_per_block).
    #[serde(default)]
    pub block: Option<String>,
    /// Its subgroup (sex, age, country), between which the spread is bounded and told.
    #[serde(default)]
    pub subgroup: Option<String>,
}

impl RecipientWindow {
    /// A recipient who can have its transplant on any day.
    pub fn new(recipient_id: impl Into<SampleId>) -> Self {
        Self {
            recipient_id: recipient_id.into(),
            not_before: None,
            not_after: None,
            arm: None,
            block: None,
            subgroup: None,
        }
    }
}

/// Windows from a table with the column `recipient_id` and, where they are known, `not_before`,
/// `not_after`, `arm`, `block` and `subgroup`.
///
/// # Errors
/// [`Error::File`](crate::Error::File) naming the line and the column of a field that is blank or
/// no day.
pub fn read_windows(table: &MetadataTable) -> Result<Vec<RecipientWindow>> {
    (0..table.n_rows())
        .map(|row| {
            Ok(RecipientWindow {
                recipient_id: table.required(row, "recipient_id")?.into(),
                not_before: day(table, row, "not_before")?,
                not_after: day(table, row, "not_after")?,
                arm: word(table, row, "arm"),
                block: word(table, row, "block"),
                subgroup: word(table, row, "subgroup"),
            })
        })
        .collect()
}
