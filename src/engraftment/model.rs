//! The fitted engraftment model and what it predicts of a pair.

use std::collections::BTreeSet;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::feature::{CORE, CladeTable, FEATURES, FLOOR, RISING, TaxonFeatures, TaxonPrior};
use super::pair::{PairProfile, TransplantContext};
use super::params::{EngraftmentFeatures, EngraftmentParams};
use super::training::{
    Observation, TrainingRows, clade_table, observations, taxon_prior, training_rows,
};
use crate::cohort::Cohort;
use crate::model::{BoostingModel, BoostingParams, Monotone, TrainingData};
use crate::profile::{Rank, Taxon, Vocabulary};
use crate::random::{Stream, derive};
use crate::{Error, Result};

/// Predicts which taxa are present after a transplant, and how abundant: gained, kept, lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngraftmentModel {
    rank: Rank,
    vocabulary: Vocabulary,
    prior: TaxonPrior,
    clades: CladeTable,
    /// The features in use, rising.
    columns: Vec<u32>,
    presence: Vec<BoostingModel>,
    abundance: Vec<BoostingModel>,
    abundance_sd: f64,
    n_transplants: u32,
    n_recipients: u32,
    studies: Vec<String>,
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
            rank: self.rank,
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
    let fitted = mean_scores(members, rows.view()?)?;
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, fitted) in fitted.iter().enumerate() {
        let weight = rows.weights[row] * rows.present[row];
        sum += weight * (rows.log_abundance[row] - fitted).powi(2);
        total += weight;
    }
    Ok((sum / total.max(f64::MIN_POSITIVE)).sqrt())
}

fn mean_scores(members: &[BoostingModel], view: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
    let mut mean = vec![0.0; view.nrows()];
    for member in members {
        for (sum, score) in mean.iter_mut().zip(member.scores(view)?) {
            *sum += score;
        }
    }
    for sum in &mut mean {
        *sum /= members.len() as f64;
    }
    Ok(mean)
}

impl EngraftmentModel {
    /// Checks a model that was read from a file: members that fit the features, a sound prior.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit.
    pub fn validate(&self) -> Result<()> {
        let n_known = (FEATURES.len() + self.clades.clades.len()) as u32;
        let rising = self.columns.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.columns.last().is_none_or(|&last| last >= n_known) {
            return Err(Error::model_file(format!(
                "the columns of the engraftment model do not rise below {n_known}"
            )));
        }
        let n_features = self.columns.len();
        if self.presence.is_empty() || self.abundance.is_empty() {
            return Err(Error::model_file("the engraftment model has no members"));
        }
        for member in self.presence.iter().chain(&self.abundance) {
            member.validate()?;
            if member.n_features() != n_features {
                return Err(Error::model_file(format!(
                    "an engraftment member reads {} features of {n_features}",
                    member.n_features()
                )));
            }
        }
        if !(self.abundance_sd >= 0.0 && self.abundance_sd.is_finite()) {
            return Err(Error::model_file(format!(
                "the spread of the abundance is {}",
                self.abundance_sd
            )));
        }
        if !self.prior.is_consistent() {
            return Err(Error::model_file(
                "what the engraftment model knows of its taxa disagrees",
            ));
        }
        Ok(())
    }

    /// The rank of the taxa it speaks of.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// The vocabulary that profiles must be harmonized to.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Number of members: fits on bootstrap draws of the recipients.
    pub fn n_members(&self) -> usize {
        self.presence.len()
    }

    /// The studies it learned from; it must not be judged on these.
    pub fn studies(&self) -> &[String] {
        &self.studies
    }

    /// Follow-ups and recipients it learned from.
    pub fn n_training(&self) -> (u32, u32) {
        (self.n_transplants, self.n_recipients)
    }

    /// Names of the features in use, in the order of the columns.
    pub fn feature_names(&self) -> Vec<String> {
        let clades = self
            .clades
            .clades
            .iter()
            .map(|(rank, name)| format!("{rank}:{name}"));
        let all: Vec<String> = FEATURES
            .iter()
            .map(|&name| name.to_owned())
            .chain(clades)
            .collect();
        self.columns
            .iter()
            .filter_map(|&column| all.get(column as usize).cloned())
            .collect()
    }

    /// A predictor for tables with these columns: what does not change with the pair is worked out
    /// once.
    pub fn predictor(&self, taxa: &[Taxon]) -> EngraftmentPredictor<'_> {
        EngraftmentPredictor {
            model: self,
            features: TaxonFeatures::new(taxa, &self.prior, &self.clades, None),
        }
    }
}

/// An [`EngraftmentModel`] bound to the columns of a table.
#[derive(Debug, Clone)]
pub struct EngraftmentPredictor<'a> {
    model: &'a EngraftmentModel,
    features: TaxonFeatures,
}

