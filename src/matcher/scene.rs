//! One call of the matcher: what its donors, recipients and draws share, and each pair in it.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::matcher::{Matcher, PredictParams};
use super::prediction::{OwnRecord, PairPrediction};
use super::toxicity::burden;
use crate::cancel;
use crate::cohort::{Donors, TreatmentContext};
use crate::engraftment::{
    EngraftmentPredictor, PairProfile, RealizedProfile, TransplantOutcomes, TransplantPrediction,
};
use crate::evidence::{DrawNumbers, Endpoint, Given, Setting, TrialRecord, summary};
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
    /// One profile a donor.
    pub(super) donors: ProfileTable,
    n_samples: Vec<usize>,
    pub(super) recipients: ProfileTable,
    features: ProfileFeatures<'a>,
    predictor: EngraftmentPredictor<'a>,
    /// draws × taxa: the random numbers of a taxon are the same for every pair.
    uniforms: Array2<f64>,
    /// What a draw multiplies the median abundance of a taxon by.
    factors: BTreeMap<usize, Array2<f64>>,
    /// Change of the log-odds of response by a score of 1, one a draw.
    slopes: Vec<f64>,
    /// Which columns each response member reads.
    used_columns: Vec<UsedColumns>,
    /// What the evidence says of each cell that a recipient is in.
    cells: BTreeMap<TreatmentContext, CellDraws>,
    depletion_targets: Vec<bool>,
}

/// The draws of the log-odds in a cell, before donor and microbiome.
struct CellDraws {
    /// Response without a transplant.
    alone: Vec<f64>,
    /// Response with a transplant.
    response: Vec<f64>,
    /// A severe event with a transplant.
    severe_irae: Vec<f64>,
    /// Myocarditis with a transplant.
    myocarditis: Vec<f64>,
    /// What a richness of 1 in Prevotellaceae adds to a severe event.
    severe_by_richness: Vec<f64>,
    /// What it adds to myocarditis.
    myocarditis_by_richness: Vec<f64>,
    flags: Vec<&'static str>,
}

/// A donor, worked out once for all recipients.
pub(super) struct DonorSide {
    row: usize,
    n_samples: usize,
    burden: f64,
    pub(super) richness: f64,
    /// What the donor's own record, or that donors differ, adds to the log-odds of response.
    response_effect: Vec<f64>,
    /// The same for a severe event.
    severe_effect: Vec<f64>,
    record: OwnRecord,
    objection: Option<String>,
}

/// A recipient, worked out once for all donors.
pub(super) struct RecipientSide {
    row: usize,
    context: TreatmentContext,
    pub(super) objection: Option<String>,
    pub(super) p_response_baseline: f64,
}

