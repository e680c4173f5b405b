//! What the outcomes of a trial's transplants teach a fitted matcher.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::matcher::{Matcher, PredictParams};
use super::scene::{DonorSide, Scene};
use crate::cohort::{Donors, TrialOutcome, TrialOutcomes};
use crate::engraftment::{
    Observation, PairProfile, TransplantContext, above_limit, align_to_fractions,
};
use crate::evidence::{TrialPatient, UpdateMethod, is_transplant};
use crate::profile::{ProfileTable, Taxon};
use crate::{Error, Result};

/// How a matcher learns from outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct UpdateParams {
    /// What the trial is called. Default `own`.
    pub trial: String,
    /// By weights on the draws there are, by a new fit, or by whichever can be trusted. Default
    /// the last.
    pub method: UpdateMethod,
    /// Trials whose published arms are left out, because the table holds their patients; a new fit.
    /// Default none.
    pub without: Vec<String>,
    /// How each transplant is predicted, for the score of its microbiome.
    pub predict: PredictParams,
}

impl Default for UpdateParams {
    fn default() -> Self {
        Self {
            trial: "own".to_owned(),
            method: UpdateMethod::Auto,
            without: Vec::new(),
            predict: PredictParams::default(),
        }
    }
}

/// A matcher that has learned, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatedMatcher {
    /// The matcher. It carries draws, counts and a digest, no row of a patient.
    pub matcher: Matcher,
    /// [`UpdateMethod::Exact`] or [`UpdateMethod::Fast`]: what was done.
    pub method: UpdateMethod,
    /// How heavy the tail of the weights is, k̂; none where none were tried.
    pub pareto_k: Option<f64>,
    /// Follow-ups that moved what is expected to engraft.
    pub n_follow_ups: usize,
}

impl Matcher {
    /// The same matcher, with the outcomes of a trial: donors, response and toxicity, and from
    /// `follow_ups` (the profiles that the outcomes name) how far its transplants engraft. Always
    /// the whole table so far; what an earlier table taught is replaced. All tables of profiles must
    /// be harmonized to [`Matcher::vocabulary`]; the samples of a donor are averaged.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where a table is not harmonized; [`Error::Table`] where a donor, a
    /// recipient or a follow-up has no profile; those of
    /// [`Evidence::with_patients`](crate::evidence::Evidence::with_patients).
    pub fn with_outcomes(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        follow_ups: Option<&ProfileTable>,
        outcomes: &TrialOutcomes,
        params: &UpdateParams,
    ) -> Result<UpdatedMatcher> {
        if params.trial.trim().is_empty() {
            return Err(Error::parameter("trial", "expected a name, found a blank"));
        }
        if !params.without.is_empty() && self.evidence.record().has_sites() {
            let message = "leaving arms out is a new fit, which would lose what other sites taught";
            return Err(Error::parameter("without", message));
        }
        params.predict.check()?;
        self.check_vocabulary("donors", donors.profiles())?;
        self.check_vocabulary("recipients", recipients)?;
        let (profiles, recipients) = align_to_fractions(donors.profiles(), recipients)?;
        let donors = donors.with_profiles(profiles)?;
        let mut matcher = self.clone();
        matcher.engraftment.own = None;
        let mut n_follow_ups = 0;
        if let Some(follow_ups) = follow_ups {
            self.check_vocabulary("follow-ups", follow_ups)?;
            let seen = observations(
                outcomes,
                (&donors, &recipients),
                follow_ups,
                self.engraftment.detection_limit(),
            )?;
            n_follow_ups = seen.len();
            matcher.engraftment = self.engraftment.moved_by(recipients.taxa(), &seen)?;
        }
        let named = (params.trial.as_str(), &params.predict);
        let patients = matcher.trial_patients(&donors, recipients, outcomes, named)?;
        let evidence = self.evidence.without_trials(&params.without)?;
        let updated = evidence.with_patients(&patients, &outcomes.digest(), params.method)?;
        matcher.evidence = updated.evidence;
        Ok(UpdatedMatcher {
            matcher,
            method: updated.method,
            pareto_k: updated.pareto_k,
            n_follow_ups,
        })
    }

