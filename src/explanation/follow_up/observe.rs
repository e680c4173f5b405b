//! What one follow-up shows.

use super::depth::{Detected, holds};
use super::result::{Change, FollowUpRow, TaxonChange};
use crate::cohort::Transplant;
use crate::feature::n_shared;
use crate::profile::SampleId;

/// Taxa gained from the donor, for the persistence of later follow-ups.
pub(super) type Engrafted = Vec<u32>;

/// The row without its backgrounds, and what engrafted; `None` where a sample is too shallow or
/// shows nothing, or there is no follow-up.
pub(super) fn observe(
    detected: &Detected,
    transplant: &Transplant,
    first: Option<&Engrafted>,
) -> Option<(FollowUpRow, Engrafted)> {
    let follow_up = transplant.follow_up.as_ref()?;
    let before = detected.of(&transplant.baseline)?;
    let after = detected.of(&follow_up.sample)?;
    let samples: Vec<&SampleId> = transplant.donor_samples.iter().collect();
    let donor: Vec<&[u32]> = samples.iter().filter_map(|id| detected.of(id)).collect();
    let peds: Vec<f64> = samples
        .iter()
        .filter_map(|id| detected.share(id, &follow_up.sample))
        .collect();
    if peds.is_empty() || before.is_empty() {
        return None;
    }
    let in_donor = |column: u32| donor.iter().any(|columns| holds(columns, column));
    let gained: Vec<u32> = after
        .iter()
        .copied()
        .filter(|&column| !holds(before, column))
        .collect();
    let engrafted: Engrafted = gained
        .iter()
        .copied()
        .filter(|&column| in_donor(column))
        .collect();
    let n_kept = n_shared(before, after);
    let persistence = first
        .filter(|first| !first.is_empty())
        .map(|first| n_shared(first, after) as f64 / first.len() as f64);
    let row = FollowUpRow {
        study: transplant.study.clone(),
        recipient_id: transplant.recipient.clone(),
        donor_id: transplant.donor.clone(),
        baseline: transplant.baseline.clone(),
        follow_up: follow_up.sample.clone(),
        day: follow_up.day,
        n_baseline: before.len(),
        n_follow_up: after.len(),
        n_gained: gained.len(),
        n_gained_from_donor: engrafted.len(),
        n_kept,
        n_lost: before.len() - n_kept,
        peds: peds.iter().sum::<f64>() / peds.len() as f64,
        pprs: n_kept as f64 / before.len() as f64,
        persistence,
        peds_mismatched: None,
        peds_over_mismatched: None,
        p_value: None,
        q_value: None,
        peds_placebo: None,
        peds_over_placebo: None,
        pprs_placebo: None,
        pprs_over_placebo: None,
        predicted: None,
        taxa: changes(detected, before, after, &engrafted),
    };
    Some((row, engrafted))
}

fn changes(
    detected: &Detected,
    before: &[u32],
    after: &[u32],
    engrafted: &[u32],
) -> Vec<TaxonChange> {
    let of_before = before.iter().map(|&column| {
        let change = if holds(after, column) {
            Change::Kept
        } else {
            Change::Lost
        };
        (column, change)
    });
    let of_after = after.iter().filter(|column| !holds(before, **column));
    let of_after = of_after.map(|&column| {
        let from_donor = holds(engrafted, column);
        (
            column,
            if from_donor {
                Change::GainedFromDonor
            } else {
                Change::Gained
            },
        )
    });
    let mut changes: Vec<(u32, Change)> = of_before.chain(of_after).collect();
    changes.sort_unstable();
    let named = changes.into_iter().filter_map(|(column, change)| {
        Some(TaxonChange {
            taxon: detected.taxa.get(column as usize)?.clone(),
            change,
        })
    });
    named.collect()
}
