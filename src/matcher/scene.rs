//! One call of the matcher: what its donors, recipients and draws share, and each pair in it.

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::baseline::{LogOdds, response_baseline, severe_irae_is_borrowed};
use super::matcher::{Matcher, PredictParams};
use super::prediction::PairPrediction;
use super::toxicity::{ToxicityDraws, ToxicityPair, burden};
use crate::cancel;
use crate::cohort::TreatmentContext;
use crate::engraftment::{
    EngraftmentPredictor, PairProfile, RealizedProfile, TransplantOutcomes, TransplantPrediction,
};
use crate::feature::{COMMUNITY_FEATURES, FillScratch, ProfileFeatures, UsedColumns};
use crate::model::{ColumnBlock, probability_of_score};
use crate::numeric::random::{address, derive, normal, uniform};
use crate::profile::ProfileTable;
use crate::taxonomy::signature;
use crate::{Error, Result};

/// What all pairs of a call share, worked out once.
pub(super) struct Scene<'a> {
    matcher: &'a Matcher,
    params: &'a PredictParams,
    pub(super) donors: ProfileTable,
    pub(super) recipients: ProfileTable,
    features: ProfileFeatures<'a>,
    predictor: EngraftmentPredictor<'a>,
    /// draws × taxa: the random numbers of a taxon are the same for every pair.
    uniforms: Array2<f64>,
    /// What a draw multiplies the median abundance of a taxon by.
    factors: Array2<f64>,
    /// One a draw, not below 0.
    slopes: Vec<f64>,
    /// Which columns each response member reads.
    used_columns: Vec<UsedColumns>,
    toxicity: ToxicityDraws,
    depletion_targets: Vec<bool>,
}

/// A donor, worked out once for all recipients.
pub(super) struct DonorSide {
    row: usize,
    burden: f64,
    objection: Option<String>,
}

/// A recipient, worked out once for all donors.
pub(super) struct RecipientSide {
    row: usize,
    context: TreatmentContext,
    pub(super) objection: Option<String>,
    is_borrowed: bool,
    /// Log-odds of response with a transplant of an average profile, one a draw.
    with_transplant: Vec<f64>,
    pub(super) p_response_baseline: f64,
}

/// What a thread works in, tile after tile.
pub(super) struct Room {
    block: ColumnBlock,
    profile: RealizedProfile,
    scratch: FillScratch,
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
    pub(super) fn new(
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
        let numbers = |purpose: Purpose, draw: &(dyn Fn(u64) -> f64 + Sync)| {
            let seed = derive(params.seed, purpose as u64);
            let mut numbers = Array2::zeros((params.n_draws as usize, taxa.len()));
            let rows = numbers.as_slice_mut().unwrap_or_default();
            let rows = rows.par_chunks_mut(taxa.len().max(1)).enumerate();
            rows.try_for_each(|(row, numbers)| {
                let seed = derive(seed, row as u64);
                for (number, &taxon) in numbers.iter_mut().zip(&taxa) {
                    *number = draw(derive(seed, taxon));
                }
                cancel::check()
            })?;
            Ok::<_, Error>(numbers)
        };
        let mut depletion_targets = vec![false; donors.n_taxa()];
        for column in signature("luminate_depletion")?
            .membership(&donors)
            .all_columns()
        {
            depletion_targets[column as usize] = true;
        }
        let spread = matcher.engraftment.abundance_sd();
        let factor = |z: f64| libm::pow(10.0, spread * z);
        let response = &matcher.response;
        let n_draws = params.n_draws as usize;
        let slope_of = |draw| {
            let z = standard_normal(params.seed, Purpose::Slope, draw);
            (response.slope + response.slope_sd * z).max(0.0)
        };
        let toxicity_seed = derive(params.seed, Purpose::Toxicity as u64);
        Ok(Self {
            uniforms: numbers(Purpose::Presence, &uniform)?,
            factors: numbers(Purpose::Abundance, &|seed| factor(normal(seed)))?,
            slopes: (0..n_draws).map(slope_of).collect(),
            used_columns: response
                .members
                .iter()
                .map(|member| features.used_columns(&member.uses(response.engine)))
                .collect(),
            toxicity: matcher.toxicity.draws(n_draws, toxicity_seed),
            matcher,
            params,
            features,
            predictor,
            depletion_targets,
            donors,
            recipients,
        })
    }

