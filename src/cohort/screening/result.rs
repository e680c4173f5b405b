//! What the gate says: who may give, who may not and why, and until when.

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::donor_type::DonorType;
use crate::profile::SubjectId;

/// Why a donor or batch is not eligible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Nothing is recorded.
    Missing,
    /// A result is not in yet.
    Pending,
    /// What is recorded is none of the words, numbers or days that are expected.
    Unreadable,
    /// The day of a result is not recorded.
    Undated,
    /// The day of a result lies after the day of screening.
    InTheFuture,
    /// A result is older than its window, or too far from the donation.
    Expired,
    /// A result excludes.
    Positive,
    /// A result or an event defers.
    Deferred,
    /// The batch was made before the test entered the panel.
    Quarantined,
    /// No dose is left.
    OutOfStock,
    /// The panel has no entry for this type of donor.
    NotCovered,
}

impl Cause {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Pending => "pending",
            Self::Unreadable => "unreadable",
            Self::Undated => "undated",
            Self::InTheFuture => "in_the_future",
            Self::Expired => "expired",
            Self::Positive => "positive",
            Self::Deferred => "deferred",
            Self::Quarantined => "quarantined",
            Self::OutOfStock => "out_of_stock",
            Self::NotCovered => "not_covered",
        }
    }
}

/// One reason why a donor or batch is not eligible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The entry of the panel, or the field of the record.
    pub entry: String,
    /// The kind of reason.
    pub cause: Cause,
    /// What was recorded and what was expected.
    pub detail: String,
    /// The day on which the reason ends by itself, if there is one.
    pub until: Option<Day>,
}

/// An exclusion that somebody lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Override {
    /// The entry of the panel.
    pub entry: String,
    /// Who lifted it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What the gate says of one donor, or of one batch of a donor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DonorScreening {
    /// The donor.
    pub donor_id: SubjectId,
    /// The batch, if the record is about one.
    pub batch_id: Option<String>,
    /// What the donor is, if it is known.
    pub donor_type: Option<DonorType>,
    /// The donors before a second-generation donor, nearest first.
    pub lineage: Vec<SubjectId>,
    /// Whether the donor or batch may be used on the day of screening.
    pub eligible: bool,
    /// Why not; empty if it may.
    pub findings: Vec<Finding>,
    /// The last day on which this holds without a new result, if it is eligible and a window ends.
    pub lapses_on: Option<Day>,
    /// The entry whose window ends first.
    pub lapses_by: Option<String>,
    /// Exclusions that somebody lifted.
    pub overrides: Vec<Override>,
    /// What is recorded and decides nothing.
    pub flags: Vec<String>,
}

impl DonorScreening {
    /// The reasons in one line; empty if the donor or batch is eligible.
    pub fn reasons(&self) -> String {
        let one = |finding: &Finding| {
            let (entry, cause) = (&finding.entry, finding.cause.as_str());
            format!("{entry}: {cause} ({})", finding.detail)
        };
        self.findings.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// The first day on which nothing recorded stands against the donor or batch, if every reason
    /// ends by itself.
    pub fn deferred_until(&self) -> Option<Day> {
        let days: Option<Vec<Day>> = self.findings.iter().map(|finding| finding.until).collect();
        days?.into_iter().max()
    }
}

/// What the gate says of a bank on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Screening {
    /// The panel.
    pub panel: String,
    /// Its version.
    pub version: u32,
    /// SHA-256, in hexadecimal, of the text of the panel.
    pub panel_digest: String,
    /// The day of screening.
    pub on: Day,
    /// One per record, in the order of the records.
    pub donors: Vec<DonorScreening>,
}

impl Screening {
    /// How many donors or batches are eligible.
    pub fn n_eligible(&self) -> usize {
        self.donors.iter().filter(|donor| donor.eligible).count()
    }

    /// Whether a donor may give: one of its records is eligible.
    ///
    /// A donor without a record may not.
    pub fn is_eligible(&self, donor: &SubjectId) -> bool {
        let mut records = self.donors.iter().filter(|one| one.donor_id == *donor);
        records.any(|one| one.eligible)
    }
}
