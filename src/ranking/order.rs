//! From the draws of every pair to donors in order.

use rayon::prelude::*;

use super::agreement::DonorOrders;
use super::check::{check_prediction, group_by_recipient};
use super::draws::{Count, Share, interval};
use super::front::{p_on_front, pareto_front};
use super::gate::Gate;
use super::prefilter::{Prefiltered, StandsFor};
use super::result::{
    DonorStanding, NOT_ELIGIBLE, Ranking, RankingRow, RecipientSummary, WeightCase,
};
use super::scored::Scored;
use super::text::rounded;
use super::verdict::{Term, Verdict};
use super::{RankedRecipient, RankingParams, Weights};
use crate::cancel;
use crate::matcher::PairPrediction;
use crate::numeric::summary::mean;
use crate::profile::SubjectId;
use crate::{Error, Result};

pub(super) const NOTHING_TO_RANK: &str =
    "there is nothing to rank: no pair of donor and recipient was predicted";

/// Both toxicity weights are multiplied by each of these, each with each.
const WEIGHT_FACTORS: [f64; 4] = [0.0, 0.5, 1.0, 2.0];

impl RankingParams {
    /// Orders the donors of every recipient, with what is known about that order.
    ///
    /// For draw `b`, donor `d` and one recipient, with `E` the eligible donors and
    /// `Δp[b,d] = p[b,d] − mean over E of p[b,·]`:
    /// `U[b,d] = w₁·Δp_response[b,d] − w₂·Δp_severe_irae[b,d] − w₃·Δp_myocarditis[b,d]`,
    /// so that 0 is a random eligible donor. Donors are ordered by the mean of `U` over the draws,
    /// ties by donor id, so that the order of the predictions does not matter (but recipients come
    /// out in the order first met). Donors that are not eligible come last, flagged
    /// `not_eligible`: no share, mean or place of another donor depends on them. Where none is
    /// eligible, Δ is taken against all of them.
    ///
    /// The verdict on a donor is `prefer` where `U` lies above 0 in
    /// [`RankingParams::prefer_above`] of the draws, `avoid` where it lies below 0 in as many,
    /// both by more than the Monte-Carlo error of that share
    /// (`p_better_than_random ± 3·p_better_than_random_se` lies beyond the threshold), else
    /// `no_preference`. It is `abstain` where the donor is not eligible or the pair lies outside
    /// what the models know; `reason` says which.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting out of range. [`Error::Table`] naming the pair where
    /// there is no prediction, no draw, a pair twice, draws of different length for one recipient,
    /// a probability that is NaN or not in [0, 1], an expected number that is negative or NaN.
    ///
    /// # Examples
    /// ```
    /// use donormatch::matcher::PairPrediction;
    /// use donormatch::ranking::{RankingParams, Verdict};
    ///
    /// let pair = |donor: &str, p_response: f64| PairPrediction {
    ///     donor_id: donor.into(),
    ///     recipient_id: "r1".into(),
    ///     p_response: vec![p_response; 40],
    ///     p_response_baseline: vec![0.2],
    ///     evidence_log_odds: 0.0,
    ///     p_severe_irae: vec![0.1; 40],
    ///     p_myocarditis: vec![0.01; 40],
    ///     p_severe_irae_exploratory: None,
    ///     n_gained: vec![12.0],
    ///     n_kept: vec![80.0],
    ///     n_lost: vec![9.0],
    ///     deleterious_lost: 1.5,
    ///     donor_prevotellaceae: None,
    ///     flags: vec![],
    ///     in_domain: true,
    ///     domain_reason: None,
    ///     record: donormatch::matcher::OwnRecord::default(),
    ///     eligible: true,
    /// };
    /// let ranking = RankingParams::default().rank(&[pair("d1", 0.3), pair("d2", 0.5)])?;
    /// let first = &ranking.rows[0];
    /// assert_eq!((first.donor_id.as_str(), first.rank), ("d2", 1));
    /// assert_eq!(first.verdict, Verdict::Prefer);
    /// assert!((first.utility - 0.1).abs() < 1e-12);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn rank(&self, predictions: &[PairPrediction]) -> Result<Ranking> {
        self.check()?;
        let mut ranked = self.rank_recipients(predictions, &StandsFor::default())?;
        let mut orders = DonorOrders::default();
        for recipient in &mut ranked {
            orders.push(recipient.order());
            recipient.keep(self.top);
        }
        self.assemble(ranked, &orders, None)
    }

    /// Each recipient of these predictions by itself.
    pub(super) fn rank_recipients(
        &self,
        predictions: &[PairPrediction],
        stands_for: &StandsFor,
    ) -> Result<Vec<RankedRecipient>> {
        predictions.iter().try_for_each(check_prediction)?;
        let groups = group_by_recipient(predictions)?;
        let gate = Gate::new(self.screening.as_ref());
        let ranked = groups.par_iter();
        let ranked = ranked.map(|pairs| self.rank_recipient(pairs, &gate, stands_for));
        let ranked = ranked.collect();
        cancel::check().map(|()| ranked)
    }

    /// All recipients together, none of them twice.
    pub(super) fn assemble(
        &self,
        ranked: Vec<RankedRecipient>,
        orders: &DonorOrders,
        prefilter: Option<Prefiltered>,
    ) -> Result<Ranking> {
        if ranked.is_empty() {
            return Err(Error::table(NOTHING_TO_RANK));
        }
        let (summaries, rows): (Vec<_>, Vec<_>) = ranked
            .into_iter()
            .map(|one| (one.summary, one.rows))
            .unzip();
        Ok(Ranking {
            rows: rows.into_iter().flatten().collect(),
            summaries,
            donor_order_agreement: orders.agreement(),
            params: self.clone(),
            prefilter,
        })
    }

    fn rank_recipient(
        &self,
        pairs: &[&PairPrediction],
        gate: &Gate<'_>,
        stands_for: &StandsFor,
    ) -> RankedRecipient {
        let scored = Scored::new(pairs, gate, stands_for, &self.weights, self.level);
        let reason = self.reason(&scored);
        let rows: Vec<RankingRow> = scored
            .order
            .iter()
            .enumerate()
            .map(|(place, &donor)| self.row(&scored, donor, place, reason.as_deref()))
            .collect();
        let with = |verdict: Verdict| -> Vec<SubjectId> {
            let rows = rows.iter().filter(|row| row.verdict == verdict);
            rows.map(|row| row.donor_id.clone()).collect()
        };
        let weight_cases = self.weight_cases(&scored);
        let first = scored.eligible.first().map(|&donor| &pairs[donor].donor_id);
        let stable = weight_cases
            .iter()
            .filter(|case| Some(&case.first_donor) == first)
            .count();
        let (regret_of_first, regret_of_random) = scored.regrets().unzip();
        RankedRecipient {
            summary: RecipientSummary {
                recipient_id: pairs[0].recipient_id.clone(),
                n_donors: pairs.len(),
                n_eligible: scored.eligible.len(),
                n_draws: scored.n_draws,
                prefer: with(Verdict::Prefer),
                avoid: with(Verdict::Avoid),
                no_preference: with(Verdict::NoPreference),
                abstain: with(Verdict::Abstain),
                reason: reason.unwrap_or_default(),
                p_first_beats_second: scored.p_first_beats_second(),
                regret_of_first,
                regret_of_random,
                standings: standings(&scored),
                first_donor_stability: first.map(|_| stable as f64 / weight_cases.len() as f64),
                weight_cases,
                order_cases: scored.order_cases(&self.weights),
            },
            rows,
        }
    }

    /// What stands against a verdict on any donor of this recipient.
    fn reason(&self, scored: &Scored) -> Option<String> {
        match scored.eligible.len() {
            0 => Some("no donor is eligible".to_owned()),
            1 => Some("a single donor cannot be compared".to_owned()),
            _ if scored.n_draws < self.min_draws => Some(format!(
                "too few draws to say how sure the order is: {} of at least {}",
                scored.n_draws, self.min_draws
            )),
            _ => None,
        }
    }

    /// The verdict on a donor, and why it is none.
    fn verdict(
        &self,
        scored: &Scored,
        donor: usize,
        reason: Option<&str>,
    ) -> (Verdict, Vec<String>) {
        let pair = scored.pairs[donor];
        let not_eligible = scored.objections[donor].clone();
        let out_of_domain = (!pair.in_domain).then(|| {
            pair.domain_reason
                .clone()
                .filter(|reason| !reason.trim().is_empty())
                .unwrap_or_else(|| "the pair lies outside what the models know".to_owned())
        });
        let abstains = not_eligible.is_some() || out_of_domain.is_some();
        let mut reasons: Vec<String> = [not_eligible, out_of_domain, reason.map(str::to_owned)]
            .into_iter()
            .flatten()
            .collect();
        let share = scored.donors[donor].better_than_random;
        if abstains {
            return (Verdict::Abstain, reasons);
        }
        if reason.is_some() {
            return (Verdict::NoPreference, reasons);
        }
        let verdict = Verdict::of(share, self.prefer_above);
        if verdict == Verdict::NoPreference {
            reasons.extend(self.open_reason(share, scored.n_draws));
        }
        (verdict, reasons)
    }

    /// Why a share beyond the threshold is no verdict.
    fn open_reason(&self, share: Share, n_draws: usize) -> Option<String> {
        let (word, value) = if share.value > 0.5 {
            ("better", share.value)
        } else {
            ("worse", 1.0 - share.value)
        };
        (value >= self.prefer_above).then(|| {
            format!(
                "{word} than a random donor in {:.1} % of {n_draws} draws, which is within their \
                 error of {} %",
                100.0 * value,
                rounded(100.0 * self.prefer_above),
            )
        })
    }

    fn row(&self, scored: &Scored, donor: usize, place: usize, reason: Option<&str>) -> RankingRow {
        let (pair, its) = (scored.pairs[donor], &scored.donors[donor]);
        let (p_response_lo, p_response_hi) = interval(&pair.p_response, self.level);
        let (p_severe_irae_lo, p_severe_irae_hi) = interval(&pair.p_severe_irae, self.level);
        let baseline = interval(&pair.p_response_baseline, self.level);
        let myocarditis = interval(&pair.p_myocarditis, self.level);
        let gained = Count::of(&pair.n_gained, self.level);
        let kept = Count::of(&pair.n_kept, self.level);
        let lost = Count::of(&pair.n_lost, self.level);
        let (verdict, reasons) = self.verdict(scored, donor, reason);
        let own_flags = pair.flags.iter().filter(|flag| *flag != NOT_ELIGIBLE);
        let objection = scored.objections[donor].as_ref();
        let not_eligible = objection.map(|_| NOT_ELIGIBLE.to_owned());
        RankingRow {
            recipient_id: pair.recipient_id.clone(),
            donor_id: pair.donor_id.clone(),
            rank: place + 1,
            verdict,
            carried_by: Term::that_carries(verdict, &its.contributions(&self.weights)),
            p_response: mean(&pair.p_response),
            p_response_lo,
            p_response_hi,
            p_response_baseline: mean(&pair.p_response_baseline),
            p_response_baseline_lo: baseline.0,
            p_response_baseline_hi: baseline.1,
            p_severe_irae: mean(&pair.p_severe_irae),
            p_severe_irae_lo,
            p_severe_irae_hi,
            p_myocarditis: mean(&pair.p_myocarditis),
            p_myocarditis_lo: myocarditis.0,
            p_myocarditis_hi: myocarditis.1,
            delta_response: its.delta_response,
            delta_severe_irae: its.delta_severe_irae,
            delta_myocarditis: its.delta_myocarditis,
            utility: its.utility,
            p_best: its.standing.p_best,
            p_better_than_random: its.better_than_random.value,
            p_better_than_random_se: its.better_than_random.se,
            n_transplants: pair.record.n_transplants,
            n_responders: pair.record.n_responders,
            donor_effect: pair.record.effect,
            donor_effect_lo: pair.record.effect_lo,
            donor_effect_hi: pair.record.effect_hi,
            n_gained: gained.mean,
            n_gained_lo: gained.lo,
            n_gained_hi: gained.hi,
            n_kept: kept.mean,
            n_kept_lo: kept.lo,
            n_kept_hi: kept.hi,
            n_lost: lost.mean,
            n_lost_lo: lost.lo,
            n_lost_hi: lost.hi,
            deleterious_lost: pair.deleterious_lost,
            donor_prevotellaceae: pair.donor_prevotellaceae,
            flags: not_eligible.into_iter().chain(own_flags.cloned()).collect(),
            in_domain: pair.in_domain,
            reason: reasons.join("; "),
        }
    }

    fn weight_cases(&self, scored: &Scored) -> Vec<WeightCase> {
        let factors = WEIGHT_FACTORS.iter().flat_map(|severe| {
            WEIGHT_FACTORS
                .iter()
                .map(move |myocarditis| (severe, myocarditis))
        });
        factors
            .filter_map(|(severe, myocarditis)| {
                let weights = Weights {
                    response: self.weights.response,
                    severe_irae: self.weights.severe_irae * severe,
                    myocarditis: self.weights.myocarditis * myocarditis,
                };
                let first = scored.first_under(&weights)?;
                Some(WeightCase {
                    weights,
                    first_donor: scored.pairs[first].donor_id.clone(),
                })
            })
            .collect()
    }
}