impl EngraftmentPredictor<'_> {
    /// What a transplant between this donor and recipient is expected to leave.
    ///
    /// # Errors
    /// [`Error::Table`] where the pair has no taxon.
    pub fn predict(
        &self,
        pair: &PairProfile,
        context: TransplantContext,
    ) -> Result<TransplantPrediction> {
        let mut rows = Vec::with_capacity(pair.n_taxa() * self.features.n_features());
        self.features.append(pair, context, &mut rows);
        let view = ArrayView2::from_shape((pair.n_taxa(), self.features.n_features()), &rows)
            .map_err(|_| Error::table("the engraftment features do not fill their matrix"))?;
        let columns: Vec<usize> = self.model.columns.iter().map(|&c| c as usize).collect();
        let used = view.select(Axis(1), &columns);
        let view = used.view();
        let mut p_present = Array2::zeros((self.model.n_members(), pair.n_taxa()));
        for (member, mut row) in self.model.presence.iter().zip(p_present.rows_mut()) {
            for (place, score) in row.iter_mut().zip(member.scores(view)?) {
                *place = 1.0 / (1.0 + libm::exp(-score));
            }
        }
        Ok(TransplantPrediction {
            pair: pair.clone(),
            p_present,
            log_abundance: mean_scores(&self.model.abundance, view)?,
            abundance_sd: self.model.abundance_sd,
        })
    }
}

/// What a transplant is expected to leave of the taxa of donor and recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct TransplantPrediction {
    /// The taxa, and what donor and recipient had before.
    pub pair: PairProfile,
    /// Probability of presence after, members × taxa.
    pub p_present: Array2<f64>,
    /// Expected log10 fraction where present.
    pub log_abundance: Vec<f64>,
    /// Spread of log10 fraction around it.
    pub abundance_sd: f64,
}

/// What is expected to happen to a taxon of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Absent in the recipient before, expected after.
    Gained,
    /// Absent in the recipient before, not expected after.
    NotGained,
    /// Present in the recipient before and expected after.
    Kept,
    /// Present in the recipient before, not expected after.
    Lost,
}

impl TransplantPrediction {
    /// Mean over members of the probability that each taxon is present after.
    pub fn mean_presence(&self) -> Vec<f64> {
        let n = self.p_present.nrows() as f64;
        self.p_present
            .columns()
            .into_iter()
            .map(|column| column.sum() / n)
            .collect()
    }

    /// The more likely fate of each taxon.
    pub fn fates(&self) -> Vec<Fate> {
        let fate = |(present, recipient): (f64, &f64)| match (*recipient > 0.0, present >= 0.5) {
            (false, true) => Fate::Gained,
            (false, false) => Fate::NotGained,
            (true, true) => Fate::Kept,
            (true, false) => Fate::Lost,
        };
        self.mean_presence()
            .into_iter()
            .zip(&self.pair.recipient)
            .map(fate)
            .collect()
    }

    /// Expected numbers of taxa gained, kept and lost: sums of probabilities.
    pub fn expected_counts(&self) -> (f64, f64, f64) {
        let (mut gained, mut kept, mut lost) = (0.0, 0.0, 0.0);
        for (present, &recipient) in self.mean_presence().into_iter().zip(&self.pair.recipient) {
            if recipient > 0.0 {
                kept += present;
                lost += 1.0 - present;
            } else {
                gained += present;
            }
        }
        (gained, kept, lost)
    }

    /// The expected profile, closed to 1: P(present) times the mean of the log-normal abundance.
    pub fn expected_profile(&self) -> Vec<f64> {
        let ln10 = std::f64::consts::LN_10;
        let shift = (self.abundance_sd * ln10).powi(2) / 2.0;
        let raw: Vec<f64> = self
            .mean_presence()
            .into_iter()
            .zip(&self.log_abundance)
            .map(|(present, log)| present * libm::exp(log * ln10 + shift))
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.into_iter().map(|fraction| fraction / sum).collect()
    }

    /// One profile that may come of the transplant, closed to 1, written into `out` as
    /// `(taxon, fraction)`. `random` gives for each taxon a uniform number, which decides its
    /// presence, and a standard normal one, which moves its abundance; the same numbers for two
    /// donors make their outcomes comparable draw by draw.
    pub fn realize(
        &self,
        member: usize,
        random: impl Fn(u32) -> (f64, f64),
        out: &mut Vec<(u32, f64)>,
    ) {
        out.clear();
        let p_present = self.p_present.row(member % self.p_present.nrows());
        let mut sum = 0.0;
        for (at, &taxon) in self.pair.taxa.iter().enumerate() {
            let (uniform, normal) = random(taxon);
            if uniform < p_present[at] {
                let log = self.log_abundance[at] + self.abundance_sd * normal;
                let fraction = (libm::pow(10.0, log) - FLOOR).max(FLOOR);
                sum += fraction;
                out.push((taxon, fraction));
            }
        }
        for (_, fraction) in out.iter_mut() {
            *fraction /= sum;
        }
    }
}
