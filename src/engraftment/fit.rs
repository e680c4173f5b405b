//! Learns the engraftment model: which features carry over, then an ensemble over recipients.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::departure::{Departure, Departures};
use super::feature::{CORE, CladeTable, FEATURES, READ_NO_LONGER, RISING};
use super::model::{EngraftmentModel, mean_over_members};
use super::pair::TransplantContext;
use super::params::{EngraftmentFeatures, EngraftmentParams};
use super::training::{
    Observation, TrainingRows, clade_table, departures, observations, taxon_prior, training_rows,
};
use crate::cohort::Cohort;
use crate::model::{BoostingModel, BoostingParams, Ensemble, Monotone, TrainingData};
use crate::numeric::random::{Stream, derive};
use crate::profile::{Rank, Vocabulary};
use crate::taxonomy;
use crate::{Error, Result};

/// The rank of the taxa of a vocabulary.
fn rank_of(vocabulary: &Vocabulary) -> Rank {
    if *vocabulary == taxonomy::Target::Genus.vocabulary() {
        Rank::Genus
    } else {
        Rank::Species
    }
}

impl EngraftmentParams {
    /// Learns from the follow-ups of transplants. All cohorts must be harmonized to one vocabulary.
    ///
    /// # Errors
    /// [`Error::Table`] where no transplant has a follow-up; [`Error::Vocabulary`] where the
    /// cohorts are named differently; [`Error::Parameter`] for a setting out of range.
    pub fn fit(&self, cohorts: &[Cohort]) -> Result<EngraftmentModel> {
        self.check()?;
        let vocabulary = common_vocabulary(cohorts)?;
        let mut observed = Vec::new();
        for (number, cohort) in cohorts.iter().enumerate() {
            observed.extend(observations(cohort, number, self.detection_limit)?);
        }
        if observed.is_empty() {
            return Err(Error::table(
                "no transplant with a follow-up profile to learn from",
            ));
        }
        let prior = taxon_prior(cohorts, &observed);
        let clades = clade_table(cohorts, &observed, self.min_clade_rows);
        let held_out = self.leave_studies_out(cohorts, &observed)?;
        let (features, scores) = self.choose(held_out);
        let columns = features.columns(&clades);
        let mut rows = training_rows(cohorts, &observed, &prior, &clades);
        rows.keep_columns(&columns);
        let presence = self.fit_members(&rows, &columns, Target::Presence)?;
        let abundance = self.fit_members(&rows, &columns, Target::Abundance)?;
        let abundance_sd = residual_sd(&rows, &abundance)?;
        let last_day = last_day(&observed);
        let studies: BTreeSet<&str> = observed.iter().map(|row| row.study.as_str()).collect();
        Ok(EngraftmentModel {
            rank: rank_of(&vocabulary),
            vocabulary,
            prior,
            clades,
            columns,
            presence,
            abundance,
            abundance_sd,
            detection_limit: self.detection_limit,
            departures: Some(departures_from(&observed, &scores, last_day)),
            own: None,
            last_day,
            n_transplants: observed.len() as u32,
            n_recipients: rows.study_of.len() as u32,
            studies: studies.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Held-out scores of presence of every study, by trees that saw only the others, for each
    /// set of features that may be chosen; nothing where there is one study.
    fn leave_studies_out(
        &self,
        cohorts: &[Cohort],
        observed: &[Observation],
    ) -> Result<Vec<HeldOut>> {
        let studies: BTreeSet<&str> = observed.iter().map(|row| row.study.as_str()).collect();
        if studies.len() < 2 {
            return Ok(Vec::new());
        }
        let sets = match self.features {
            EngraftmentFeatures::Core => vec![FeatureSet::Core],
            EngraftmentFeatures::Full => vec![FeatureSet::Full],
            EngraftmentFeatures::Selected if studies.len() < 3 => vec![FeatureSet::Core],
            EngraftmentFeatures::Selected => vec![FeatureSet::Core, FeatureSet::Full],
        };
        let studies: Vec<&str> = studies.into_iter().collect();
        let jobs = sets
            .iter()
            .flat_map(|&set| studies.iter().map(move |&study| (set, study)));
        let jobs: Vec<_> = jobs.collect();
        let done = jobs
            .into_par_iter()
            .map(|(set, study)| self.held_out_scores(cohorts, observed, study, set))
            .collect::<Result<Vec<_>>>()?;
        Ok(sets
            .into_iter()
            .zip(done.chunks(studies.len()))
            .map(|(set, of_set)| HeldOut::new(set, observed, &studies, of_set))
            .collect())
    }

    /// The set of features with the lower mean log loss on studies left out, and its scores, one
    /// list an observation.
    fn choose(&self, held_out: Vec<HeldOut>) -> (FeatureSet, Vec<Vec<f64>>) {
        let chosen = held_out
            .into_iter()
            .min_by(|one, other| one.loss.total_cmp(&other.loss));
        let alone = match self.features {
            EngraftmentFeatures::Full => FeatureSet::Full,
            EngraftmentFeatures::Core | EngraftmentFeatures::Selected => FeatureSet::Core,
        };
        chosen.map_or((alone, Vec::new()), |held_out| {
            (held_out.set, held_out.scores)
        })
    }

    /// Log loss and scores of one study, learned from the others.
    fn held_out_scores(
        &self,
        cohorts: &[Cohort],
        observed: &[Observation],
        study: &str,
        set: FeatureSet,
    ) -> Result<(f64, Vec<f64>)> {
        let (test, training): (Vec<Observation>, Vec<Observation>) =
            observed.iter().cloned().partition(|row| row.study == study);
        let prior = taxon_prior(cohorts, &training);
        let clades = clade_table(cohorts, &training, self.min_clade_rows);
        let columns = set.columns(&clades);
        let mut rows = training_rows(cohorts, &training, &prior, &clades);
        rows.keep_columns(&columns);
        let mut held_out = training_rows(cohorts, &test, &prior, &clades);
        held_out.keep_columns(&columns);
        let data = TrainingData::new(rows.view()?, &rows.present)?;
        let mut params = monotone(&self.presence, &columns);
        params.seed = self.seed;
        let model = params.fit(&data.with_weights(&rows.weights)?)?;
        let scores = model.scores(held_out.view()?)?;
        Ok((held_out.log_loss(&scores), scores))
    }

    fn fit_members(
        &self,
        rows: &TrainingRows,
        columns: &[u32],
        target: Target,
    ) -> Result<Vec<BoostingModel>> {
        let view = rows.view()?;
        let params = match target {
            Target::Presence => monotone(&self.presence, columns),
            Target::Abundance => self.abundance.clone(),
        };
        (0..self.n_members)
            .into_par_iter()
            .map(|member| {
                let seed = derive(self.seed, u64::from(member));
                let mut weights = bootstrap_weights(rows, seed);
                let outcomes = match target {
                    Target::Presence => &rows.present,
                    Target::Abundance => {
                        mask_absent(&mut weights, &rows.present);
                        &rows.log_abundance
                    }
                };
                let mut params = params.clone();
                params.seed = seed;
                params.fit(&TrainingData::new(view, outcomes)?.with_weights(&weights)?)
            })
            .collect()
    }
}

/// The features that trees may read.
#[derive(Clone, Copy)]
enum FeatureSet {
    Core,
    Full,
}

impl FeatureSet {
    fn columns(self, clades: &CladeTable) -> Vec<u32> {
        let n_features = (FEATURES.len() + clades.clades.len()) as u32;
        match self {
            Self::Core => CORE.to_vec(),
            Self::Full => (0..n_features)
                .filter(|column| !READ_NO_LONGER.contains(column))
                .collect(),
        }
    }
}

/// What one set of features scored of studies left out.
struct HeldOut {
    set: FeatureSet,
    /// Mean over studies.
    loss: f64,
    /// Scores of the taxa of each observation.
    scores: Vec<Vec<f64>>,
}

impl HeldOut {
    /// Deals the scores of each study, in the order of its observations, back to these.
    fn new(
        set: FeatureSet,
        observed: &[Observation],
        studies: &[&str],
        of_studies: &[(f64, Vec<f64>)],
    ) -> Self {
        let mut rest: BTreeMap<&str, &[f64]> = studies
            .iter()
            .zip(of_studies)
            .map(|(&study, (_, scores))| (study, scores.as_slice()))
            .collect();
        let scores = observed.iter().map(|observation| {
            let left = rest.entry(&observation.study).or_default();
            let (own, others) = left.split_at(observation.pair.n_taxa().min(left.len()));
            *left = others;
            own.to_vec()
        });
        Self {
            set,
            loss: of_studies.iter().map(|(loss, _)| loss).sum::<f64>() / studies.len() as f64,
            scores: scores.collect(),
        }
    }
}

fn last_day(observed: &[Observation]) -> f64 {
    observed
        .iter()
        .map(|row| row.context.day)
        .fold(TransplantContext::DEFAULT_DAY, f64::max)
}

/// How trials and recipients depart from held-out scores; the prior where there are none.
fn departures_from(observed: &[Observation], scores: &[Vec<f64>], last_day: f64) -> Departures {
    let all: Vec<Departure> = departures(observed, scores, last_day);
    Departures::fit(&all).unwrap_or_else(Departures::prior)
}

#[derive(Clone, Copy)]
enum Target {
    Presence,
    Abundance,
}

fn common_vocabulary(cohorts: &[Cohort]) -> Result<Vocabulary> {
    let mut names = cohorts.iter().map(|cohort| cohort.profiles().vocabulary());
    let Some(first) = names.next() else {
        return Err(Error::table(
            "the engraftment model needs at least one cohort",
        ));
    };
    match names.find(|name| *name != first) {
        Some(other) => Err(Error::vocabulary(format!(
            "cohorts are named in `{first}` and `{other}`; harmonize them first"
        ))),
        None => Ok(first.clone()),
    }
}

fn monotone(params: &BoostingParams, columns: &[u32]) -> BoostingParams {
    let mut params = params.clone();
    if params.monotone.is_empty() {
        let direction = |column: &u32| {
            let rises = RISING.contains(&(*column as usize));
            if rises {
                Monotone::Increasing
            } else {
                Monotone::Free
            }
        };
        params.monotone = columns.iter().map(direction).collect();
    }
    params
}

/// The row weights times how often the row's recipient was drawn: recipients are drawn with
/// replacement within their study, so that every study stays represented.
fn bootstrap_weights(rows: &TrainingRows, seed: u64) -> Vec<f64> {
    let mut by_study: Vec<Vec<usize>> = Vec::new();
    for (recipient, &study) in rows.study_of.iter().enumerate() {
        by_study.resize_with(by_study.len().max(study as usize + 1), Vec::new);
        by_study[study as usize].push(recipient);
    }
    let mut drawn = vec![0.0; rows.study_of.len()];
    let mut stream = Stream::new(seed);
    for recipients in &by_study {
        for _ in recipients {
            drawn[recipients[stream.below(recipients.len())]] += 1.0;
        }
    }
    let weigh = |(&weight, &recipient): (&f64, &u32)| weight * drawn[recipient as usize];
    rows.weights
        .iter()
        .zip(&rows.recipients)
        .map(weigh)
        .collect()
}

fn mask_absent(weights: &mut [f64], present: &[f64]) {
    for (weight, present) in weights.iter_mut().zip(present) {
        *weight *= present;
    }
}

fn residual_sd(rows: &TrainingRows, members: &[BoostingModel]) -> Result<f64> {
    let fitted = mean_over_members(Ensemble::new(members).scores(rows.view()?)?.view());
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, fitted) in fitted.iter().enumerate() {
        let weight = rows.weights[row] * rows.present[row];
        sum += weight * (rows.log_abundance[row] - fitted).powi(2);
        total += weight;
    }
    Ok((sum / total.max(f64::MIN_POSITIVE)).sqrt())
}
