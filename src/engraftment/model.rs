//! The fitted engraftment model.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;

use super::departure::Departures;
use super::effect::EffectDistribution;
use super::feature::{CladeTable, FEATURES, TaxonFeatures, TaxonPrior};
use super::pair::{PairProfile, TransplantContext};
use super::prediction::TransplantPrediction;
use super::training::{Observation, departures as departures_of};
use crate::model::{BoostingModel, Ensemble};
use crate::profile::{Rank, Taxon, Vocabulary};
use crate::{Error, Result};

/// Which part of the variance of log10 abundance after a transplant comes from which of the
/// donor's samples was read: measured by `cargo test --release --test it real_donors -- --nocapture`
/// on the donors of several samples in `../shared/data/fmt-davar-baruch2021`.
const DONOR_SAMPLE_SHARE: f64 = 0.06;

/// Predicts which taxa are present after a transplant, and how abundant: gained, kept, lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngraftmentModel {
    pub(crate) rank: Rank,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) prior: TaxonPrior,
    pub(crate) clades: CladeTable,
    /// The features in use, rising.
    pub(crate) columns: Vec<u32>,
    pub(crate) presence: Vec<BoostingModel>,
    pub(crate) abundance: Vec<BoostingModel>,
    pub(crate) abundance_sd: f64,
    /// Fractions below it count as not detected.
    pub(crate) detection_limit: f64,
    /// How trials and recipients depart from the trees; none in models of format 3 and before.
    #[serde(skip)]
    pub(crate) departures: Option<Departures>,
    /// The same, moved by the follow-ups of the trial at hand.
    #[serde(skip)]
    pub(crate) own: Option<Departures>,
    /// The last day of a follow-up that was learned from: time stands still after it.
    pub(crate) last_day: f64,
    pub(crate) n_transplants: u32,
    pub(crate) n_recipients: u32,
    pub(crate) studies: Vec<String>,
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
        let mut known = self.departures.iter().chain(&self.own);
        let sound =
            known.all(Departures::is_sound) && (self.own.is_none() || self.departures.is_some());
        let limits = (0.0..1.0).contains(&self.detection_limit)
            && self.last_day >= 0.0
            && self.last_day.is_finite();
        if !(sound && limits) {
            return Err(Error::model_file(
                "what the engraftment model knows of trials is not usable",
            ));
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

    /// The fraction below which a taxon counts as not detected, in donor, recipient and follow-up:
    /// so that a sample sequenced deeper has no more taxa to give or to lose.
    pub fn detection_limit(&self) -> f64 {
        self.detection_limit
    }

    /// What trial and recipient add to the log-odds of presence under this context.
    pub(crate) fn effects(&self, context: TransplantContext) -> Option<Arc<EffectDistribution>> {
        let departures = self.own.as_ref().or(self.departures.as_ref());
        EffectDistribution::new(departures, context, self.last_day).map(Arc::new)
    }

    /// The same, with the effect of one trial moved by its own follow-ups; what earlier ones taught
    /// is replaced. `taxa` are the columns that the observations speak of.
    pub(crate) fn moved_by(&self, taxa: &[Taxon], observed: &[Observation]) -> Result<Self> {
        let Some(departures) = &self.departures else {
            return Err(Error::model_file(
                "the engraftment model is of format 3 or before and cannot learn from follow-ups; \
                 fit it again",
            ));
        };
        let predictor = self.predictor(taxa);
        let scores = observed
            .iter()
            .map(|one| {
                let scores = predictor.scores(&one.pair, one.context)?;
                let (presence, _) = scores.view().split_at(Axis(0), self.n_members());
                Ok(mean_over_members(presence))
            })
            .collect::<Result<Vec<_>>>()?;
        let seen = departures_of(observed, &scores, self.last_day);
        let own = (!seen.is_empty())
            .then(|| departures.moved_by(&seen))
            .flatten();
        Ok(Self {
            own,
            ..self.clone()
        })
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

    /// Spread of log10 fraction around what is expected, where so many samples of the donor were
    /// averaged: the spread of one sample holds how that sample differs from the donor's others
    /// ([`DONOR_SAMPLE_SHARE`] of its variance), of which the mean of n keeps one n-th.
    pub(crate) fn abundance_sd(&self, n_donor_samples: usize) -> f64 {
        let averaged_out = 1.0 - 1.0 / n_donor_samples.max(1) as f64;
        self.abundance_sd * (1.0 - DONOR_SAMPLE_SHARE * averaged_out).sqrt()
    }

    /// A predictor for tables with these columns: what does not change with the pair is worked out
    /// once.
    pub fn predictor(&self, taxa: &[Taxon]) -> EngraftmentPredictor<'_> {
        EngraftmentPredictor {
            model: self,
            ensemble: Ensemble::new(self.presence.iter().chain(&self.abundance)),
            features: TaxonFeatures::new(taxa, &self.prior, &self.clades, None),
        }
    }
}

/// An [`EngraftmentModel`] bound to the columns of a table.
#[derive(Debug, Clone)]
pub struct EngraftmentPredictor<'a> {
    model: &'a EngraftmentModel,
    /// The members of presence, then those of abundance.
    ensemble: Ensemble<'a>,
    features: TaxonFeatures,
}

impl EngraftmentPredictor<'_> {
    /// What a transplant between this donor and recipient is expected to leave. Taxa below the
    /// [`EngraftmentModel::detection_limit`] on both sides are no part of it.
    ///
    /// # Errors
    /// [`Error::Table`] where the pair has no taxon.
    pub fn predict(
        &self,
        pair: &PairProfile,
        context: TransplantContext,
    ) -> Result<TransplantPrediction> {
        self.predict_with(pair, context, self.model.effects(context))
    }

    /// The same with the effects of the context, which do not change with the pair.
    pub(crate) fn predict_with(
        &self,
        pair: &PairProfile,
        context: TransplantContext,
        effects: Option<Arc<EffectDistribution>>,
    ) -> Result<TransplantPrediction> {
        let pair = pair.above(self.model.detection_limit);
        let scores = self.scores(&pair, context)?;
        let (presence, abundance) = scores.view().split_at(Axis(0), self.model.n_members());
        Ok(TransplantPrediction {
            log_odds: presence.to_owned(),
            log_abundance: mean_over_members(abundance),
            abundance_sd: self.model.abundance_sd(pair.n_donor_samples),
            effects,
            pair,
        })
    }

    /// The scores of presence, then those of abundance, members × taxa.
    fn scores(&self, pair: &PairProfile, context: TransplantContext) -> Result<Array2<f64>> {
        let mut rows = Vec::with_capacity(pair.n_taxa() * self.features.n_features());
        self.features.append(pair, context, &mut rows);
        let view = ArrayView2::from_shape((pair.n_taxa(), self.features.n_features()), &rows)
            .map_err(|_| Error::table("the engraftment features do not fill their matrix"))?;
        let columns: Vec<usize> = self.model.columns.iter().map(|&c| c as usize).collect();
        self.ensemble.scores(view.select(Axis(1), &columns).view())
    }
}

/// The mean of scores (members × rows) over the members, row by row.
pub(super) fn mean_over_members(scores: ArrayView2<'_, f64>) -> Vec<f64> {
    let n = scores.nrows() as f64;
    let sums = scores.fold_axis(Axis(0), 0.0, |sum, score| sum + score);
    sums.iter().map(|sum| sum / n).collect()
}
