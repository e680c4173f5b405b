//! The matcher: fitted models and evidence, and what they say together of donors and recipients.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::prediction::{BaselinePrediction, PairPrediction};
use super::response::ResponseModel;
use super::scene::{DonorSide, RecipientSide, Scene};
use super::toxicity::ToxicityModel;
use crate::cancel;
use crate::cohort::{Donors, TreatmentContext};
use crate::engraftment::{
    EngraftmentModel, PairProfile, TransplantContext, TransplantPrediction, align_to_fractions,
};
use crate::evidence::{Evidence, is_transplant, summary};
use crate::profile::{ProfileTable, Vocabulary};
use crate::{Error, Result};

/// Pairs predicted at a time at least, so that threads have enough to share.
const LEAST_PAIRS: usize = 512;

/// Donors of one recipient that are worked out together: with ten draws a member of the response
/// model, its trees see nearly a whole block of rows.
const TILE_PAIRS: usize = 6;

/// Predicts the transplant, the response and the toxicity of any donor and recipient.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matcher {
    pub(crate) engraftment: EngraftmentModel,
    pub(crate) response: ResponseModel,
    pub(crate) toxicity: ToxicityModel,
    pub(crate) evidence: Evidence,
}

/// How to predict, as opposed to what was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PredictParams {
    /// Draws from the posterior, each with one realized transplant. Default 200.
    pub n_draws: u32,
    /// Days after the transplant at which its result is judged. Default 28.
    pub day: f64,
    /// Antibiotics before the transplant; unknown by default.
    pub antibiotics: Option<bool>,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for PredictParams {
    fn default() -> Self {
        Self {
            n_draws: 200,
            day: TransplantContext::DEFAULT_DAY,
            antibiotics: None,
            seed: 0,
        }
    }
}

impl PredictParams {
    pub(super) fn check(&self) -> Result<()> {
        if !(20..=100_000).contains(&self.n_draws) {
            return Err(Error::parameter(
                "n_draws",
                format!("expected 20 to 100000, found {}", self.n_draws),
            ));
        }
        if !(self.day.is_finite() && self.day >= 0.0) {
            return Err(Error::parameter(
                "day",
                format!("expected a number of days of 0 or more, found {}", self.day),
            ));
        }
        Ok(())
    }

    pub(super) fn transplant(&self) -> TransplantContext {
        TransplantContext {
            day: self.day,
            antibiotics: self.antibiotics,
        }
    }
}

impl Matcher {
    /// A matcher of fitted models and a joint posterior.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where engraftment and response speak of different vocabularies.
    pub fn new(
        engraftment: EngraftmentModel,
        response: ResponseModel,
        toxicity: ToxicityModel,
        evidence: Evidence,
    ) -> Result<Self> {
        if engraftment.vocabulary() != response.schema().vocabulary() {
            return Err(Error::vocabulary(format!(
                "the engraftment model speaks of `{}`, the response model of `{}`",
                engraftment.vocabulary(),
                response.schema().vocabulary()
            )));
        }
        Ok(Self {
            engraftment,
            response,
            toxicity,
            evidence,
        })
    }

    /// Checks a matcher that was read from a file, model by model.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit together.
    pub fn validate(&self) -> Result<()> {
        self.engraftment.validate()?;
        self.response.validate()?;
        self.toxicity.validate()?;
        self.evidence.validate()?;
        if self.engraftment.vocabulary() != self.response.schema().vocabulary() {
            return Err(Error::model_file(
                "its models speak of different vocabularies",
            ));
        }
        Ok(())
    }

    /// The vocabulary that profiles must be harmonized to.
    pub fn vocabulary(&self) -> &Vocabulary {
        self.engraftment.vocabulary()
    }

    /// The model of what a transplant leaves.
    pub fn engraftment(&self) -> &EngraftmentModel {
        &self.engraftment
    }

    /// The model of response.
    pub fn response(&self) -> &ResponseModel {
        &self.response
    }

    /// What is read of toxicity from a profile.
    pub fn toxicity(&self) -> &ToxicityModel {
        &self.toxicity
    }

    /// The joint posterior that intercepts, slope, donors and toxicity are drawn from.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Predicts every donor for every recipient; recipients vary slowest. Both tables must be
    /// harmonized to [`Matcher::vocabulary`]; `contexts` holds one entry a recipient.
    ///
    /// The samples of a donor are closed and averaged, each counting the same, and the draws of
    /// abundance after its transplant spread less than those of a donor of one sample.
    ///
    /// A pair takes about 44 bytes a draw; where memory does not hold those of all pairs, see
    /// [`Matcher::predict_by_recipient`].
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where a table is not harmonized or shares no taxon with the models;
    /// [`Error::Table`] where lengths disagree; [`Error::Parameter`] for a setting out of range.
    pub fn predict(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        contexts: &[TreatmentContext],
        params: &PredictParams,
    ) -> Result<Vec<PairPrediction>> {
        let mut all = Vec::with_capacity(donors.n_donors() * recipients.n_samples());
        let keep = |pairs| {
            all.extend(pairs);
            Ok(())
        };
        self.predict_by_recipient(donors, recipients, contexts, params, keep)?;
        Ok(all)
    }

