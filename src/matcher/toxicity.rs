//! The toxicity model: severe immune-related adverse events and myocarditis.
//!
//! The evidence is one trial with twenty patients under dual inhibition, so the model is its
//! priors, moved by whatever outcomes the user has.

use ndarray::{ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::baseline::{LogOdds, myocarditis_baseline, severe_irae_baseline};
use super::domain::{DIGITS, below, share_of};
use super::posterior::Normal;
use crate::cohort::{PatientCohort, TreatmentContext};
use crate::feature::{COMMUNITY_FEATURES, ProfileSchema};
use crate::model::{BoostingModel, BoostingParams, TrainingData, probability_of_score};
use crate::numeric::decimal::rounded;
use crate::numeric::random::{derive, normal};
use crate::{Error, Result};

/// Position of the Prevotellaceae burden among the community features.
const BURDEN: usize = position_of("prevotellaceae_burden");

/// Where a community feature stands; a name that is not one does not compile.
const fn position_of(name: &str) -> usize {
    let mut at = 0;
    while !are_same(COMMUNITY_FEATURES[at].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    at
}

const fn are_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A coefficient's prior.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

/// Settings of the toxicity model: the priors, all of them judgements shrunk from thin data.
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "the unsafe code is in the slicing macro of ndarray"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ToxicityParams {
    /// Log-odds of a severe event per standard deviation of the donor's Prevotellaceae burden.
    /// Default Normal(0.15, 0.3): two public cohorts of recipients gave an ROC AUC of 0.655, the
    /// any-grade endpoint the opposite; shrunk to a quarter.
    pub burden: Prior,
    /// What dual inhibition adds to it. Default Normal(0.4, 0.6): clustering reported by
    /// FMT-LUMINate, without numbers.
    pub burden_with_dual: Prior,
    /// Trees of the exploratory model.
    pub exploratory: BoostingParams,
    /// Seed. Default 0.
    pub seed: u64,
}

impl Default for ToxicityParams {
    fn default() -> Self {
        let exploratory = BoostingParams {
            n_rounds: 60,
            learning_rate: 0.05,
            max_depth: 2,
            max_bins: 32,
            l2: 5.0,
            min_leaf_rows: 8,
            min_leaf_weight: 0.5,
            row_fraction: 0.7,
            column_fraction: Some(1.0),
            ..BoostingParams::default()
        };
        Self {
            burden: Prior {
                mean: 0.15,
                sd: 0.3,
            },
            burden_with_dual: Prior { mean: 0.4, sd: 0.6 },
            exploratory,
            seed: 0,
        }
    }
}

/// One patient whose toxicity is known, for the update of the priors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToxicityOutcome {
    /// Regimen, cancer and line.
    pub context: TreatmentContext,
    /// Prevotellaceae burden of the donor, as [`ToxicityModel::burden_of`] gives it.
    pub burden: f64,
    /// Whether a severe event happened; `None` is unknown.
    pub severe_irae: Option<bool>,
    /// Whether myocarditis happened; `None` is unknown.
    pub myocarditis: Option<bool>,
}

/// Predicts severe immune-related adverse events and myocarditis from the donor's profile and the
/// regimen.
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "the unsafe code is in the slicing macro of ndarray"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToxicityModel {
    /// Coefficients: burden, burden × dual; the intercepts' own spreads are in the baselines.
    pub(crate) severe_irae: Normal,
    pub(crate) myocarditis: Normal,
    pub(crate) burden_mean: f64,
    pub(crate) burden_sd: f64,
    pub(crate) rich: f64,
    pub(crate) feature_names: Vec<String>,
    pub(crate) exploratory: Option<BoostingModel>,
    pub(crate) n_exploratory: u32,
    pub(crate) n_severe: u32,
    pub(crate) n_updates: u32,
}

impl ToxicityParams {
    /// Sets up the priors, learns the scale of the Prevotellaceae burden from the patients, and fits
    /// the exploratory model on those whose severe events are known (if there are 20 with both
    /// outcomes).
    ///
    /// # Errors
    /// [`Error::Parameter`] where a spread is not positive; [`Error::Table`] where the patients
    /// cannot be turned into features.
    pub fn fit(&self, schema: &ProfileSchema, patients: &PatientCohort) -> Result<ToxicityModel> {
        for (name, prior) in [
            ("burden", self.burden),
            ("burden_with_dual", self.burden_with_dual),
        ] {
            if !(prior.sd > 0.0 && prior.sd.is_finite() && prior.mean.is_finite()) {
                return Err(Error::parameter(
                    name,
                    "expected a finite mean and a spread above 0",
                ));
            }
        }
        let features = schema.features(&patients.profiles().closure())?;
        let community = features.slice(s![.., ..COMMUNITY_FEATURES.len()]);
        let burdens = community.column(BURDEN);
        let n = burdens.len() as f64;
        let burden_mean = rounded(burdens.sum() / n, DIGITS);
        let variance = burdens
            .iter()
            .map(|burden| (burden - burden_mean).powi(2))
            .sum::<f64>()
            / n;
        let mut sorted = burdens.to_vec();
        sorted.sort_by(f64::total_cmp);
        let prior = Normal::independent(&[
            (0.0, 0.3),
            (self.burden.mean, self.burden.sd),
            (self.burden_with_dual.mean, self.burden_with_dual.sd),
        ]);
        let (exploratory, n_exploratory, n_severe) = self.fit_exploratory(community, patients)?;
        Ok(ToxicityModel {
            myocarditis: prior.with_sd(0, 0.5),
            severe_irae: prior,
            burden_mean,
            burden_sd: rounded(variance.sqrt().max(1e-9), DIGITS),
            rich: below(&sorted, share_of(&sorted, 0.9)),
            feature_names: COMMUNITY_FEATURES.map(str::to_owned).to_vec(),
            exploratory,
            n_exploratory,
            n_severe,
            n_updates: 0,
        })
    }

    fn fit_exploratory(
        &self,
        community: ArrayView2<'_, f64>,
        patients: &PatientCohort,
    ) -> Result<(Option<BoostingModel>, u32, u32)> {
        let known: Vec<(usize, bool)> = patients
            .patients()
            .iter()
            .enumerate()
            .filter_map(|(row, patient)| patient.severe_irae.map(|severe| (row, severe)))
            .collect();
        let n_severe = known.iter().filter(|(_, severe)| *severe).count();
        if known.len() < 20 || n_severe == 0 || n_severe == known.len() {
            return Ok((None, known.len() as u32, n_severe as u32));
        }
        let rows: Vec<usize> = known.iter().map(|(row, _)| *row).collect();
        let features = community.select(Axis(0), &rows);
        let outcomes: Vec<f64> = known
            .iter()
            .map(|(_, severe)| f64::from(u8::from(*severe)))
            .collect();
        let mut params = self.exploratory.clone();
        params.seed = self.seed;
        let model = params.fit(&TrainingData::new(features.view(), &outcomes)?)?;
        Ok((Some(model), known.len() as u32, n_severe as u32))
    }
}

/// The Prevotellaceae burden among the features of a profile, in the schema's own unit.
pub(crate) fn burden(features: &[f64]) -> f64 {
    features[BURDEN]
}

/// A pair as the toxicity model sees it.
pub(crate) struct ToxicityPair<'a> {
    pub context: TreatmentContext,
    /// Prevotellaceae burden of the donor's profile, as [`burden`] reads it.
    pub donor_burden: f64,
    /// Features of the realized transplants, draws × columns.
    pub after: ArrayView2<'a, f64>,
    pub draws: &'a ToxicityDraws,
}