/// A transplant to draw from, and what each draw multiplies the median abundance of a taxon by.
type Drawn<'t, 's> = (TransplantOutcomes<'t>, &'s Array2<f64>);

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
    Evidence,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        matcher: &'a Matcher,
        donors: &Donors,
        recipients: ProfileTable,
        contexts: &BTreeSet<TreatmentContext>,
        params: &'a PredictParams,
    ) -> Result<Self> {
        let n_samples = donors.n_samples();
        let donors = donors.mean_profiles()?;
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
        let factors = |&n_samples: &usize| {
            let spread = matcher.engraftment.abundance_sd(n_samples);
            let factor = |seed| libm::pow(10.0, spread * normal(seed));
            Ok((n_samples, numbers(Purpose::Abundance, &factor)?))
        };
        let distinct: BTreeSet<&usize> = n_samples.iter().collect();
        let response = &matcher.response;
        let evidence = &matcher.evidence;
        let numbers_of_evidence = evidence_numbers(params);
        let trial = &evidence.record().trial;
        let slopes = evidence.slope(trial, numbers_of_evidence);
        let cells = contexts.iter().map(|&context| {
            let draws = CellDraws::new(matcher, context, numbers_of_evidence);
            (context, draws)
        });
        Ok(Self {
            uniforms: numbers(Purpose::Presence, &uniform)?,
            factors: distinct.into_iter().map(factors).collect::<Result<_>>()?,
            slopes: slopes
                .into_iter()
                .map(|slope| slope / response.score_sd)
                .collect(),
            cells: cells.collect(),
            used_columns: response
                .members
                .iter()
                .map(|member| features.used_columns(&member.uses(response.engine)))
                .collect(),
            matcher,
            params,
            features,
            predictor,
            depletion_targets,
            donors,
            n_samples,
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
        let evidence = &self.matcher.evidence;
        let (trial, donor) = (
            &evidence.record().trial,
            self.donors.samples()[row].as_str(),
        );
        let effect =
            |endpoint| evidence.donor_effect(endpoint, trial, donor, evidence_numbers(self.params));
        let response_effect = effect(Endpoint::Response);
        DonorSide {
            row,
            n_samples: self.n_samples[row],
            burden: burden(&features),
            richness: self
                .matcher
                .toxicity
                .richness(&self.matcher.response.schema, &features),
            record: own_record(evidence.record(), donor, &response_effect),
            response_effect,
            severe_effect: effect(Endpoint::SevereIrae),
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
        let cell = self.cell(context)?;
        let alone = (0..self.n_draws()).map(|draw| {
            let score = scores[[self.member_of(draw), 0]];
            probability_of_score(cell.alone[draw] + self.slope(draw) * score)
        });
        Ok(RecipientSide {
            row,
            context,
            objection,
            p_response_baseline: alone.sum::<f64>() / self.n_draws() as f64,
        })
    }

    fn cell(&self, context: TreatmentContext) -> Result<&CellDraws> {
        self.cells
            .get(&context)
            .ok_or_else(|| Error::table(format!("no evidence was drawn for `{context}`")))
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
        let cell = self.cell(recipient.context)?;
        let (scores, community) = self.score_draws(room, &transplants)?;
        let sides = donors.iter().zip(transplants).zip(scores);
        sides
            .enumerate()
            .map(|(at, ((donor, transplant), scores))| {
                let after = community.slice(s![at..;donors.len(), ..]);
                self.pair(donor, (recipient, cell), &transplant, &scores, after)
            })
            .collect()
    }

    /// The mean standardized score of the community after a transplant, over the draws.
    pub(super) fn mean_score(
        &self,
        room: &mut Room,
        donor: &DonorSide,
        recipient: &RecipientSide,
    ) -> Result<f64> {
        let transplants = [self.transplant(donor, recipient)?];
        let (scores, _) = self.score_draws(room, &transplants)?;
        let mean = scores[0].iter().sum::<f64>() / self.n_draws() as f64;
        Ok(mean / self.matcher.response.score_sd)
    }

    fn transplant(
        &self,
        donor: &DonorSide,
        recipient: &RecipientSide,
    ) -> Result<TransplantPrediction> {
        let (donors, recipients) = (self.donors.abundance(), self.recipients.abundance());
        let pair = PairProfile {
            n_donor_samples: donor.n_samples,
            ..PairProfile::new(donors, &[donor.row], recipients, recipient.row)?
        };
        self.predictor.predict(&pair, self.params.transplant())
    }

    fn pair(
        &self,
        donor: &DonorSide,
        (recipient, cell): (&RecipientSide, &CellDraws),
        transplant: &TransplantPrediction,
        scores: &[f64],
        after: ArrayView2<'_, f64>,
    ) -> Result<PairPrediction> {
        let (n_gained, n_kept, n_lost) = transplant.expected_counts();
        let domain_reason = objection(donor, recipient);
        let toxicity = &self.matcher.toxicity;
        let rich = toxicity.flag(recipient.context.regimen, donor.burden);
        let flags = rich.iter().chain(&cell.flags);
        let draws = 0..self.n_draws();
        let p_response = draws.clone().map(|draw| {
            let shared = cell.response[draw] + donor.response_effect[draw];
            probability_of_score(shared + self.slope(draw) * scores[draw])
        });
        let p_severe_irae = draws.clone().map(|draw| {
            let shared = cell.severe_irae[draw] + donor.severe_effect[draw];
            probability_of_score(shared + cell.severe_by_richness[draw] * donor.richness)
        });
        let p_myocarditis = draws.map(|draw| {
            let by_richness = cell.myocarditis_by_richness[draw] * donor.richness;
            probability_of_score(cell.myocarditis[draw] + by_richness)
        });
        Ok(PairPrediction {
            donor_id: self.donors.samples()[donor.row].as_str().into(),
            recipient_id: self.recipients.samples()[recipient.row].clone(),
            p_response: p_response.collect(),
            p_response_baseline: recipient.p_response_baseline,
            p_severe_irae: p_severe_irae.collect(),
            p_myocarditis: p_myocarditis.collect(),
            p_severe_irae_exploratory: toxicity.exploratory_probability(after)?,
            n_gained,
            n_kept,
            n_lost,
            deleterious_lost: self.deleterious_lost(transplant),
            flags: flags.map(|&flag| flag.to_owned()).collect(),
            in_domain: domain_reason.is_none(),
            domain_reason,
            record: donor.record,
            eligible: true,
        })
    }

    /// Scores of each pair, one a draw, each of one realized transplant a draw; and what these
    /// communities are, draws × pairs (the pairs of a draw side by side) by summaries.
    fn score_draws(
        &self,
        room: &mut Room,
        transplants: &[TransplantPrediction],
    ) -> Result<(Vec<Vec<f64>>, Array2<f64>)> {
        let response = &self.matcher.response;
        let n_pairs = transplants.len();
        let outcomes = transplants
            .iter()
            .map(|transplant| self.drawn(transplant))
            .collect::<Result<Vec<_>>>()?;
        let mut by_pair = vec![Vec::with_capacity(self.n_draws()); n_pairs];
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
            for scores in scores.chunks(n_pairs) {
                for (of_pair, &score) in by_pair.iter_mut().zip(scores) {
                    of_pair.push(score);
                }
            }
            start = end;
        }
        Ok((by_pair, community))
    }

    /// A transplant and what the draws multiply its abundances by.
    fn drawn<'t>(&self, transplant: &'t TransplantPrediction) -> Result<Drawn<'t, '_>> {
        let n_samples = transplant.pair.n_donor_samples;
        let factors = self
            .factors
            .get(&n_samples)
            .ok_or_else(|| Error::table(format!("no draws for donors of {n_samples} samples")))?;
        Ok((transplant.outcomes(), factors))
    }

    /// Realizes a transplant and writes its features into a row of the block, and those of the
    /// whole community into `summaries`.
    fn realize(
        &self,
        room: &mut Room,
        (outcomes, factors): &Drawn<'_, '_>,
        draw: usize,
        row: usize,
        summaries: Option<&mut [f64]>,
    ) {
        let numbers = (self.uniforms.row(draw), factors.row(draw));
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
            // Not `sum`, which gives -0 of nothing.
            .fold(0.0, |sum, lost| sum + lost)
    }
}

