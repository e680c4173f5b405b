//! Who may be ranked: what screening says of a donor, beside the prediction.

use std::collections::HashMap;

use crate::cohort::screening::Screening;
use crate::matcher::PairPrediction;
use crate::profile::SubjectId;

const NOT_ELIGIBLE: &str = "this donor is not eligible";

/// What stands against each donor; it fails closed.
pub(super) struct Gate<'a> {
    /// By donor of a record; `None` where one of its records lets it through.
    objections: Option<HashMap<&'a SubjectId, Option<String>>>,
}

impl<'a> Gate<'a> {
    /// The gate of a screening; without one every donor passes that the prediction lets through.
    pub(super) fn new(screening: Option<&'a Screening>) -> Self {
        let objections = screening.map(|screening| {
            let mut by_donor: HashMap<&SubjectId, Option<String>> = HashMap::new();
            for record in &screening.donors {
                let reasons = record.reasons();
                let of_batch = match &record.batch_id {
                    Some(batch) => format!("batch {batch}: {reasons}"),
                    None => reasons,
                };
                by_donor
                    .entry(&record.donor_id)
                    .and_modify(|objection| {
                        let before = objection.take().filter(|_| !record.eligible);
                        *objection = before.map(|before| format!("{before}; {of_batch}"));
                    })
                    .or_insert_with(|| (!record.eligible).then(|| of_batch.clone()));
            }
            by_donor
        });
        Self { objections }
    }

    /// Why the donor of a pair may not be ranked.
    pub(super) fn objection(&self, pair: &PairPrediction) -> Option<String> {
        if !pair.eligible {
            return Some(NOT_ELIGIBLE.to_owned());
        }
        self.objection_to(&pair.donor_id)
    }

    /// What screening has against a donor.
    pub(super) fn objection_to(&self, donor: &SubjectId) -> Option<String> {
        match self.objections.as_ref()?.get(donor) {
            Some(objection) => objection
                .as_ref()
                .map(|reasons| format!("{NOT_ELIGIBLE}: {reasons}")),
            None => Some(format!("{NOT_ELIGIBLE}: no screening record")),
        }
    }
}