    /// The same, some recipients at a time: `visit` is given all pairs of one or more recipients,
    /// until it has seen every recipient, in order.
    ///
    /// # Errors
    /// As [`Matcher::predict`], and those of `visit`, which end it.
    pub fn predict_by_recipient(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        contexts: &[TreatmentContext],
        params: &PredictParams,
        mut visit: impl FnMut(Vec<PairPrediction>) -> Result<()>,
    ) -> Result<()> {
        params.check()?;
        self.check_tables(donors.profiles(), recipients, contexts)?;
        let (profiles, recipients) = align_to_fractions(donors.profiles(), recipients)?;
        let donors = donors.with_profiles(profiles)?;
        let cells = contexts.iter().copied().collect();
        let scene = Scene::new(self, &donors, recipients, &cells, params)?;
        let donor_sides: Vec<DonorSide> = (0..scene.donors.n_samples())
            .into_par_iter()
            .map(|row| cancel::check().map(|()| scene.donor_side(row)))
            .collect::<Result<_>>()?;
        let n_donors = donor_sides.len();
        let recipient_sides: Vec<RecipientSide> = contexts
            .par_iter()
            .enumerate()
            .map(|(row, &context)| scene.recipient_side(row, context))
            .collect::<Result<_>>()?;
        for recipients in recipient_sides.chunks(LEAST_PAIRS.div_ceil(n_donors.max(1))) {
            let tiles: Vec<(&RecipientSide, &[DonorSide])> = recipients
                .iter()
                .flat_map(|side| {
                    donor_sides
                        .chunks(TILE_PAIRS)
                        .map(move |donors| (side, donors))
                })
                .collect();
            let pairs = tiles.into_par_iter().map_init(
                || scene.room(),
                |room, (recipient, donors)| scene.pairs(room, donors, recipient),
            );
            let pairs = pairs.collect::<Result<Vec<_>>>()?;
            visit(pairs.into_iter().flatten().collect())?;
        }
        Ok(())
    }

    /// Predicts the response of patients from their own profiles, without a transplant. The table
    /// must be harmonized to [`Matcher::vocabulary`]; `contexts` holds one entry a sample.
    ///
    /// # Errors
    /// As [`Matcher::predict`].
    pub fn predict_baseline(
        &self,
        profiles: &ProfileTable,
        contexts: &[TreatmentContext],
        params: &PredictParams,
    ) -> Result<Vec<BaselinePrediction>> {
        params.check()?;
        self.check_tables(profiles, profiles, contexts)?;
        let profiles = profiles.closure();
        let scores = self
            .response
            .scores(self.response.schema().features(&profiles)?.view())?;
        let cells = contexts.iter().copied().collect();
        let scene = Scene::new(self, &profiles.clone().into(), profiles, &cells, params)?;
        let rows = contexts.par_iter().zip(scores).enumerate();
        rows.map(|(row, (&context, score))| {
            let side = scene.recipient_side(row, context)?;
            let (mean, _, lo, hi) = summary(&side.p_response_baseline, 0.9);
            Ok(BaselinePrediction {
                sample_id: scene.recipients.samples()[row].clone(),
                p_response_baseline: mean,
                p_response_baseline_lo: lo,
                p_response_baseline_hi: hi,
                score,
                in_domain: side.objection.is_none(),
                domain_reason: side.objection,
            })
        })
        .collect()
    }

    /// What a transplant from one donor to one recipient is expected to leave, taxon by taxon, and
    /// the table whose columns it speaks of. The samples of the donor are averaged by their
    /// weights; placebo and autologous stool leave the recipient as it is.
    ///
    /// # Errors
    /// [`Error::Table`] where there is not one donor, and as [`Matcher::predict`].
    pub fn predict_transplant(
        &self,
        donor: &Donors,
        recipient: &ProfileTable,
        params: &PredictParams,
    ) -> Result<(TransplantPrediction, ProfileTable)> {
        params.check()?;
        self.check_vocabulary("donors", donor.profiles())?;
        self.check_vocabulary("recipients", recipient)?;
        let ([donor_type], [n_donor_samples]) = (donor.donor_types(), &donor.n_samples()[..])
        else {
            return Err(Error::table(format!(
                "expected one donor, found {}",
                donor.n_donors()
            )));
        };
        let (profiles, recipient) = align_to_fractions(donor.profiles(), recipient)?;
        let mean = donor.with_profiles(profiles)?.mean_profiles()?;
        let pair = PairProfile {
            n_donor_samples: *n_donor_samples,
            ..PairProfile::new(mean.abundance(), &[0], recipient.abundance(), 0)?
        };
        if !donor_type.is_none_or(is_transplant) {
            let pair = pair.above(self.engraftment.detection_limit());
            return Ok((TransplantPrediction::unchanged(pair), mean));
        }
        let predictor = self.engraftment.predictor(mean.taxa());
        Ok((predictor.predict(&pair, params.transplant())?, mean))
    }

    pub(super) fn check_vocabulary(&self, what: &str, table: &ProfileTable) -> Result<()> {
        if table.vocabulary() == self.vocabulary() {
            return Ok(());
        }
        Err(Error::vocabulary(format!(
            "the {what} are named in `{}`, the models in `{}`; harmonize them first",
            table.vocabulary(),
            self.vocabulary()
        )))
    }

    fn check_tables(
        &self,
        donors: &ProfileTable,
        recipients: &ProfileTable,
        contexts: &[TreatmentContext],
    ) -> Result<()> {
        self.check_vocabulary("donors", donors)?;
        self.check_vocabulary("recipients", recipients)?;
        if contexts.len() != recipients.n_samples() {
            return Err(Error::table(format!(
                "{} treatment contexts for {} recipients",
                contexts.len(),
                recipients.n_samples()
            )));
        }
        Ok(())
    }
}
