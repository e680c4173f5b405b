//! From the draws of every pair to donors in order.

use rayon::prelude::*;

use super::agreement::DonorOrders;
use super::check::{check_prediction, group_by_recipient};
use super::draws::{Standing, interval, p_above, standings};
use super::front::{p_on_front, pareto_front};
use super::result::{
    DonorStanding, NOT_ELIGIBLE, Ranking, RankingRow, RecipientSummary, WeightCase,
};
use super::{RankedRecipient, RankingParams, Weights};
use crate::cancel;
use crate::matcher::PairPrediction;
use crate::numeric::summary::mean;
use crate::{Error, Result};

pub(super) const NOTHING_TO_RANK: &str =
    "there is nothing to rank: no pair of donor and recipient was predicted";

/// Both toxicity weights are multiplied by each of these, each with each.
const WEIGHT_FACTORS: [f64; 4] = [0.0, 0.5, 1.0, 2.0];

impl RankingParams {
    /// Orders the donors of every recipient, with what is known about that order.
    ///
    /// For draw `b`, donor `d` and one recipient, with `E` the eligible donors:
    /// `Δ[b,d] = p_response[b,d] − mean over E of p_response[b,·]` and
    /// `U[b,d] = w₁·Δ[b,d] − w₂·p_severe_irae[b,d] − w₃·p_myocarditis[b,d]`.
    /// Donors are ordered by the mean of `U` over the draws, ties by donor id, so that the order
    /// of the predictions does not matter (but recipients come out in the order first met).
    /// Donors that are not eligible come last, flagged `not_eligible`: no share, mean or place of
    /// another donor depends on them. Where none is eligible, Δ is taken against all of them.
    ///
    /// A row abstains where the first donor does not beat the second in
    /// [`RankingParams::abstain_below`] of the draws, where there is nothing to compare, or where
    /// the pair lies outside what the models know; `reason` says which.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting out of range. [`Error::Table`] naming the pair where
    /// there is no prediction, no draw, a pair twice, draws of different length for one recipient,
    /// a probability that is NaN or not in [0, 1], an expected number that is negative or NaN.
    ///
    /// # Examples
    /// ```
    /// use donormatch::matcher::PairPrediction;
    /// use donormatch::ranking::RankingParams;
    ///
    /// let pair = |donor: &str, p_response: f64| PairPrediction {
    ///     donor_id: donor.into(),
    ///     recipient_id: "r1".into(),
    ///     p_response: vec![p_response; 40],
    ///     p_response_baseline: 0.2,
    ///     p_severe_irae: vec![0.1; 40],
    ///     p_myocarditis: vec![0.01; 40],
    ///     p_severe_irae_exploratory: None,
    ///     n_gained: 12.0,
    ///     n_kept: 80.0,
    ///     n_lost: 9.0,
    ///     deleterious_lost: 1.5,
    ///     flags: vec![],
    ///     in_domain: true,
    ///     domain_reason: None,
    ///     eligible: true,
    /// };
    /// let ranking = RankingParams::default().rank(&[pair("d1", 0.3), pair("d2", 0.5)])?;
    /// let first = &ranking.rows[0];
    /// assert_eq!((first.donor_id.as_str(), first.rank, first.abstain), ("d2", 1, false));
    /// assert!((first.delta_response - 0.1).abs() < 1e-12);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn rank(&self, predictions: &[PairPrediction]) -> Result<Ranking> {
        self.check()?;
        let mut ranked = self.rank_recipients(predictions)?;
        let mut orders = DonorOrders::default();
        for recipient in &mut ranked {
            orders.push(recipient.order());
            recipient.keep(self.top);
        }
        self.assemble(ranked, &orders)
    }

    /// Each recipient of these predictions by itself.
    pub(super) fn rank_recipients(
        &self,
        predictions: &[PairPrediction],
    ) -> Result<Vec<RankedRecipient>> {
        predictions.iter().try_for_each(check_prediction)?;
        let groups = group_by_recipient(predictions)?;
        let ranked = groups.par_iter().map(|pairs| self.rank_recipient(pairs));
        let ranked = ranked.collect();
        cancel::check().map(|()| ranked)
    }

    /// All recipients together, none of them twice.
    pub(super) fn assemble(
        &self,
        ranked: Vec<RankedRecipient>,
        orders: &DonorOrders,
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
        })
    }

    fn rank_recipient(&self, pairs: &[&PairPrediction]) -> RankedRecipient {
        let scored = Scored::new(pairs, &self.weights, self.level);
        let n_eligible = scored.eligible.len();
        let verdict = self.verdict(&scored);
        let rows = scored
            .order
            .iter()
            .enumerate()
            .map(|(place, &donor)| self.row(&scored, donor, place, &verdict))
            .collect();
        let weight_cases = self.weight_cases(&scored);
        let first = scored.eligible.first().map(|&donor| &pairs[donor].donor_id);
        let stable = weight_cases
            .iter()
            .filter(|case| Some(&case.first_donor) == first)
            .count();
        RankedRecipient {
            rows,
            summary: RecipientSummary {
                recipient_id: pairs[0].recipient_id.clone(),
                n_donors: pairs.len(),
                n_eligible,
                n_draws: scored.n_draws,
                p_first_beats_second: verdict.p_first_beats_second,
                abstain: verdict.reason.is_some(),
                reason: verdict.reason.unwrap_or_default(),
                standings: self.standings(&scored),
                first_donor_stability: first.map(|_| stable as f64 / weight_cases.len() as f64),
                weight_cases,
            },
        }
    }

    fn verdict(&self, scored: &Scored) -> Verdict {
        let p_first_beats_second = match scored.eligible.as_slice() {
            [first, second, ..] => Some(p_above(&scored.utility[*first], &scored.utility[*second])),
            _ => None,
        };
        let reason = match p_first_beats_second {
            None if scored.eligible.is_empty() => Some("no donor is eligible".to_owned()),
            None => Some("a single donor cannot be compared".to_owned()),
            Some(_) if scored.n_draws < self.min_draws => Some(format!(
                "too few draws to say how sure the order is: {} of at least {}",
                scored.n_draws, self.min_draws
            )),
            Some(p) if p < self.abstain_below => Some(format!(
                "no evidence to separate donors: the first beats the second in {} % of draws",
                (100.0 * p + 1e-9).floor()
            )),
            Some(_) => None,
        };
        Verdict {
            p_first_beats_second,
            reason,
        }
    }

    fn row(&self, scored: &Scored, donor: usize, place: usize, verdict: &Verdict) -> RankingRow {
        let pair = scored.pairs[donor];
        let (p_response_lo, p_response_hi) = interval(&pair.p_response, self.level);
        let (p_severe_irae_lo, p_severe_irae_hi) = interval(&pair.p_severe_irae, self.level);
        let delta_response = mean(&scored.delta[donor]);
        let reasons = row_reasons(pair, verdict);
        RankingRow {
            recipient_id: pair.recipient_id.clone(),
            donor_id: pair.donor_id.clone(),
            rank: place + 1,
            p_response: mean(&pair.p_response),
            p_response_lo,
            p_response_hi,
            p_response_baseline: pair.p_response_baseline,
            p_severe_irae: mean(&pair.p_severe_irae),
            p_severe_irae_lo,
            p_severe_irae_hi,
            p_myocarditis: mean(&pair.p_myocarditis),
            delta_response,
            utility: scored.mean_utility[donor],
            p_best: scored.standing[donor].p_best,
            p_better_than_random: p_above(&scored.utility[donor], &scored.reference),
            n_gained: pair.n_gained,
            n_kept: pair.n_kept,
            n_lost: pair.n_lost,
            deleterious_lost: pair.deleterious_lost,
            flags: (!pair.eligible)
                .then(|| NOT_ELIGIBLE.to_owned())
                .into_iter()
                .chain(
                    pair.flags
                        .iter()
                        .filter(|flag| *flag != NOT_ELIGIBLE)
                        .cloned(),
                )
                .collect(),
            in_domain: pair.in_domain,
            abstain: !reasons.is_empty(),
            reason: reasons.join("; "),
        }
    }

    fn standings(&self, scored: &Scored) -> Vec<DonorStanding> {
        let of = |take: fn(&PairPrediction) -> &[f64]| -> Vec<&[f64]> {
            scored
                .eligible
                .iter()
                .map(|&donor| take(scored.pairs[donor]))
                .collect()
        };
        let (gain, harm) = (of(|pair| &pair.p_response), of(|pair| &pair.p_severe_irae));
        let means = |draws: &[&[f64]]| draws.iter().map(|draws| mean(draws)).collect::<Vec<_>>();
        let on_front = pareto_front(&means(&gain), &means(&harm));
        let p_on_front = p_on_front(&gain, &harm, scored.n_draws);
        let tiers = self.tiers(scored);
        scored
            .eligible
            .iter()
            .enumerate()
            .map(|(place, &donor)| {
                let standing = &scored.standing[donor];
                DonorStanding {
                    donor_id: scored.pairs[donor].donor_id.clone(),
                    rank_lo: standing.rank.0,
                    rank_hi: standing.rank.1,
                    expected_regret: standing.expected_regret,
                    tier: tiers[place],
                    on_front: on_front[place],
                    p_on_front: p_on_front[place],
                    p_severe_irae_exploratory: scored.pairs[donor].p_severe_irae_exploratory,
                }
            })
            .collect()
    }

    /// Walks down the order: a tier ends before the first donor that its first donor beats in
    /// `abstain_below` of the draws.
    fn tiers(&self, scored: &Scored) -> Vec<usize> {
        let mut leader: Option<usize> = None;
        let mut tier = 0;
        scored
            .eligible
            .iter()
            .map(|&donor| {
                let apart = leader.is_none_or(|leader| {
                    p_above(&scored.utility[leader], &scored.utility[donor]) >= self.abstain_below
                });
                if apart {
                    leader = Some(donor);
                    tier += 1;
                }
                tier
            })
            .collect()
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

struct Verdict {
    p_first_beats_second: Option<f64>,
    reason: Option<String>,
}

/// One recipient's donors by id, with everything computed from their draws.
struct Scored<'a> {
    pairs: &'a [&'a PairPrediction],
    n_draws: usize,
    /// Δ response, donor × draw.
    delta: Vec<Vec<f64>>,
    /// Utility, donor × draw.
    utility: Vec<Vec<f64>>,
    mean_utility: Vec<f64>,
    /// Mean utility of the reference donors, by draw.
    reference: Vec<f64>,
    /// All donors, best first, those not eligible last.
    order: Vec<usize>,
    /// The eligible donors, best first.
    eligible: Vec<usize>,
    /// By donor; zero for those not eligible.
    standing: Vec<Standing>,
}

