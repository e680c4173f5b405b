//! What the engraftment model expected, beside what came.

use std::collections::HashSet;

use super::result::PredictedCounts;
use crate::Result;
use crate::cohort::{Donors, Transplant};
use crate::matcher::{Matcher, PredictParams};
use crate::profile::{ProfileTable, SampleId, Unit};

/// Draws behind the intervals of counts.
const COUNT_DRAWS: usize = 1000;

/// The counts expected of a transplant at the day of its follow-up; `profiles` are in the matcher's
/// vocabulary.
pub(super) fn predict(
    matcher: &Matcher,
    profiles: &ProfileTable,
    transplant: &Transplant,
    follow_up: &SampleId,
    day: Option<f64>,
    seed: u64,
) -> Result<PredictedCounts> {
    let donor = profiles.select_samples(&transplant.donor_samples)?;
    let donor = Donors::one(donor, &transplant.donor)?;
    let recipient = profiles.select_samples(std::slice::from_ref(&transplant.baseline))?;
    let default = PredictParams::default();
    let params = PredictParams {
        day: day.unwrap_or(default.day),
        antibiotics: transplant.antibiotics,
        seed,
        ..default
    };
    let (prediction, table) = matcher.predict_transplant(&donor, &recipient, &params)?;
    let seen = present(profiles, follow_up, matcher.engraftment().detection_limit())?;
    let (mut n_gained_seen, mut n_kept_seen) = (0, 0);
    for record in prediction.records(table.taxa()) {
        if seen.contains(record.taxon) {
            if record.recipient > 0.0 {
                n_kept_seen += 1;
            } else {
                n_gained_seen += 1;
            }
        }
    }
    let counts = prediction.counts(COUNT_DRAWS, seed);
    Ok(PredictedCounts {
        n_gained: counts.n_gained,
        n_gained_lo: counts.n_gained_lo,
        n_gained_hi: counts.n_gained_hi,
        n_gained_seen,
        n_kept: counts.n_kept,
        n_kept_lo: counts.n_kept_lo,
        n_kept_hi: counts.n_kept_hi,
        n_kept_seen,
    })
}

/// Labels of the taxa of a sample above the model's limit of detection.
fn present(profiles: &ProfileTable, sample: &SampleId, limit: f64) -> Result<HashSet<String>> {
    let one = profiles.select_samples(std::slice::from_ref(sample))?;
    let (columns, values) = one.abundance().row(0);
    let whole = match one.unit() {
        Unit::Count => values.iter().sum(),
        Unit::Fraction => 1.0,
        Unit::Percent => 100.0,
    };
    let both = columns.iter().zip(values);
    let above = both.filter(|(_, value)| **value / whole >= limit);
    Ok(above
        .map(|(column, _)| one.taxa()[*column as usize].label().to_owned())
        .collect())
}