    /// Room for one thread.
    pub(super) fn room(&self) -> Room {
        Room {
            block: ColumnBlock::new(self.matcher.response.schema.n_features()),
            profile: RealizedProfile::default(),
            scratch: FillScratch::default(),
        }
    }

    fn n_draws(&self) -> usize {
        self.params.n_draws as usize
    }

    /// A standard normal number of a draw, the same for all pairs.
    fn z(&self, purpose: Purpose, draw: usize) -> f64 {
        standard_normal(self.params.seed, purpose, draw)
    }

    /// The response member that a draw uses: draws are dealt to members in equal runs.
    fn member_of(&self, draw: usize) -> usize {
        draw * self.matcher.response.n_members() / self.n_draws()
    }

    fn slope(&self, draw: usize) -> f64 {
        self.slopes[draw]
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

    pub(super) fn donor_side(&self, row: usize) -> DonorSide {
        let (features, objection) = self.side_features(&self.donors, row);
        DonorSide {
            row,
            burden: burden(&features),
            objection,
        }
    }

    pub(super) fn recipient_side(
        &self,
        row: usize,
        context: TreatmentContext,
    ) -> Result<RecipientSide> {
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

    /// Some donors of one recipient, at most `TILE_PAIRS`, worked out together so that every
    /// member sees enough rows.
    pub(super) fn pairs(
        &self,
        room: &mut Room,
        donors: &[DonorSide],
        recipient: &RecipientSide,
    ) -> Result<Vec<PairPrediction>> {
        let transplants = donors
            .iter()
            .map(|donor| self.transplant(donor, recipient))
            .collect::<Result<Vec<_>>>()?;
        let (p_response, community) = self.response_draws(room, &transplants, recipient)?;
        let sides = donors.iter().zip(transplants).zip(p_response);
        sides
            .enumerate()
            .map(|(at, ((donor, transplant), p_response))| {
                let after = community.slice(s![at..;donors.len(), ..]);
                self.pair(donor, recipient, &transplant, p_response, after)
            })
            .collect()
    }

    fn transplant(
        &self,
        donor: &DonorSide,
        recipient: &RecipientSide,
    ) -> Result<TransplantPrediction> {
        let (donors, recipients) = (self.donors.abundance(), self.recipients.abundance());
        let pair = PairProfile::new(donors, &[donor.row], recipients, recipient.row)?;
        self.predictor.predict(&pair, self.params.transplant())
    }

    fn pair(
        &self,
        donor: &DonorSide,
        recipient: &RecipientSide,
        transplant: &TransplantPrediction,
        p_response: Vec<f64>,
        after: ArrayView2<'_, f64>,
    ) -> Result<PairPrediction> {
        let toxicity = self.matcher.toxicity.pair(ToxicityPair {
            context: recipient.context,
            donor_burden: donor.burden,
            after,
            draws: &self.toxicity,
        })?;
        let (n_gained, n_kept, n_lost) = transplant.expected_counts();
        let domain_reason = objection(donor, recipient);
        let mut flags = toxicity.flags;
        if recipient.is_borrowed {
            flags.push("response_baseline_borrowed_from_other_cancers".to_owned());
        }
        if severe_irae_is_borrowed(recipient.context) {
            flags.push("severe_irae_baseline_borrowed_from_other_cancers".to_owned());
        }
        Ok(PairPrediction {
            donor_id: self.donors.samples()[donor.row].as_str().into(),
            recipient_id: self.recipients.samples()[recipient.row].clone(),
            p_response,
            p_response_baseline: recipient.p_response_baseline,
            p_severe_irae: toxicity.p_severe_irae,
            p_myocarditis: toxicity.p_myocarditis,
            p_severe_irae_exploratory: toxicity.p_severe_irae_exploratory,
            n_gained,
            n_kept,
            n_lost,
            deleterious_lost: self.deleterious_lost(transplant),
            flags,
            in_domain: domain_reason.is_none(),
            domain_reason,
            eligible: true,
        })
    }

    /// Probabilities of response, one a draw, of each pair, each from one realized transplant a
    /// draw; and what these communities are, draws × pairs (the pairs of a draw side by side) by
    /// summaries.
    fn response_draws(
        &self,
        room: &mut Room,
        transplants: &[TransplantPrediction],
        recipient: &RecipientSide,
    ) -> Result<(Vec<Vec<f64>>, Array2<f64>)> {
        let response = &self.matcher.response;
        let n_pairs = transplants.len();
        let outcomes: Vec<TransplantOutcomes<'_>> = transplants
            .iter()
            .map(TransplantPrediction::outcomes)
            .collect();
        let mut probabilities = vec![Vec::with_capacity(self.n_draws()); n_pairs];
        let mut community = Array2::zeros((self.n_draws() * n_pairs, COMMUNITY_FEATURES.len()));
        let draws_at_once = (ColumnBlock::ROWS / n_pairs.max(1)).max(1);
        let mut start = 0;
        while start < self.n_draws() {
            cancel::check()?;
            let number = self.member_of(start);
            let most = self.n_draws().min(start + draws_at_once);
            let end = (start..most)
                .find(|&draw| self.member_of(draw) != number)
                .unwrap_or(most);
            room.block.clear((end - start) * n_pairs);
            for draw in start..end {
                for (at, outcomes) in outcomes.iter().enumerate() {
                    let mut summaries = community.row_mut(draw * n_pairs + at);
                    let row = (draw - start) * n_pairs + at;
                    self.realize(room, outcomes, draw, row, summaries.as_slice_mut());
                }
            }
            let scores = response.members[number].block_scores(response.engine, &room.block)?;
            for (draw, scores) in (start..end).zip(scores.chunks(n_pairs)) {
                for (probabilities, score) in probabilities.iter_mut().zip(scores) {
                    let log_odds = recipient.with_transplant[draw] + self.slope(draw) * score;
                    probabilities.push(probability_of_score(log_odds));
                }
            }
            start = end;
        }
        Ok((probabilities, community))
    }

    /// Realizes a transplant and writes its features into a row of the block, and those of the
    /// whole community into `summaries`.
    fn realize(
        &self,
        room: &mut Room,
        outcomes: &TransplantOutcomes<'_>,
        draw: usize,
        row: usize,
        summaries: Option<&mut [f64]>,
    ) {
        let numbers = (self.uniforms.row(draw), self.factors.row(draw));
        let (Some(uniforms), Some(factors), Some(summaries)) =
            (numbers.0.to_slice(), numbers.1.to_slice(), summaries)
        else {
            return;
        };
        outcomes.realize(draw, uniforms, factors, &mut room.profile);
        let RealizedProfile { taxa, fractions } = &room.profile;
        let used_columns = &self.used_columns[self.member_of(draw)];
        let (block, scratch) = (&mut room.block, &mut room.scratch);
        self.features
            .fill_present(taxa, fractions, used_columns, scratch, |column, value| {
                block.set(row, column, value);
                if let Some(place) = summaries.get_mut(column) {
                    *place = value;
                }
            });
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

fn standard_normal(seed: u64, purpose: Purpose, draw: usize) -> f64 {
    normal(derive(derive(seed, purpose as u64), draw as u64))
}

fn objection(donor: &DonorSide, recipient: &RecipientSide) -> Option<String> {
    match (&donor.objection, &recipient.objection) {
        (None, None) => None,
        (Some(reason), None) => Some(format!("donor: {reason}")),
        (None, Some(reason)) => Some(format!("recipient: {reason}")),
        (Some(donor), Some(recipient)) => Some(format!("donor: {donor}; recipient: {recipient}")),
    }
}
