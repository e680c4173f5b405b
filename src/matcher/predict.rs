//! What the models and the evidence of a [`Matcher`] say together of donors and recipients.

use rayon::prelude::*;

use super::matcher::{Matcher, PredictParams};
use super::prediction::{BaselinePrediction, PairPrediction};
use super::scene::{DonorSide, RecipientSide, Scene};
use crate::cancel;
use crate::cohort::{Donors, TreatmentContext};
use crate::engraftment::{PairProfile, TransplantPrediction, align_to_fractions};
use crate::evidence::{is_transplant, summary};
use crate::memory;
use crate::profile::ProfileTable;
use crate::{Error, Result};

/// Pairs predicted at a time at least, so that threads have enough to share.
const LEAST_PAIRS: usize = 512;

/// What a pair keeps of a draw: three probabilities, three counts, and the baseline's share.
const BYTES_A_DRAW: u128 = 44;

/// Donors of one recipient that are worked out together: with ten draws a member of the response
/// model, its trees see nearly a whole block of rows.
const TILE_PAIRS: usize = 6;

impl Matcher {
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
    /// [`Error::Memory`] where they cannot fit;
    /// [`Error::Vocabulary`] where a table is not harmonized or shares no taxon with the models;
    /// [`Error::Table`] where lengths disagree; [`Error::Parameter`] for a setting out of range.
    pub fn predict(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        contexts: &[TreatmentContext],
        params: &PredictParams,
    ) -> Result<Vec<PairPrediction>> {
        let n_pairs = donors.n_donors() as u128 * recipients.n_samples() as u128;
        let each = BYTES_A_DRAW * u128::from(params.n_draws);
        memory::check("the draws of all pairs", n_pairs, each)?;
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
