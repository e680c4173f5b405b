//! What a bank knows of its donors and their batches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::donor_type::DonorType;
use crate::profile::SubjectId;

/// One answer of a donor, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Answer {
    /// The answer; blank if there is none.
    pub text: String,
    /// The day on which the specimen was taken or the question asked, as it was written; blank if
    /// it is not known.
    pub on: String,
    /// Who lifted an exclusion.
    pub override_by: String,
    /// Why.
    pub override_reason: String,
}

/// The batch that a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch {
    /// The name of the batch.
    pub batch_id: String,
    /// The day of the donation, if it is known.
    pub made_on: Option<Day>,
    /// The last day on which the batch may be given, if it is known.
    pub expires_on: Option<Day>,
    /// Doses in store, if they were counted.
    pub units_available: Option<u32>,
}

/// What is known of one donor, or of one batch of a donor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DonorRecord {
    /// The donor, by a pseudonym.
    pub donor_id: SubjectId,
    /// What the donor is, if it is known.
    pub donor_type: Option<DonorType>,
    /// The donor whose stool a second-generation donor received.
    pub parent_donor_id: Option<SubjectId>,
    /// The batch, if the record is about one.
    pub batch: Option<Batch>,
    /// By name of the entry.
    pub answers: BTreeMap<String, Answer>,
}

/// The records of a bank, one per donor or batch, in the order of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DonorRecords(pub(super) Vec<DonorRecord>);

impl DonorRecords {
    /// The records in the order of the file.
    pub fn records(&self) -> &[DonorRecord] {
        &self.0
    }

    /// The first record of a donor.
    pub(super) fn of(&self, donor: &SubjectId) -> Option<&DonorRecord> {
        self.0.iter().find(|record| record.donor_id == *donor)
    }
}
