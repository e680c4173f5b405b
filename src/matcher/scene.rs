//! One call of the matcher: what its donors, recipients and draws share, and each pair in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use super::matcher::{Matcher, PredictParams};
use super::prediction::{OwnRecord, PairPrediction};
use super::toxicity::{burden, prevotellaceae};
use crate::cancel;
use crate::cohort::screening::DonorType;
use crate::cohort::{Donors, TreatmentContext};
use crate::engraftment::{
    EffectDistribution, EngraftmentPredictor, PairProfile, RealizedProfile, Shift,
    TransplantOutcomes, TransplantPrediction,
};
use crate::evidence::{DrawNumbers, Endpoint, Given, Setting, TrialRecord, is_transplant, summary};
use crate::feature::{COMMUNITY_FEATURES, FillScratch, ProfileFeatures, UsedColumns};
use crate::model::{ColumnBlock, probability_of_score};
use crate::numeric::logistic::logit;
use crate::numeric::random::{address, derive, normal, uniform};
use crate::numeric::summary::mean;
use crate::profile::ProfileTable;
use crate::taxonomy::signature;
use crate::{Error, Result};

/// What all pairs of a call share, worked out once.
pub(super) struct Scene<'a> {
    pub(super) matcher: &'a Matcher,
    pub(super) params: &'a PredictParams,
    /// One profile a donor.
    pub(super) donors: ProfileTable,
    donor_types: Vec<Option<DonorType>>,
    n_samples: Vec<usize>,
    pub(super) recipients: ProfileTable,
    pub(super) features: ProfileFeatures<'a>,
    predictor: EngraftmentPredictor<'a>,
    /// draws × taxa, the log-odds of uniform numbers: those of a taxon are the same for every pair.
    thresholds: Array2<f64>,
    /// What a draw multiplies the median abundance of a taxon by.
    factors: BTreeMap<usize, Array2<f64>>,
    /// What the trial and the recipient add to the log-odds of presence; none in old models.
    effects: Option<Arc<EffectDistribution>>,
    /// The trial's part, one a draw.
    trial_shifts: Vec<Shift>,
    /// Change of the log-odds of response by a score of 1, one a draw.
    slopes: Vec<f64>,
    /// Which columns each response member reads.
    pub(super) used_columns: Vec<UsedColumns>,
    /// What the evidence says of each cell that a recipient is in.
    cells: BTreeMap<TreatmentContext, CellDraws>,
    depletion_targets: Vec<bool>,
}

/// The draws of the log-odds in a cell, before donor and microbiome.
pub(super) struct CellDraws {
    /// Without a transplant.
    alone: EndpointDraws,
    /// With a transplant, by where the stool comes from.
    given: BTreeMap<Option<DonorType>, EndpointDraws>,
    /// What a richness of 1 in Prevotellaceae adds to a severe event.
    pub(super) severe_by_richness: Vec<f64>,
    /// What it adds to myocarditis.
    myocarditis_by_richness: Vec<f64>,
    flags: Vec<&'static str>,
}

/// Log-odds of each endpoint, one a draw.
pub(super) struct EndpointDraws {
    response: Vec<f64>,
    severe_irae: Vec<f64>,
    myocarditis: Vec<f64>,
}

/// A donor, worked out once for all recipients.
#[derive(Clone)]
pub(super) struct DonorSide {
    pub(super) row: usize,
    n_samples: usize,
    pub(super) donor_type: Option<DonorType>,
    burden: f64,
    pub(super) prevotellaceae: f64,
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
    pub(super) row: usize,
    pub(super) context: TreatmentContext,
    pub(super) objection: Option<String>,
    pub(super) p_response_baseline: Vec<f64>,
    /// Scores of the profile as it is, one a draw.
    scores: Vec<f64>,
    /// Summaries of the community as it is.
    pub(super) community: Vec<f64>,
    /// What trial and recipient add to the log-odds of presence, one a draw.
    pub(super) shifts: Vec<Shift>,
}