fn evidence_numbers(params: &PredictParams) -> DrawNumbers {
    DrawNumbers {
        n: params.n_draws as usize,
        seed: derive(params.seed, Purpose::Evidence as u64),
    }
}

fn own_record(record: &TrialRecord, donor: &str, effects: &[f64]) -> OwnRecord {
    let (effect, _, effect_lo, effect_hi) = summary(effects, 0.9);
    let counts = record.donors.iter().find(|one| one.donor_id == donor);
    OwnRecord {
        n_transplants: counts.map_or(0, |one| one.n_transplants),
        n_responders: counts.map_or(0, |one| one.n_responders),
        effect,
        effect_lo,
        effect_hi,
    }
}

impl CellDraws {
    fn new(matcher: &Matcher, context: TreatmentContext, numbers: DrawNumbers) -> Self {
        let evidence = &matcher.evidence;
        let with = Setting {
            cancer: context.cancer,
            regimen: context.regimen,
            line: Some(context.line),
            partner: context.partner,
            trial: &evidence.record().trial,
            transplant: Some(Given {
                donor_type: None,
                donor: None,
                is_uncontrolled: false,
                score: 0.0,
                richness: 0.0,
            }),
            any_ae: false,
        };
        let log_odds = |endpoint| evidence.log_odds(endpoint, &with, numbers);
        let by_richness =
            |endpoint| evidence.richness_effect(endpoint, context.regimen.is_dual(), numbers);
        let borrowed = [
            (
                Endpoint::Response,
                "response_baseline_borrowed_from_other_cancers",
            ),
            (
                Endpoint::SevereIrae,
                "severe_irae_baseline_borrowed_from_other_cancers",
            ),
        ];
        Self {
            alone: evidence.log_odds(Endpoint::Response, &with.without_transplant(), numbers),
            response: log_odds(Endpoint::Response),
            severe_irae: log_odds(Endpoint::SevereIrae),
            myocarditis: log_odds(Endpoint::Myocarditis),
            severe_by_richness: by_richness(Endpoint::SevereIrae),
            myocarditis_by_richness: by_richness(Endpoint::Myocarditis),
            flags: borrowed
                .into_iter()
                .filter(|(endpoint, _)| !evidence.is_studied(*endpoint, &with))
                .map(|(_, flag)| flag)
                .collect(),
        }
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
