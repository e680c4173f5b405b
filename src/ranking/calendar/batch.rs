//! Batches of stool: doses of one donor, with the days on which they can be given.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::cohort::MetadataTable;
use crate::cohort::screening::Day;
use crate::profile::SubjectId;

/// Doses of one donor that were, or could be, made on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The donor.
    pub donor_id: SubjectId,
    /// The batch; no two have one name.
    pub batch_id: String,
    /// Doses that it holds, or would hold.
    pub doses: usize,
    /// First day on which a dose can be given; absent: any day. With a room, the day on which the
    /// batch would be made.
    #[serde(default)]
    pub made_on: Option<Day>,
    /// Last day on which a dose can be given; absent: no end.
    #[serde(default)]
    pub expires_on: Option<Day>,
    /// The room in which it has yet to be made; absent: the batch is in stock. A room makes one
    /// batch a day at most, and so does a donor.
    #[serde(default)]
    pub room: Option<String>,
    /// The arm that it is for; absent: any.
    #[serde(default)]
    pub arm: Option<String>,
    /// Cost of each dose given.
    #[serde(default)]
    pub dose_cost: f64,
    /// Cost of screening the batch, once where any dose of it is given.
    #[serde(default)]
    pub screening_cost: f64,
}

impl Batch {
    /// A batch in stock that lasts.
    pub fn new(donor_id: impl Into<SubjectId>, batch_id: impl Into<String>, doses: usize) -> Self {
        Self {
            donor_id: donor_id.into(),
            batch_id: batch_id.into(),
            doses,
            made_on: None,
            expires_on: None,
            room: None,
            arm: None,
            dose_cost: 0.0,
            screening_cost: 0.0,
        }
    }
}

/// Batches from a table with the columns `donor_id`, `batch_id` and `doses` (or `units_available`,
/// as in the records of a screening), and, where they are known, `made_on`, `expires_on`, `room`,
/// `arm`, `dose_cost` and `screening_cost`.
///
/// # Errors
/// [`Error::File`](crate::Error::File) naming the line and the column of a field that is blank or
/// not of its kind.
///
/// # Examples
/// ```
/// use donormatch::cohort::MetadataTable;
/// use donormatch::ranking::read_batches;
///
/// let text = "donor_id\tbatch_id\tdoses\tmade_on\texpires_on\nd1\tb1\t4\t2026-03-02\t2026-03-04\n";
/// let batches = read_batches(&MetadataTable::parse("<text>", text)?)?;
/// assert_eq!(batches[0].doses, 4);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn read_batches(table: &MetadataTable) -> Result<Vec<Batch>> {
    let doses = if table.has("doses") || !table.has("units_available") {
        "doses"
    } else {
        "units_available"
    };
    (0..table.n_rows())
        .map(|row| {
            Ok(Batch {
                donor_id: table.required(row, "donor_id")?.into(),
                batch_id: table.required(row, "batch_id")?.to_owned(),
                doses: whole(table, row, doses)?,
                made_on: day(table, row, "made_on")?,
                expires_on: day(table, row, "expires_on")?,
                room: word(table, row, "room"),
                arm: word(table, row, "arm"),
                dose_cost: table.number(row, "dose_cost")?.unwrap_or(0.0),
                screening_cost: table.number(row, "screening_cost")?.unwrap_or(0.0),
            })
        })
        .collect()
}

fn whole(table: &MetadataTable, row: usize, role: &str) -> Result<usize> {
    let text = table.required(row, role)?;
    text.parse().map_err(|_| {
        let path: &Path = table.path();
        let message = format!("`{role}`: expected a whole number from 0, found `{text}`");
        crate::Error::line(path, table.line(row), message)
    })
}

/// A day; `None` where the column is absent or the field blank.
pub(super) fn day(table: &MetadataTable, row: usize, role: &str) -> Result<Option<Day>> {
    let Some(text) = table.text(row, role) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|error| {
        let message = format!("`{role}`: {error}");
        crate::Error::line(table.path(), table.line(row), message)
    })
}

/// A word; `None` where the column is absent or the field blank.
pub(super) fn word(table: &MetadataTable, row: usize, role: &str) -> Option<String> {
    table.text(row, role).map(str::to_owned)
}