    /// The patients as the joint model sees them: outcome, score of the predicted microbiome, and
    /// the donor's richness in Prevotellaceae.
    pub(super) fn trial_patients(
        &self,
        donors: &Donors,
        recipients: ProfileTable,
        outcomes: &TrialOutcomes,
        (trial, predict): (&str, &PredictParams),
    ) -> Result<Vec<TrialPatient>> {
        let cells = outcomes.rows().iter().map(|row| row.context).collect();
        let scene = Scene::new(self, donors, recipients, &cells, predict)?;
        let pairs = outcomes
            .rows()
            .iter()
            .map(|one| {
                Ok((
                    donors.place_of(&one.donor)?,
                    recipient_row(&scene.recipients, one)?,
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let used: BTreeSet<usize> = pairs.iter().map(|(donor, _)| *donor).collect();
        let donor_sides: BTreeMap<usize, DonorSide> = used
            .into_par_iter()
            .map(|row| (row, scene.donor_side(row)))
            .collect();
        let patient =
            |room: &mut _, (one, (donor, recipient)): (&TrialOutcome, &(usize, usize))| {
                let donor = donor_sides[donor].as_type(one.donor_type);
                let recipient = scene.recipient_side(*recipient, one.context)?;
                Ok(TrialPatient {
                    trial: trial.to_owned(),
                    donor: Some(one.donor.to_string()),
                    donor_type: one.donor_type,
                    context: one.context,
                    score: scene.mean_score(room, &donor, &recipient)?,
                    richness: donor.richness,
                    response: one.response,
                    severe_irae: one.severe_irae,
                    myocarditis: one.myocarditis,
                })
            };
        outcomes
            .rows()
            .par_iter()
            .zip(&pairs)
            .map_init(|| scene.room(), patient)
            .collect()
    }
}

/// The transplants with follow-ups, over the columns of the recipients; both tables are aligned
/// and closed to 1. Placebo and stool of one's own are none.
fn observations(
    outcomes: &TrialOutcomes,
    (donors, recipients): (&Donors, &ProfileTable),
    follow_ups: &ProfileTable,
    detection_limit: f64,
) -> Result<Vec<Observation>> {
    let means = donors.mean_profiles()?;
    let n_samples = donors.n_samples();
    let columns: HashMap<&str, usize> = follow_ups
        .taxa()
        .iter()
        .map(Taxon::label)
        .zip(0..)
        .collect();
    let fractions = follow_ups.closure();
    let after = |row: usize, taxon: u32| {
        let label = recipients.taxa()[taxon as usize].label();
        let column = columns.get(label);
        let fraction = column.map_or(0.0, |&column| fractions.abundance().value(row, column));
        above_limit(fraction, detection_limit)
    };
    let mut seen = Vec::new();
    for one in outcomes.rows() {
        let place = donors.place_of(&one.donor)?;
        let donor_type = one.donor_type.or(donors.donor_types()[place]);
        if !donor_type.is_none_or(is_transplant) {
            continue;
        }
        let recipient = recipient_row(recipients, one)?;
        for follow_up in &one.follow_ups {
            let row = follow_ups.row_of(&follow_up.sample).ok_or_else(|| {
                Error::table(format!("no profile for follow-up `{}`", follow_up.sample))
            })?;
            let pair = PairProfile {
                n_donor_samples: n_samples[place],
                ..PairProfile::new(
                    means.abundance(),
                    &[place],
                    recipients.abundance(),
                    recipient,
                )?
            };
            let pair = pair.above(detection_limit);
            let after = pair.taxa.iter().map(|&taxon| after(row, taxon)).collect();
            seen.push(Observation {
                cohort: 0,
                pair,
                after,
                context: TransplantContext {
                    day: follow_up.day.unwrap_or(TransplantContext::DEFAULT_DAY),
                    antibiotics: one.antibiotics,
                },
                recipient: one.recipient.to_string(),
                study: "own".to_owned(),
            });
        }
    }
    Ok(seen)
}

fn recipient_row(recipients: &ProfileTable, one: &TrialOutcome) -> Result<usize> {
    let row = recipients.row_of(&one.recipient);
    row.ok_or_else(|| Error::table(format!("no profile for sample `{}`", one.recipient)))
}
