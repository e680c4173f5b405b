//! Learns the engraftment model: which features carry over, then an ensemble over recipients.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::feature::{CORE, FEATURES, RISING};
use super::model::{EngraftmentModel, mean_over_members};
use super::params::{EngraftmentFeatures, EngraftmentParams};
use super::training::{
    Observation, TrainingRows, clade_table, observations, taxon_prior, training_rows,
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
            observed.extend(observations(cohort, number)?);
        }
        if observed.is_empty() {
            return Err(Error::table(
                "no transplant with a follow-up profile to learn from",
            ));
        }
        let prior = taxon_prior(cohorts, &observed);
        let clades = clade_table(cohorts, &observed, self.min_clade_rows);
        let columns = self.columns(cohorts, &observed)?;
        let mut rows = training_rows(cohorts, &observed, &prior, &clades);
        let columns = columns.unwrap_or_else(|| (0..rows.n_features as u32).collect());
        rows.keep_columns(&columns);
        let presence = self.fit_members(&rows, &columns, Target::Presence)?;
        let abundance = self.fit_members(&rows, &columns, Target::Abundance)?;
        let abundance_sd = residual_sd(&rows, &abundance)?;
        let mut studies: Vec<String> = observed
            .iter()
            .map(|observation| observation.study.clone())
            .collect();
        studies.sort();
        studies.dedup();
        Ok(EngraftmentModel {
            rank: rank_of(&vocabulary),
            vocabulary,
            prior,
            clades,
            columns,
            presence,
            abundance,
            abundance_sd,
            n_transplants: observed.len() as u32,
            n_recipients: rows.study_of.len() as u32,
            studies,
        })
    }

    /// The columns to use; `None` is all of them.
    fn columns(&self, cohorts: &[Cohort], observed: &[Observation]) -> Result<Option<Vec<u32>>> {
        match self.features {
            EngraftmentFeatures::Core => Ok(Some(CORE.to_vec())),
            EngraftmentFeatures::Full => Ok(None),
            EngraftmentFeatures::Selected => self.select_columns(cohorts, observed),
        }
    }

    /// Leaves each training study out in turn and takes the set of features with the lower mean
    /// log loss on what was left out.
    fn select_columns(
        &self,
        cohorts: &[Cohort],
        observed: &[Observation],
    ) -> Result<Option<Vec<u32>>> {
        let studies: BTreeSet<&str> = observed.iter().map(|row| row.study.as_str()).collect();
        if studies.len() < 3 {
            return Ok(Some(CORE.to_vec()));
        }
        let studies: Vec<&str> = studies.into_iter().collect();
        let losses = studies
            .par_iter()
            .map(|study| self.losses_without(cohorts, observed, study))
            .collect::<Result<Vec<_>>>()?;
        let (core, full) = losses
            .iter()
            .fold((0.0, 0.0), |sum, loss| (sum.0 + loss.0, sum.1 + loss.1));
        Ok((core <= full).then(|| CORE.to_vec()))
    }

    /// Mean log loss on a study, learned from the others, with the core and with all features.
    fn losses_without(
        &self,
        cohorts: &[Cohort],
        observed: &[Observation],
        study: &str,
    ) -> Result<(f64, f64)> {
        let (test, training): (Vec<Observation>, Vec<Observation>) =
            observed.iter().cloned().partition(|row| row.study == study);
        let prior = taxon_prior(cohorts, &training);
        let clades = clade_table(cohorts, &training, self.min_clade_rows);
        let loss = |columns: &[u32]| -> Result<f64> {
            let mut rows = training_rows(cohorts, &training, &prior, &clades);
            rows.keep_columns(columns);
            let mut held_out = training_rows(cohorts, &test, &prior, &clades);
            held_out.keep_columns(columns);
            let data = TrainingData::new(rows.view()?, &rows.present)?;
            let mut params = monotone(&self.presence, columns);
            params.seed = self.seed;
            let model = params.fit(&data.with_weights(&rows.weights)?)?;
            Ok(held_out.log_loss(&model.scores(held_out.view()?)?))
        };
        let n_features = (FEATURES.len() + clades.clades.len()) as u32;
        Ok((loss(&CORE)?, loss(&(0..n_features).collect::<Vec<_>>())?))
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
