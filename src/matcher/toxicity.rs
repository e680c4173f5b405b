//! What the toxicity of a transplant is read from in a profile: the donor's richness in
//! Prevotellaceae, which the joint model of [`evidence`](crate::evidence) judges, and an exploratory
//! model of recipients.

use ndarray::{ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::domain::{below, share_of};
use crate::cohort::{PatientCohort, Regimen};
use crate::feature::{COMMUNITY_FEATURES, ProfileSchema};
use crate::model::{BoostingModel, BoostingParams, TrainingData, probability_of_score};
use crate::numeric::decimal::Grid;
use crate::numeric::summary::quantile;
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

/// Settings of what is learned of toxicity from patients.
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "the unsafe code is in the slicing macro of ndarray"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ToxicityParams {
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
            exploratory,
            seed: 0,
        }
    }
}

/// The fraction of Prevotellaceae above the reference median that counts as a richness of 1.
const TENTH: f64 = 0.1;
/// The largest richness.
const MAX_RICHNESS: f64 = 2.0;

/// Reads a profile for what the joint model says of toxicity.
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "the unsafe code is in the slicing macro of ndarray"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToxicityModel {
    /// Median fraction of Prevotellaceae of the training patients.
    pub(crate) median: f64,
    /// Burden from which a donor is flagged.
    pub(crate) rich: f64,
    pub(crate) feature_names: Vec<String>,
    pub(crate) exploratory: Option<BoostingModel>,
    pub(crate) n_exploratory: u32,
    pub(crate) n_severe: u32,
}

impl ToxicityParams {
    /// Learns from the patients what fraction of Prevotellaceae is usual, and fits the exploratory
    /// model on those whose severe events are known (if there are 20 with both outcomes).
    ///
    /// # Errors
    /// [`Error::Table`] where the patients cannot be turned into features.
    pub fn fit(&self, schema: &ProfileSchema, patients: &PatientCohort) -> Result<ToxicityModel> {
        let features = schema.features(&patients.profiles().closure())?;
        let community = features.slice(s![.., ..COMMUNITY_FEATURES.len()]);
        let mut burdens = community.column(BURDEN).to_vec();
        burdens.sort_by(f64::total_cmp);
        let (exploratory, n_exploratory, n_severe) = self.fit_exploratory(community, patients)?;
        Ok(ToxicityModel {
            // A median may be one patient's value.
            median: Grid::PLAIN.nearest(fraction_of(quantile(&burdens, 0.5), schema.pseudocount())),
            rich: below(&burdens, share_of(&burdens, 0.9)),
            feature_names: COMMUNITY_FEATURES.map(str::to_owned).to_vec(),
            exploratory,
            n_exploratory,
            n_severe,
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

/// The Prevotellaceae burden among the features of a profile.
pub(crate) fn burden(features: &[f64]) -> f64 {
    features[BURDEN]
}

/// The fraction behind a burden, ln(1 + fraction / pseudocount).
fn fraction_of(burden: f64, pseudocount: f64) -> f64 {
    libm::expm1(burden) * pseudocount
}

impl ToxicityModel {
    /// Checks a model that was read from a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit.
    pub fn validate(&self) -> Result<()> {
        if !(self.rich.is_finite() && (0.0..=1.0).contains(&self.median)) {
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

    /// The richness of a donor in Prevotellaceae, from the features of its profile: 0 up to the
    /// median fraction of the training patients, 1 at a tenth of the profile more, at most 2.
    ///
    /// # Panics
    /// Where there are fewer features than community summaries.
    pub fn richness(&self, schema: &ProfileSchema, features: &[f64]) -> f64 {
        self.richness_of(fraction_of(burden(features), schema.pseudocount()))
    }

    fn richness_of(&self, fraction: f64) -> f64 {
        ((fraction - self.median) / TENTH).clamp(0.0, MAX_RICHNESS)
    }

    /// Median fraction of Prevotellaceae of the training patients.
    pub fn median_prevotellaceae(&self) -> f64 {
        self.median
    }

    /// Patients with a known severe outcome behind the exploratory model, and events among them.
    pub fn n_exploratory(&self) -> (u32, u32) {
        (self.n_exploratory, self.n_severe)
    }

    /// The mean probability of a severe event by the exploratory model over realized transplants
    /// (draws × columns); none without such a model.
    pub(crate) fn exploratory_probability(
        &self,
        after: ArrayView2<'_, f64>,
    ) -> Result<Option<f64>> {
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

    /// The flag of a donor under a regimen, from the donor's burden.
    pub(crate) fn flag(&self, regimen: Regimen, donor_burden: f64) -> Option<&'static str> {
        match (donor_burden >= self.rich, regimen.is_dual()) {
            (true, true) => Some("prevotella_rich_donor_with_dual_inhibition"),
            (true, false) => Some("prevotella_rich_donor"),
            (false, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> ToxicityModel {
        ToxicityModel {
            median: 0.02,
            rich: 9.0,
            feature_names: COMMUNITY_FEATURES.map(str::to_owned).to_vec(),
            exploratory: None,
            n_exploratory: 0,
            n_severe: 0,
        }
    }

    #[test]
    fn richness_counts_above_the_median_and_is_capped() {
        let richness = |fraction: f64| {
            // A burden and back again.
            let burden = libm::log1p(fraction / 1e-5);
            model().richness_of(fraction_of(burden, 1e-5))
        };
        assert!(richness(0.0).abs() < 1e-12);
        // Traces below the median do not decide.
        assert!(richness(0.001).abs() < 1e-12);
        approx::assert_abs_diff_eq!(richness(0.07), 0.5, epsilon = 1e-9);
        approx::assert_abs_diff_eq!(richness(0.12), 1.0, epsilon = 1e-9);
        approx::assert_abs_diff_eq!(richness(0.6), 2.0, epsilon = 1e-12);
    }

    #[test]
    fn a_rich_donor_is_flagged_by_the_regimen() {
        assert_eq!(model().flag(Regimen::AntiPd1, 8.9), None);
        assert_eq!(
            model().flag(Regimen::AntiPd1, 9.0),
            Some("prevotella_rich_donor")
        );
        let dual = Some("prevotella_rich_donor_with_dual_inhibition");
        assert_eq!(model().flag(Regimen::Dual, 9.0), dual);
    }
}