/// Coefficients drawn from the posterior, the same for all pairs of a call.
#[derive(Debug)]
pub(crate) struct ToxicityDraws {
    severe_irae: Vec<Vec<f64>>,
    myocarditis: Vec<Vec<f64>>,
}

/// What the toxicity model says of a pair.
pub(crate) struct ToxicityPrediction {
    pub p_severe_irae: Vec<f64>,
    pub p_myocarditis: Vec<f64>,
    pub p_severe_irae_exploratory: Option<f64>,
    pub flags: Vec<String>,
}

impl ToxicityModel {
    /// Checks a model that was read from a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit.
    pub fn validate(&self) -> Result<()> {
        // Intercept shift, burden, burden with dual inhibition: the row of `row_of`.
        let coefficients = 3;
        if !self.severe_irae.is_sound(coefficients) || !self.myocarditis.is_sound(coefficients) {
            return Err(Error::model_file(
                "the toxicity model's coefficients do not fit together",
            ));
        }
        let scale = [self.burden_mean, self.burden_sd, self.rich];
        if scale.iter().any(|number| !number.is_finite()) || self.burden_sd <= 0.0 {
            return Err(Error::model_file(
                "the toxicity model's scale is not usable",
            ));
        }
        if self.feature_names != COMMUNITY_FEATURES {
            return Err(Error::model_file(
                "the toxicity model reads other summaries of the community than this release makes",
            ));
        }
        let Some(exploratory) = &self.exploratory else {
            return Ok(());
        };
        exploratory.validate()?;
        match exploratory.n_features() {
            n if n == COMMUNITY_FEATURES.len() => Ok(()),
            n => Err(Error::model_file(format!(
                "the exploratory toxicity model reads {n} features of {}",
                COMMUNITY_FEATURES.len()
            ))),
        }
    }

    /// The donor's Prevotellaceae burden in standard deviations of the training patients, from the
    /// features of its profile.
    ///
    /// # Panics
    /// Where there are fewer features than community summaries.
    pub fn burden_of(&self, features: &[f64]) -> f64 {
        self.in_spreads(burden(features))
    }

