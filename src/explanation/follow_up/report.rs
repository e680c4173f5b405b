//! Transplants → what became of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::background::{DonorSamples, compare};
use super::depth::Detected;
use super::observe::{Engrafted, observe};
use super::predicted::predict;
use super::result::{FollowUpReport, FollowUpRow};
use super::untransplanted::Untransplanted;
use crate::cohort::{Cohort, Transplant};
use crate::feature::MismatchParams;
use crate::matcher::Matcher;
use crate::profile::{ProfileTable, SampleId, StudyId, SubjectId};
use crate::{Error, Result, cancel};

/// How follow-ups are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FollowUpParams {
    /// Reads that every sample of counts is brought to, by rarefaction; default: the fewest that
    /// a sample has. Relative abundances have none.
    pub depth: Option<u64>,
    /// Fraction below which a taxon counts as not detected, for relative abundances of unlike
    /// depth. Default 0.
    pub min_fraction: f64,
    /// Mismatched pairs drawn for each test. Default 999.
    pub n_resamples: usize,
    /// Seed of rarefaction, of the draws of mismatched pairs and of predictions. Default 0.
    pub seed: u64,
}

impl Default for FollowUpParams {
    fn default() -> Self {
        Self {
            depth: None,
            min_fraction: 0.0,
            n_resamples: 999,
            seed: 0,
        }
    }
}

/// Follows up the transplants of a cohort. `untransplanted` are those of its placebo or autologous
/// arm; their rows of the cohort, where it has them, are no transplants. With `expected`, a matcher
/// and the profiles in its vocabulary, what it predicted stands beside.
///
/// # Errors
/// [`Error::Parameter`] for a `depth` or `min_fraction` out of range; [`Error::Table`] where no
/// follow-up can be used, or a sample has no profile.
///
/// # References
/// PEDS and PPRS: Herman et al. 2024 and q2-fmt.
pub fn follow_up(
    cohort: &Cohort,
    untransplanted: &[Untransplanted],
    expected: Option<(&Matcher, &ProfileTable)>,
    params: &FollowUpParams,
) -> Result<FollowUpReport> {
    if !(0.0..1.0).contains(&params.min_fraction) {
        return Err(Error::parameter(
            "min_fraction",
            format!(
                "expected a fraction from 0, below 1, found {}",
                params.min_fraction
            ),
        ));
    }
    let transplants = transplants(cohort, untransplanted);
    let samples = samples(&transplants, untransplanted);
    let detected = Detected::new(
        cohort.profiles(),
        &samples,
        params.depth,
        params.min_fraction,
        params.seed,
    )?;
    let mut rows = rows(&detected, &transplants, expected, params.seed)?;
    if rows.is_empty() {
        return Err(Error::table(
            "no follow-up can be used: each needs a donor, a baseline and a follow-up that show taxa \
             at the depth compared",
        ));
    }
    let mismatch = MismatchParams {
        n_resamples: params.n_resamples,
        seed: params.seed,
        ..MismatchParams::default()
    };
    let mut backgrounds = Vec::new();
    for of_study in rows.chunk_by_mut(|a, b| a.study == b.study) {
        let study = of_study[0].study.clone();
        let donors = donors(&transplants, &study, of_study);
        let placebo: Vec<&Untransplanted> = untransplanted
            .iter()
            .filter(|one| one.study == study)
            .collect();
        backgrounds.push(compare(
            &study, of_study, &donors, &detected, &placebo, &mismatch,
        )?);
    }
    Ok(FollowUpReport {
        rows,
        backgrounds,
        depth: detected.depth,
        min_fraction: params.min_fraction,
        too_shallow: detected.too_shallow,
    })
}

/// Transplants by study, recipient and day, those of a donor's stool alone.
fn transplants<'a>(cohort: &'a Cohort, untransplanted: &[Untransplanted]) -> Vec<&'a Transplant> {
    let without: BTreeSet<(&StudyId, &SubjectId)> = untransplanted
        .iter()
        .map(|one| (&one.study, &one.recipient))
        .collect();
    let mut transplants: Vec<&Transplant> = cohort
        .transplants()
        .iter()
        .filter(|one| one.follow_up.is_some() && !without.contains(&(&one.study, &one.recipient)))
        .collect();
    let day = |one: &Transplant| one.follow_up.as_ref().and_then(|follow_up| follow_up.day);
    transplants.sort_by(|a, b| {
        let who = |one: &Transplant| (one.study.clone(), one.recipient.clone());
        let days = || {
            day(a)
                .unwrap_or(f64::INFINITY)
                .total_cmp(&day(b).unwrap_or(f64::INFINITY))
        };
        who(a).cmp(&who(b)).then_with(days)
    });
    transplants
}

fn samples(transplants: &[&Transplant], untransplanted: &[Untransplanted]) -> Vec<SampleId> {
    let given = transplants.iter().flat_map(|one| one.samples());
    let others = untransplanted
        .iter()
        .flat_map(|one| [&one.baseline, &one.follow_up]);
    let all: BTreeSet<&SampleId> = given.chain(others).collect();
    all.into_iter().cloned().collect()
}

fn rows(
    detected: &Detected,
    transplants: &[&Transplant],
    expected: Option<(&Matcher, &ProfileTable)>,
    seed: u64,
) -> Result<Vec<FollowUpRow>> {
    let mut first: HashMap<(&StudyId, &SubjectId), Engrafted> = HashMap::new();
    let mut rows = Vec::new();
    for transplant in transplants {
        cancel::check()?;
        let who = (&transplant.study, &transplant.recipient);
        let Some((mut row, engrafted)) = observe(detected, transplant, first.get(&who)) else {
            continue;
        };
        first.entry(who).or_insert(engrafted);
        if let Some((matcher, profiles)) = expected {
            let (sample, day) = (row.follow_up.clone(), row.day);
            let counts = predict(matcher, profiles, transplant, &sample, day, seed)?;
            row.predicted = Some(counts);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The samples of the donors of a study that are deep enough.
fn donors(transplants: &[&Transplant], study: &StudyId, rows: &[FollowUpRow]) -> DonorSamples {
    let of_rows: BTreeSet<&SubjectId> = rows.iter().map(|row| &row.donor_id).collect();
    let mut donors: BTreeMap<SubjectId, Vec<SampleId>> = BTreeMap::new();
    for one in transplants.iter().filter(|one| one.study == *study) {
        if of_rows.contains(&one.donor) {
            let samples = donors.entry(one.donor.clone()).or_default();
            for sample in &one.donor_samples {
                if !samples.contains(sample) {
                    samples.push(sample.clone());
                }
            }
        }
    }
    donors
}