/// A transplant to draw from, and what each draw multiplies the median abundance of a taxon by.
pub(super) type Outcomes<'t, 's> = (TransplantOutcomes<'t>, &'s Array2<f64>);

/// What was drawn of one pair.
struct Drawn {
    /// One a draw.
    scores: Vec<f64>,
    /// Taxa gained and kept, one a draw.
    counts: Vec<(u32, u32)>,
    /// Summaries of the community after, draws × summaries.
    community: Array2<f64>,
}

impl Drawn {
    fn new(n_draws: usize) -> Self {
        Self {
            scores: Vec::with_capacity(n_draws),
            counts: Vec::with_capacity(n_draws),
            community: Array2::zeros((n_draws, COMMUNITY_FEATURES.len())),
        }
    }
}

impl DonorSide {
    /// What the donor's own record adds to the log-odds of an endpoint.
    pub(super) fn effect(&self, endpoint: Endpoint) -> &[f64] {
        match endpoint {
            Endpoint::Response => &self.response_effect,
            Endpoint::SevereIrae => &self.severe_effect,
            Endpoint::Myocarditis => &[],
        }
    }

    /// Whether its stool is another's: placebo and one's own are no transplant.
    pub(super) fn gives(&self) -> bool {
        self.donor_type.is_none_or(is_transplant)
    }

    /// The same donor, of a type where that of one transplant is told.
    pub(super) fn as_type(&self, donor_type: Option<DonorType>) -> Self {
        Self {
            donor_type: donor_type.or(self.donor_type),
            ..self.clone()
        }
    }
}

/// What a thread works in, tile after tile.
pub(super) struct Room {
    block: ColumnBlock,
    pub(super) profile: RealizedProfile,
    pub(super) scratch: FillScratch,
}