    fn in_spreads(&self, burden: f64) -> f64 {
        (burden - self.burden_mean) / self.burden_sd
    }

    /// Patients with a known severe outcome behind the exploratory model, and events among them.
    pub fn n_exploratory(&self) -> (u32, u32) {
        (self.n_exploratory, self.n_severe)
    }

    /// Outcomes of one's own that the model has learned from; given twice, they count twice.
    pub fn n_updates(&self) -> u32 {
        self.n_updates
    }

    /// Posterior mean and spread of the coefficients of a severe event: intercept shift, burden,
    /// burden with dual inhibition.
    pub fn severe_irae_coefficients(&self) -> Vec<(f64, f64)> {
        self.severe_irae.marginals()
    }

    /// Updates both endpoints with outcomes of one's own, by Laplace's approximation.
    ///
    /// # Errors
    /// [`Error::Table`] where a burden is not finite; [`Error::Convergence`] where Newton's method
    /// does not settle.
    pub fn update(&self, outcomes: &[ToxicityOutcome]) -> Result<Self> {
        if outcomes.iter().any(|outcome| !outcome.burden.is_finite()) {
            return Err(Error::table("a Prevotellaceae burden is not finite"));
        }
        let is_known = |outcome: &&ToxicityOutcome| {
            outcome.severe_irae.is_some() || outcome.myocarditis.is_some()
        };
        let n_known = outcomes.iter().filter(is_known).count();
        let design = |outcome: &ToxicityOutcome| row_of(outcome.context, outcome.burden).to_vec();
        let severe = outcomes.iter().filter_map(|outcome| {
            let offset = severe_irae_baseline(outcome.context).mean;
            outcome
                .severe_irae
                .map(|event| (design(outcome), offset, event))
        });
        let myocarditis = outcomes.iter().filter_map(|outcome| {
            let offset = myocarditis_baseline(outcome.context).mean;
            outcome
                .myocarditis
                .map(|event| (design(outcome), offset, event))
        });
        Ok(Self {
            severe_irae: self.severe_irae.update(&severe.collect::<Vec<_>>())?,
            myocarditis: self.myocarditis.update(&myocarditis.collect::<Vec<_>>())?,
            n_updates: self.n_updates + n_known as u32,
            ..self.clone()
        })
    }

    pub(crate) fn draws(&self, n_draws: usize, seed: u64) -> ToxicityDraws {
        let draws = |coefficients: &Normal, stream: u64| -> Vec<Vec<f64>> {
            let seed = derive(seed, stream);
            (0..n_draws)
                .map(|draw| {
                    let address = derive(seed, draw as u64);
                    coefficients.draw(|k| normal(derive(address, k as u64)))
                })
                .collect()
        };
        ToxicityDraws {
            severe_irae: draws(&self.severe_irae, 1),
            myocarditis: draws(&self.myocarditis, 2),
        }
    }

    pub(crate) fn pair(&self, pair: ToxicityPair<'_>) -> Result<ToxicityPrediction> {
        let row = row_of(pair.context, self.in_spreads(pair.donor_burden));
        let draws = |coefficients: &[Vec<f64>], baseline: LogOdds| -> Vec<f64> {
            let probability = |drawn: &Vec<f64>| {
                let moved: f64 = drawn.iter().zip(&row).map(|(b, x)| b * x).sum();
                probability_of_score(baseline.mean + moved)
            };
            coefficients.iter().map(probability).collect()
        };
        Ok(ToxicityPrediction {
            p_severe_irae: draws(&pair.draws.severe_irae, severe_irae_baseline(pair.context)),
            p_myocarditis: draws(&pair.draws.myocarditis, myocarditis_baseline(pair.context)),
            p_severe_irae_exploratory: self.exploratory_probability(pair.after)?,
            flags: self.flags(pair.context, pair.donor_burden),
        })
    }

    fn exploratory_probability(&self, after: ArrayView2<'_, f64>) -> Result<Option<f64>> {
        let Some(model) = &self.exploratory else {
            return Ok(None);
        };
        let community = after.slice(s![.., ..COMMUNITY_FEATURES.len()]);
        let scores = model.scores(community)?;
        let n = scores.len() as f64;
        Ok(Some(
            scores.into_iter().map(probability_of_score).sum::<f64>() / n,
        ))
    }

    fn flags(&self, context: TreatmentContext, donor_burden: f64) -> Vec<String> {
        let flag = match (donor_burden >= self.rich, context.regimen.is_dual()) {
            (true, true) => "prevotella_rich_donor_with_dual_inhibition",
            (true, false) => "prevotella_rich_donor",
            (false, _) => return Vec::new(),
        };
        vec![flag.to_owned()]
    }
}

/// Intercept shift, burden, burden with dual inhibition.
fn row_of(context: TreatmentContext, burden: f64) -> [f64; 3] {
    let dual = if context.regimen.is_dual() {
        burden
    } else {
        0.0
    };
    [1.0, burden, dual]
}