fn standings(scored: &Scored) -> Vec<DonorStanding> {
    let of = |take: fn(&PairPrediction) -> &[f64]| -> Vec<&[f64]> {
        let eligible = scored.eligible.iter();
        eligible.map(|&donor| take(scored.pairs[donor])).collect()
    };
    let (gain, harm) = (of(|pair| &pair.p_response), of(|pair| &pair.p_severe_irae));
    let means = |draws: &[&[f64]]| draws.iter().map(|draws| mean(draws)).collect::<Vec<_>>();
    let on_front = pareto_front(&means(&gain), &means(&harm));
    let p_on_front = p_on_front(&gain, &harm, scored.n_draws);
    let its = |place: usize| &scored.donors[scored.eligible[place]].standing;
    let mut tier = 0;
    let mut worst_so_far = 0;
    scored
        .eligible
        .iter()
        .enumerate()
        .map(|(place, &donor)| {
            // A tier ends where no donor above reaches below.
            tier += usize::from(worst_so_far <= place);
            let standing = its(place);
            worst_so_far = worst_so_far.max(standing.rank.1);
            DonorStanding {
                donor_id: scored.pairs[donor].donor_id.clone(),
                rank_lo: standing.rank.0,
                rank_hi: standing.rank.1,
                expected_regret: standing.expected_regret,
                tier,
                on_front: on_front[place],
                p_on_front: p_on_front[place],
                p_severe_irae_exploratory: scored.pairs[donor].p_severe_irae_exploratory,
            }
        })
        .collect()
}