impl<'a> Scored<'a> {
    fn new(pairs: &'a [&'a PairPrediction], weights: &Weights, level: f64) -> Self {
        let n_draws = pairs[0].p_response.len();
        let none_eligible = pairs.iter().all(|pair| !pair.eligible);
        let in_reference = |donor: &usize| none_eligible || pairs[*donor].eligible;
        let reference_donors: Vec<usize> = (0..pairs.len()).filter(in_reference).collect();
        let random_response = mean_over(&reference_donors, n_draws, |d, b| pairs[d].p_response[b]);
        let delta: Vec<Vec<f64>> = pairs
            .iter()
            .map(|pair| {
                pair.p_response
                    .iter()
                    .zip(&random_response)
                    .map(|(p, m)| p - m)
                    .collect()
            })
            .collect();
        let utility: Vec<Vec<f64>> = pairs
            .iter()
            .zip(&delta)
            .map(|(pair, delta)| {
                let toxicity = pair.p_severe_irae.iter().zip(&pair.p_myocarditis);
                let draws = delta.iter().zip(toxicity);
                draws
                    .map(|(d, (severe, myocarditis))| weights.utility(*d, *severe, *myocarditis))
                    .collect()
            })
            .collect();
        let mean_utility: Vec<f64> = utility.iter().map(|draws| mean(draws)).collect();
        let reference = mean_over(&reference_donors, n_draws, |d, b| utility[d][b]);
        // Stable over donors sorted by id, so that ties go by donor id.
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|&a, &b| {
            let ineligible_last = pairs[b].eligible.cmp(&pairs[a].eligible);
            ineligible_last.then(mean_utility[b].total_cmp(&mean_utility[a]))
        });
        let eligible: Vec<usize> = order
            .iter()
            .copied()
            .filter(|&donor| pairs[donor].eligible)
            .collect();
        let mut standing = vec![Standing::default(); pairs.len()];
        let draws: Vec<&[f64]> = eligible.iter().map(|&d| utility[d].as_slice()).collect();
        for (&donor, found) in eligible.iter().zip(standings(&draws, n_draws, level)) {
            standing[donor] = found;
        }
        Self {
            pairs,
            n_draws,
            delta,
            utility,
            mean_utility,
            reference,
            order,
            eligible,
            standing,
        }
    }

    fn first_under(&self, weights: &Weights) -> Option<usize> {
        let utility = |donor: usize| {
            let pair = self.pairs[donor];
            weights.utility(
                mean(&self.delta[donor]),
                mean(&pair.p_severe_irae),
                mean(&pair.p_myocarditis),
            )
        };
        self.eligible
            .iter()
            .copied()
            .min_by(|&a, &b| utility(b).total_cmp(&utility(a)).then(a.cmp(&b)))
    }
}

/// The mean over some donors, draw by draw.
fn mean_over(donors: &[usize], n_draws: usize, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..n_draws)
        .map(|draw| {
            let sum: f64 = donors.iter().map(|&donor| value(donor, draw)).sum();
            sum / donors.len() as f64
        })
        .collect()
}

fn row_reasons(pair: &PairPrediction, verdict: &Verdict) -> Vec<String> {
    let not_eligible = (!pair.eligible).then(|| "this donor is not eligible".to_owned());
    let out_of_domain = (!pair.in_domain).then(|| {
        pair.domain_reason
            .clone()
            .filter(|reason| !reason.trim().is_empty())
            .unwrap_or_else(|| "the pair lies outside what the models know".to_owned())
    });
    [not_eligible, out_of_domain, verdict.reason.clone()]
        .into_iter()
        .flatten()
        .collect()
}
