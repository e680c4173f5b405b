//! The matcher: three fitted models, and what they say together of donors and recipients.

use ndarray::{Array2, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::baseline::{LogOdds, response_baseline};
use super::prediction::{BaselinePrediction, PairPrediction};
use super::response::ResponseModel;
use super::toxicity::{ToxicityModel, ToxicityPair};
use crate::cohort::TreatmentContext;
use crate::engraftment::{
    EngraftmentModel, EngraftmentPredictor, PairProfile, TransplantContext, TransplantPrediction,
    align_to_fractions,
};
use crate::feature::ProfileFeatures;
use crate::model::probability_of_score;
use crate::profile::{ProfileTable, Vocabulary};
use crate::random::{address, derive, normal, uniform};
use crate::taxonomy::signature;
use crate::{Error, Result};

/// Predicts the transplant, the response and the toxicity of any donor and recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matcher {
    pub(crate) engraftment: EngraftmentModel,
    pub(crate) response: ResponseModel,
    pub(crate) toxicity: ToxicityModel,
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
    /// A trial whose own outcome must not be in the intercepts, because it is judged.
    pub leave_out: Option<String>,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for PredictParams {
    fn default() -> Self {
        Self {
            n_draws: 200,
            day: TransplantContext::DEFAULT_DAY,
            antibiotics: None,
            leave_out: None,
            seed: 0,
        }
    }
}

impl PredictParams {
    fn check(&self) -> Result<()> {
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

    fn transplant(&self) -> TransplantContext {
        TransplantContext {
            day: self.day,
            antibiotics: self.antibiotics,
        }
    }
}

impl Matcher {
    /// A matcher of three fitted models.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where engraftment and response speak of different vocabularies.
    pub fn new(
        engraftment: EngraftmentModel,
        response: ResponseModel,
        toxicity: ToxicityModel,
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

    /// The model of toxicity.
    pub fn toxicity(&self) -> &ToxicityModel {
        &self.toxicity
    }

    /// Predicts every donor for every recipient; recipients vary slowest. Both tables must be
    /// harmonized to [`Matcher::vocabulary`]; `contexts` holds one entry a recipient.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where a table is not harmonized or shares no taxon with the models;
    /// [`Error::Table`] where lengths disagree; [`Error::Parameter`] for a setting out of range.
    pub fn predict(
        &self,
        donors: &ProfileTable,
        recipients: &ProfileTable,
        contexts: &[TreatmentContext],
        params: &PredictParams,
    ) -> Result<Vec<PairPrediction>> {
        params.check()?;
        self.check_tables(donors, recipients, contexts)?;
        let (donors, recipients) = align_to_fractions(donors, recipients)?;
        let scene = Scene::new(self, donors, recipients, params)?;
        let donor_sides: Vec<DonorSide> = (0..scene.donors.n_samples())
            .into_par_iter()
            .map(|row| scene.donor_side(row))
            .collect();
        let n_donors = donor_sides.len();
        let recipient_sides: Vec<RecipientSide> = contexts
            .par_iter()
            .enumerate()
            .map(|(row, &context)| scene.recipient_side(row, context))
            .collect::<Result<_>>()?;
        (0..n_donors * recipient_sides.len())
            .into_par_iter()
            .map(|pair| {
                let (recipient, donor) = (pair / n_donors, pair % n_donors);
                scene.pair(&donor_sides[donor], &recipient_sides[recipient])
            })
            .collect()
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
        let scene = Scene::new(self, profiles.clone(), profiles, params)?;
        let rows = contexts.par_iter().zip(scores).enumerate();
        rows.map(|(row, (&context, score))| {
            let side = scene.recipient_side(row, context)?;
            Ok(BaselinePrediction {
                sample_id: scene.recipients.samples()[row].clone(),
                p_response_baseline: side.p_response_baseline,
                score,
                in_domain: side.objection.is_none(),
                domain_reason: side.objection,
            })
        })
        .collect()
    }

    /// What a transplant from one donor to one recipient is expected to leave, taxon by taxon.
    ///
    /// # Errors
    /// As [`Matcher::predict`].
    pub fn predict_transplant(
        &self,
        donor: &ProfileTable,
        recipient: &ProfileTable,
        params: &PredictParams,
    ) -> Result<(TransplantPrediction, ProfileTable)> {
        params.check()?;
        let (donor, recipient) = align_to_fractions(donor, recipient)?;
        let donor_rows: Vec<usize> = (0..donor.n_samples()).collect();
        let pair = PairProfile::new(donor.abundance(), &donor_rows, recipient.abundance(), 0)?;
        let predictor = self.engraftment.predictor(donor.taxa());
        Ok((predictor.predict(&pair, params.transplant())?, donor))
    }

    fn check_tables(
        &self,
        donors: &ProfileTable,
        recipients: &ProfileTable,
        contexts: &[TreatmentContext],
    ) -> Result<()> {
        for (what, table) in [("donors", donors), ("recipients", recipients)] {
            if table.vocabulary() != self.vocabulary() {
                return Err(Error::vocabulary(format!(
                    "the {what} are named in `{}`, the models in `{}`; harmonize them first",
                    table.vocabulary(),
                    self.vocabulary()
                )));
            }
        }
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

/// What all pairs of a call share, worked out once.
struct Scene<'a> {
    matcher: &'a Matcher,
    params: &'a PredictParams,
    donors: ProfileTable,
    recipients: ProfileTable,
    features: ProfileFeatures<'a>,
    predictor: EngraftmentPredictor<'a>,
    /// draws × taxa: the random numbers of a taxon are the same for every pair.
    uniforms: Array2<f64>,
    normals: Array2<f64>,
    depletion_targets: Vec<bool>,
}

struct DonorSide {
    row: usize,
    features: Vec<f64>,
    objection: Option<String>,
}

struct RecipientSide {
    row: usize,
    context: TreatmentContext,
    objection: Option<String>,
    is_borrowed: bool,
    /// Log-odds of response with a transplant of an average profile, one a draw.
    with_transplant: Vec<f64>,
    p_response_baseline: f64,
}

/// What a random number is for; keeps their streams apart.
#[derive(Clone, Copy)]
enum Purpose {
    Presence = 1,
    Abundance,
    Intercept,
    Transplant,
    Slope,
    Toxicity,
}

impl<'a> Scene<'a> {
    fn new(
        matcher: &'a Matcher,
        donors: ProfileTable,
        recipients: ProfileTable,
        params: &'a PredictParams,
    ) -> Result<Self> {
        let features = matcher.response.schema.bind(&donors)?;
        let predictor = matcher.engraftment.predictor(donors.taxa());
        let taxa: Vec<u64> = donors
            .taxa()
            .iter()
            .map(|taxon| address(taxon.label()))
            .collect();
        let numbers = |purpose: Purpose, draw: fn(u64) -> f64| {
            let seed = derive(params.seed, purpose as u64);
            Array2::from_shape_fn((params.n_draws as usize, taxa.len()), |(row, taxon)| {
                draw(derive(derive(seed, row as u64), taxa[taxon]))
            })
        };
        let mut depletion_targets = vec![false; donors.n_taxa()];
        for column in signature("luminate_depletion")?
            .membership(&donors)
            .all_columns()
        {
            depletion_targets[column as usize] = true;
        }
        Ok(Self {
            uniforms: numbers(Purpose::Presence, uniform),
            normals: numbers(Purpose::Abundance, normal),
            matcher,
            params,
            features,
            predictor,
            depletion_targets,
            donors,
            recipients,
        })
    }

    fn n_draws(&self) -> usize {
        self.params.n_draws as usize
    }

    /// A standard normal number of a draw, the same for all pairs.
    fn z(&self, purpose: Purpose, draw: usize) -> f64 {
        normal(derive(
            derive(self.params.seed, purpose as u64),
            draw as u64,
        ))
    }

    /// The response member that a draw uses: draws are dealt to members in equal runs.
    fn member_of(&self, draw: usize) -> usize {
        draw * self.matcher.response.n_members() / self.n_draws()
    }

    fn slope(&self, draw: usize) -> f64 {
        let response = &self.matcher.response;
        (response.slope + response.slope_sd * self.z(Purpose::Slope, draw)).max(0.0)
    }

    fn side_features(&self, table: &ProfileTable, row: usize) -> (Vec<f64>, Option<String>) {
        let (taxa, fractions) = table.abundance().row(row);
        let profile = || taxa.iter().copied().zip(fractions.iter().copied());
        let mut features = vec![0.0; self.matcher.response.schema.n_features()];
        self.features.fill(profile(), &mut features);
        let covered = self.features.covered(profile());
        let objection = self
            .matcher
            .response
            .domain
            .objection(ndarray::ArrayView1::from(&features[..]), covered);
        (features, objection)
    }

    fn donor_side(&self, row: usize) -> DonorSide {
        let (features, objection) = self.side_features(&self.donors, row);
        DonorSide {
            row,
            features,
            objection,
        }
    }

    fn recipient_side(&self, row: usize, context: TreatmentContext) -> Result<RecipientSide> {
        let (features, objection) = self.side_features(&self.recipients, row);
        let view = ndarray::ArrayView2::from_shape((1, features.len()), &features)
            .map_err(|_| Error::table("the features do not fill their row"))?;
        let scores = self.matcher.response.member_scores(view)?;
        let baseline = response_baseline(context, self.params.leave_out.as_deref());
        let at = |odds: LogOdds, z: f64| odds.mean + odds.sd * z;
        let draws = 0..self.n_draws();
        let alone = draws.clone().map(|draw| {
            let score = scores[[self.member_of(draw), 0]];
            let intercept = at(baseline.alone, self.z(Purpose::Intercept, draw));
            probability_of_score(intercept + self.slope(draw) * score)
        });
        let p_response_baseline = alone.sum::<f64>() / self.n_draws() as f64;
        let z = |draw| self.transplant_z(baseline.alone, baseline.with_transplant, draw);
        Ok(RecipientSide {
            row,
            context,
            objection,
            is_borrowed: baseline.is_borrowed,
            with_transplant: draws
                .map(|draw| at(baseline.with_transplant, z(draw)))
                .collect(),
            p_response_baseline,
        })
    }

    /// The standard normal number of the intercept with a transplant, correlated with that of the
    /// intercept alone as their shared part says.
    fn transplant_z(&self, alone: LogOdds, with: LogOdds, draw: usize) -> f64 {
        let shared = (alone.sd / with.sd).min(1.0);
        let own = (1.0 - shared * shared).sqrt();
        shared * self.z(Purpose::Intercept, draw) + own * self.z(Purpose::Transplant, draw)
    }

    fn pair(&self, donor: &DonorSide, recipient: &RecipientSide) -> Result<PairPrediction> {
        let (donors, recipients) = (self.donors.abundance(), self.recipients.abundance());
        let pair = PairProfile::new(donors, &[donor.row], recipients, recipient.row)?;
        let transplant = self.predictor.predict(&pair, self.params.transplant())?;
        let features = self.realized_features(&transplant);
        let p_response = self.response_draws(&features, recipient)?;
        let toxicity = self.matcher.toxicity.pair(ToxicityPair {
            context: recipient.context,
            donor: &donor.features,
            after: features.view(),
            n_draws: self.n_draws(),
            seed: derive(self.params.seed, Purpose::Toxicity as u64),
        })?;
        let (n_gained, n_kept, n_lost) = transplant.expected_counts();
        let domain_reason = objection(donor, recipient);
        let mut flags = toxicity.flags;
        if recipient.is_borrowed {
            flags.push("response_baseline_borrowed_from_other_cancers".to_owned());
        }
        Ok(PairPrediction {
            donor_id: self.donors.samples()[donor.row].clone(),
            recipient_id: self.recipients.samples()[recipient.row].clone(),
            p_response,
            p_response_baseline: recipient.p_response_baseline,
            p_severe_irae: toxicity.p_severe_irae,
            p_myocarditis: toxicity.p_myocarditis,
            p_severe_irae_exploratory: toxicity.p_severe_irae_exploratory,
            n_gained,
            n_kept,
            n_lost,
            deleterious_lost: self.deleterious_lost(&transplant),
            flags,
            in_domain: domain_reason.is_none(),
            domain_reason,
            eligible: true,
        })
    }

    /// One realized transplant a draw, as features; draws × columns.
    fn realized_features(&self, transplant: &TransplantPrediction) -> Array2<f64> {
        let n_features = self.matcher.response.schema.n_features();
        let mut features = Array2::zeros((self.n_draws(), n_features));
        let mut profile = Vec::with_capacity(transplant.pair.n_taxa());
        for (draw, mut row) in features.rows_mut().into_iter().enumerate() {
            let random = |taxon: u32| {
                let taxon = taxon as usize;
                (self.uniforms[[draw, taxon]], self.normals[[draw, taxon]])
            };
            transplant.realize(draw, random, &mut profile);
            if let Some(row) = row.as_slice_mut() {
                self.features.fill(profile.iter().copied(), row);
            }
        }
        features
    }

    fn response_draws(
        &self,
        features: &Array2<f64>,
        recipient: &RecipientSide,
    ) -> Result<Vec<f64>> {
        let response = &self.matcher.response;
        let mut probabilities = Vec::with_capacity(self.n_draws());
        for (number, member) in response.members.iter().enumerate() {
            let start = probabilities.len();
            let end = (start..self.n_draws())
                .find(|&draw| self.member_of(draw) != number)
                .unwrap_or(self.n_draws());
            let scores = member.scores(response.engine, features.slice(s![start..end, ..]))?;
            for (draw, score) in (start..end).zip(scores) {
                let log_odds = recipient.with_transplant[draw] + self.slope(draw) * score;
                probabilities.push(probability_of_score(log_odds));
            }
        }
        Ok(probabilities)
    }

    fn deleterious_lost(&self, transplant: &TransplantPrediction) -> f64 {
        let presence = transplant.mean_presence();
        let pair = &transplant.pair;
        (0..pair.n_taxa())
            .filter(|&at| pair.recipient[at] > 0.0)
            .filter(|&at| self.depletion_targets[pair.taxa[at] as usize])
            .map(|at| 1.0 - presence[at])
            .sum()
    }
}

fn objection(donor: &DonorSide, recipient: &RecipientSide) -> Option<String> {
    match (&donor.objection, &recipient.objection) {
        (None, None) => None,
        (Some(reason), None) => Some(format!("donor: {reason}")),
        (None, Some(reason)) => Some(format!("recipient: {reason}")),
        (Some(donor), Some(recipient)) => Some(format!("donor: {donor}; recipient: {recipient}")),
    }
}
