//! What would be seen without this donor: mismatched pairs, and those without a transplant.

use std::collections::{BTreeMap, BTreeSet};

use super::depth::Detected;
use super::result::{Background, FollowUpRow};
use super::untransplanted::Untransplanted;
use crate::Result;
use crate::feature::{MismatchParams, Triad, mismatched_null};
use crate::profile::{ProfileTable, SampleId, StudyId, SubjectId, Unit};

/// The samples of each donor of a study.
pub(super) type DonorSamples = BTreeMap<SubjectId, Vec<SampleId>>;

/// Fills in what the rows of one study lie above, and tells it.
///
/// The mismatched pairs are each donor, by its first sample, with the first follow-ups of the
/// recipients of other donors. First follow-ups alone are tested, one a recipient.
pub(super) fn compare(
    study: &StudyId,
    rows: &mut [FollowUpRow],
    donors: &DonorSamples,
    detected: &Detected,
    placebo: &[&Untransplanted],
    params: &MismatchParams,
) -> Result<Background> {
    let mut background = Background {
        study: study.clone(),
        n_mismatched: 0,
        peds_mismatched: None,
        global_p: None,
        n_placebo: 0,
        pprs_placebo: None,
    };
    let first = firsts(rows);
    if donors.len() > 1 {
        let triads: Vec<Triad> = first
            .iter()
            .filter_map(|&at| {
                let row = &rows[at];
                let sample = donors.get(&row.donor_id)?.first()?.clone();
                Some(Triad::new(
                    sample,
                    row.baseline.clone(),
                    row.follow_up.clone(),
                ))
            })
            .collect();
        let null = mismatched_null(&detected.as_table(&triads)?, &triads, params)?;
        background.n_mismatched = null.n_mismatched;
        background.global_p = Some(null.global_p);
        background.peds_mismatched = null.tests.first().map(|test| test.expected);
        for (&at, test) in first.iter().zip(&null.tests) {
            rows[at].p_value = Some(test.p_value);
            rows[at].q_value = Some(test.q_value);
        }
    }
    let subjects: BTreeSet<&SubjectId> = placebo.iter().map(|one| &one.recipient).collect();
    background.n_placebo = subjects.len();
    background.pprs_placebo =
        mean_by_subject(placebo, |one| detected.share(&one.baseline, &one.follow_up));
    for row in rows {
        let over = |value: f64, without: Option<f64>| without.map(|without| value - without);
        row.peds_mismatched = background.peds_mismatched;
        row.peds_over_mismatched = over(row.peds, row.peds_mismatched);
        row.pprs_placebo = background.pprs_placebo;
        row.pprs_over_placebo = over(row.pprs, row.pprs_placebo);
        row.peds_placebo = mean_by_subject(placebo, |one| {
            let samples = donors.get(&row.donor_id)?.iter();
            mean(samples.filter_map(|sample| detected.share(sample, &one.follow_up)))
        });
        row.peds_over_placebo = over(row.peds, row.peds_placebo);
    }
    Ok(background)
}

/// The places of the first row of each recipient.
fn firsts(rows: &[FollowUpRow]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let places = 0..rows.len();
    places
        .filter(|&at| seen.insert(&rows[at].recipient_id))
        .collect()
}

/// The mean over subjects of the mean over their follow-ups.
fn mean_by_subject(
    placebo: &[&Untransplanted],
    value: impl Fn(&Untransplanted) -> Option<f64>,
) -> Option<f64> {
    let mut of: BTreeMap<&SubjectId, Vec<f64>> = BTreeMap::new();
    for one in placebo {
        if let Some(value) = value(one) {
            of.entry(&one.recipient).or_default().push(value);
        }
    }
    mean(of.into_values().filter_map(|all| mean(all.into_iter())))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

impl Detected {
    /// Presence as a table, for what asks for one.
    fn as_table(&self, triads: &[Triad]) -> Result<ProfileTable> {
        let mut samples = BTreeSet::new();
        for triad in triads {
            samples.extend([&triad.donor, &triad.baseline, &triad.follow_up]);
        }
        let taxa = self.taxa.iter().map(crate::profile::Taxon::new);
        let mut builder = ProfileTable::builder(Unit::Count).taxa(taxa);
        for sample in samples {
            let columns = self.of(sample).unwrap_or_default().iter();
            builder = builder.sample(sample.clone(), columns.map(|&at| (at, 1.0)).collect());
        }
        builder.build()
    }
}