/// What a random number is for; keeps their streams apart.
#[derive(Clone, Copy)]
enum Purpose {
    Presence = 1,
    Abundance,
    Evidence,
    Trial,
    Recipient,
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
        let kinds = donors.donor_types().to_vec();
        let donor_types: BTreeSet<Option<DonorType>> = kinds.iter().copied().collect();
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
        let effects = matcher.engraftment.effects(params.transplant());
        let trial_seed = derive(params.seed, Purpose::Trial as u64);
        let trial_shift = |draw| {
            effects.as_deref().map_or_else(Shift::default, |effects| {
                effects.draw_trial(derive(trial_seed, u64::from(draw)))
            })
        };
        let trial_shifts = (0..params.n_draws).map(trial_shift).collect();
        let threshold = |seed| logit(uniform(seed));
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
            let draws = CellDraws::new(matcher, context, &donor_types, numbers_of_evidence);
            (context, draws)
        });
        Ok(Self {
            thresholds: numbers(Purpose::Presence, &threshold)?,
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
            effects,
            trial_shifts,
            depletion_targets,
            donors,
            donor_types: kinds,
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

    pub(super) fn n_draws(&self) -> usize {
        self.params.n_draws as usize
    }

    /// The response member that a draw uses: draws are dealt to members in equal runs.
    pub(super) fn member_of(&self, draw: usize) -> usize {
        draw * self.matcher.response.n_members() / self.n_draws()
    }

    pub(super) fn slope(&self, draw: usize) -> f64 {
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
            donor_type: self.donor_types[row],
            burden: burden(&features),
            prevotellaceae: prevotellaceae(&self.matcher.response.schema, &features),
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
        let draws = 0..self.n_draws();
        let scores: Vec<f64> = draws
            .clone()
            .map(|draw| scores[[self.member_of(draw), 0]])
            .collect();
        let alone = draws.map(|draw| {
            probability_of_score(cell.alone.response[draw] + self.slope(draw) * scores[draw])
        });
        let sample = self.recipients.samples()[row].as_str();
        Ok(RecipientSide {
            row,
            context,
            objection,
            p_response_baseline: alone.collect(),
            scores,
            community: features[..COMMUNITY_FEATURES.len()].to_vec(),
            shifts: self.recipient_shifts(sample),
        })
    }

    /// What trial and recipient add to the log-odds of presence: the recipient's part hangs on its
    /// name, so that it is the same for every donor and in every table.
    fn recipient_shifts(&self, sample: &str) -> Vec<Shift> {
        let seed = derive(self.params.seed, Purpose::Recipient as u64) ^ address(sample);
        let of_trial = self.trial_shifts.iter();
        (0..)
            .zip(of_trial)
            .map(|(draw, &trial)| match &self.effects {
                Some(effects) => trial.plus(effects.draw_recipient(derive(seed, draw))),
                None => trial,
            })
            .collect()
    }

    pub(super) fn cell(&self, context: TreatmentContext) -> Result<&CellDraws> {
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
        let given: Vec<&TransplantPrediction> = donors
            .iter()
            .zip(&transplants)
            .filter(|(donor, _)| donor.gives())
            .map(|(_, transplant)| transplant)
            .collect();
        let mut drawn = self.draw(room, &given, recipient)?.into_iter();
        donors
            .iter()
            .zip(&transplants)
            .map(|(donor, transplant)| {
                let after = donor.gives().then(|| drawn.next()).flatten();
                let after = after.unwrap_or_else(|| self.unchanged(transplant, recipient));
                self.pair(donor, (recipient, cell), transplant, after)
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
        let mean = if donor.gives() {
            let transplant = self.transplant(donor, recipient)?;
            let drawn = self.draw(room, &[&transplant], recipient)?;
            mean(&drawn[0].scores)
        } else {
            mean(&recipient.scores)
        };
        Ok(mean / self.matcher.response.score_sd)
    }

    pub(super) fn transplant(
        &self,
        donor: &DonorSide,
        recipient: &RecipientSide,
    ) -> Result<TransplantPrediction> {
        let (donors, recipients) = (self.donors.abundance(), self.recipients.abundance());
        let pair = PairProfile {
            n_donor_samples: donor.n_samples,
            ..PairProfile::new(donors, &[donor.row], recipients, recipient.row)?
        };
        if !donor.gives() {
            let pair = pair.above(self.matcher.engraftment.detection_limit());
            return Ok(TransplantPrediction::unchanged(pair));
        }
        let context = self.params.transplant();
        self.predictor
            .predict_with(&pair, context, self.effects.clone())
    }

    /// What the draws of no transplant are: the recipient as it is.
    fn unchanged(&self, transplant: &TransplantPrediction, recipient: &RecipientSide) -> Drawn {
        let before = transplant.pair.recipient.iter();
        let n_kept = before.filter(|&&fraction| fraction > 0.0).count() as u32;
        let community =
            Array2::from_shape_fn((self.n_draws(), COMMUNITY_FEATURES.len()), |(_, column)| {
                recipient.community[column]
            });
        Drawn {
            scores: recipient.scores.clone(),
            counts: vec![(0, n_kept); self.n_draws()],
            community,
        }
    }

    fn pair(
        &self,
        donor: &DonorSide,
        (recipient, cell): (&RecipientSide, &CellDraws),
        transplant: &TransplantPrediction,
        drawn: Drawn,
    ) -> Result<PairPrediction> {
        let domain_reason = objection(donor, recipient);
        let toxicity = &self.matcher.toxicity;
        let rich = toxicity.flag(recipient.context.regimen, donor.burden);
        let flags = rich.filter(|_| donor.gives()).into_iter();
        let flags = flags.chain(cell.flags.iter().copied());
        let given = cell.given(donor);
        // Stool of one's own adds neither a donor nor richness.
        let (richness, effect) = if donor.gives() {
            (donor.richness, 1.0)
        } else {
            (0.0, 0.0)
        };
        let draws = 0..self.n_draws();
        let p_response = draws.clone().map(|draw| {
            let shared = given.response[draw] + effect * donor.response_effect[draw];
            probability_of_score(shared + self.slope(draw) * drawn.scores[draw])
        });
        let p_severe_irae = draws.clone().map(|draw| {
            let shared = given.severe_irae[draw] + effect * donor.severe_effect[draw];
            probability_of_score(shared + cell.severe_by_richness[draw] * richness)
        });
        let p_myocarditis = draws.map(|draw| {
            let by_richness = cell.myocarditis_by_richness[draw] * richness;
            probability_of_score(given.myocarditis[draw] + by_richness)
        });
        let n_before = transplant.n_before() as f32;
        let counts = drawn.counts.iter();
        Ok(PairPrediction {
            donor_id: self.donors.samples()[donor.row].as_str().into(),
            recipient_id: self.recipients.samples()[recipient.row].clone(),
            p_response: p_response.collect(),
            p_response_baseline: recipient.p_response_baseline.clone(),
            evidence_log_odds: mean(&given.response),
            p_severe_irae: p_severe_irae.collect(),
            p_myocarditis: p_myocarditis.collect(),
            p_severe_irae_exploratory: toxicity.exploratory_probability(drawn.community.view())?,
            n_gained: counts.clone().map(|&(gained, _)| gained as f32).collect(),
            n_kept: counts.clone().map(|&(_, kept)| kept as f32).collect(),
            n_lost: counts.map(|&(_, kept)| n_before - kept as f32).collect(),
            deleterious_lost: self.deleterious_lost(transplant),
            donor_prevotellaceae: Some(donor.prevotellaceae),
            flags: flags.map(str::to_owned).collect(),
            in_domain: domain_reason.is_none(),
            domain_reason,
            record: donor.record,
            eligible: true,
        })
    }

    /// One realized transplant a draw of each pair of a recipient: its score, its counts, and what
    /// the community then is.
    fn draw(
        &self,
        room: &mut Room,
        transplants: &[&TransplantPrediction],
        recipient: &RecipientSide,
    ) -> Result<Vec<Drawn>> {
        let response = &self.matcher.response;
        let n_pairs = transplants.len();
        if n_pairs == 0 {
            return Ok(Vec::new());
        }
        let outcomes = transplants
            .iter()
            .map(|transplant| self.outcomes(transplant))
            .collect::<Result<Vec<_>>>()?;
        let mut drawn: Vec<Drawn> = (0..n_pairs).map(|_| Drawn::new(self.n_draws())).collect();
        let draws_at_once = (ColumnBlock::ROWS / n_pairs).max(1);
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
                let shift = recipient.shifts[draw];
                for (at, (outcomes, drawn)) in outcomes.iter().zip(&mut drawn).enumerate() {
                    let row = (draw - start) * n_pairs + at;
                    self.realize(room, outcomes, (draw, shift), row, drawn);
                }
            }
            let scores = response.members[number].block_scores(response.engine, &room.block)?;
            for scores in scores.chunks(n_pairs) {
                for (drawn, &score) in drawn.iter_mut().zip(scores) {
                    drawn.scores.push(score);
                }
            }
            start = end;
        }
        Ok(drawn)
    }

    /// A transplant and what the draws multiply its abundances by.
    pub(super) fn outcomes<'t>(
        &self,
        transplant: &'t TransplantPrediction,
    ) -> Result<Outcomes<'t, '_>> {
        let n_samples = transplant.pair.n_donor_samples;
        let factors = self
            .factors
            .get(&n_samples)
            .ok_or_else(|| Error::table(format!("no draws for donors of {n_samples} samples")))?;
        Ok((transplant.outcomes(), factors))
    }

    /// Realizes a transplant by the random numbers of a draw.
    pub(super) fn realize_profile(
        &self,
        profile: &mut RealizedProfile,
        (outcomes, factors): (&TransplantOutcomes<'_>, &Array2<f64>),
        draw: usize,
        shift: Shift,
    ) {
        let numbers = (self.thresholds.row(draw), factors.row(draw));
        if let (Some(thresholds), Some(factors)) = (numbers.0.to_slice(), numbers.1.to_slice()) {
            outcomes.realize(draw, thresholds, factors, shift, profile);
        }
    }

    /// Realizes a transplant, writes its features into a row of the block, and keeps what is told
    /// of the draw.
    fn realize(
        &self,
        room: &mut Room,
        (outcomes, factors): &Outcomes<'_, '_>,
        (draw, shift): (usize, Shift),
        row: usize,
        drawn: &mut Drawn,
    ) {
        self.realize_profile(&mut room.profile, (outcomes, factors), draw, shift);
        let Some(summaries) = drawn.community.row_mut(draw).into_slice() else {
            return;
        };
        let RealizedProfile {
            taxa,
            fractions,
            n_gained,
            n_kept,
        } = &room.profile;
        drawn.counts.push((*n_gained, *n_kept));
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
        let pair = &transplant.pair;
        (0..pair.n_taxa())
            .filter(|&at| pair.recipient[at] > 0.0)
            .filter(|&at| self.depletion_targets[pair.taxa[at] as usize])
            .map(|at| 1.0 - transplant.presence(at))
            // Not `sum`, which gives -0 of nothing.
            .fold(0.0, |sum, lost| sum + lost)
    }
}

pub(super) fn evidence_numbers(params: &PredictParams) -> DrawNumbers {
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

impl EndpointDraws {
    /// Those of an endpoint.
    pub(super) fn of(&self, endpoint: Endpoint) -> &[f64] {
        match endpoint {
            Endpoint::Response => &self.response,
            Endpoint::SevereIrae => &self.severe_irae,
            Endpoint::Myocarditis => &self.myocarditis,
        }
    }

    fn new(matcher: &Matcher, setting: &Setting<'_>, numbers: DrawNumbers) -> Self {
        let log_odds = |endpoint| matcher.evidence.log_odds(endpoint, setting, numbers);
        Self {
            response: log_odds(Endpoint::Response),
            severe_irae: log_odds(Endpoint::SevereIrae),
            myocarditis: log_odds(Endpoint::Myocarditis),
        }
    }
}

impl CellDraws {
    /// What the evidence says before the donor itself and the microbiome.
    pub(super) fn given(&self, donor: &DonorSide) -> &EndpointDraws {
        self.given.get(&donor.donor_type).unwrap_or(&self.alone)
    }

    fn new(
        matcher: &Matcher,
        context: TreatmentContext,
        donor_types: &BTreeSet<Option<DonorType>>,
        numbers: DrawNumbers,
    ) -> Self {
        let evidence = &matcher.evidence;
        let with = |donor_type| setting(matcher, context, donor_type);
        let unspecified = with(None);
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
        let given = donor_types
            .iter()
            .filter(|donor_type| donor_type.is_none_or(is_transplant))
            .map(|&donor_type| {
                let draws = EndpointDraws::new(matcher, &with(donor_type), numbers);
                (donor_type, draws)
            });
        Self {
            alone: EndpointDraws::new(matcher, &unspecified.without_transplant(), numbers),
            given: given.collect(),
            severe_by_richness: by_richness(Endpoint::SevereIrae),
            myocarditis_by_richness: by_richness(Endpoint::Myocarditis),
            flags: borrowed
                .into_iter()
                .filter(|(endpoint, _)| !evidence.is_studied(*endpoint, &unspecified))
                .map(|(_, flag)| flag)
                .collect(),
        }
    }
}

/// What the evidence is asked of a cell, with a transplant of this type.
pub(super) fn setting(
    matcher: &Matcher,
    context: TreatmentContext,
    donor_type: Option<DonorType>,
) -> Setting<'_> {
    Setting {
        cancer: context.cancer,
        regimen: context.regimen,
        line: Some(context.line),
        partner: context.partner,
        trial: &matcher.evidence.record().trial,
        transplant: Some(Given {
            donor_type,
            donor: None,
            is_uncontrolled: false,
            score: 0.0,
            richness: 0.0,
        }),
        any_ae: false,
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
