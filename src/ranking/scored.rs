//! One recipient's donors with everything computed from their draws.

use super::Weights;
use super::agreement::tau_of_places;
use super::draws::{Share, Standing, p_above, share_above_zero, standings};
use super::gate::Gate;
use super::order_by::{OrderBy, OrderCase};
use super::prefilter::StandsFor;
use super::result::Regret;
use super::verdict::Term;
use crate::matcher::PairPrediction;
use crate::numeric::summary::mean;

/// One recipient's donors by id, with everything computed from their draws.
pub(super) struct Scored<'a> {
    pub(super) pairs: &'a [&'a PairPrediction],
    /// Why a donor may not be ranked, by donor.
    pub(super) objections: Vec<Option<String>>,
    stands_for: &'a StandsFor,
    pub(super) n_draws: usize,
    /// By donor.
    pub(super) donors: Vec<ScoredDonor>,
    /// Utility, donor × draw.
    utility: Vec<Vec<f64>>,
    /// All donors, best first, those not eligible last.
    pub(super) order: Vec<usize>,
    /// The eligible donors, best first.
    pub(super) eligible: Vec<usize>,
}

/// What a donor's draws come to.
pub(super) struct ScoredDonor {
    /// Means over the draws, against a random donor.
    pub(super) delta_response: f64,
    pub(super) delta_severe_irae: f64,
    pub(super) delta_myocarditis: f64,
    /// The parts of `delta_response` that the evidence and the donor's record make.
    of_evidence: f64,
    of_record: f64,
    pub(super) utility: f64,
    pub(super) better_than_random: Share,
    /// Zero for a donor that is not eligible.
    pub(super) standing: Standing,
}

impl ScoredDonor {
    /// What each term adds to the mean utility.
    pub(super) fn contributions(&self, weights: &Weights) -> [(Term, f64); 5] {
        let of_microbiome = self.delta_response - self.of_evidence - self.of_record;
        [
            (Term::Response, weights.response * of_microbiome),
            (Term::Evidence, weights.response * self.of_evidence),
            (Term::Record, weights.response * self.of_record),
            (
                Term::SevereIrae,
                -weights.severe_irae * self.delta_severe_irae,
            ),
            (
                Term::Myocarditis,
                -weights.myocarditis * self.delta_myocarditis,
            ),
        ]
    }
}

/// An endpoint of a pair, one probability a draw.
type Endpoint = fn(&PairPrediction) -> &[f64];

const RESPONSE: Endpoint = |pair| &pair.p_response;
const SEVERE_IRAE: Endpoint = |pair| &pair.p_severe_irae;
const MYOCARDITIS: Endpoint = |pair| &pair.p_myocarditis;

impl<'a> Scored<'a> {
    pub(super) fn new(
        pairs: &'a [&'a PairPrediction],
        gate: &Gate<'_>,
        stands_for: &'a StandsFor,
        weights: &Weights,
        level: f64,
    ) -> Self {
        let n_draws = pairs[0].p_response.len();
        let objections: Vec<Option<String>> =
            pairs.iter().map(|pair| gate.objection(pair)).collect();
        let none_eligible = objections.iter().all(Option::is_some);
        let reference: Vec<&PairPrediction> = pairs
            .iter()
            .zip(&objections)
            .filter(|(_, objection)| none_eligible || objection.is_none())
            .map(|(pair, _)| *pair)
            .collect();
        let shares: Vec<f64> = reference
            .iter()
            .map(|pair| stands_for.of(&pair.donor_id))
            .collect();
        let random = [RESPONSE, SEVERE_IRAE, MYOCARDITIS]
            .map(|endpoint| mean_by_draw(&reference, &shares, n_draws, endpoint));
        let utility: Vec<Vec<f64>> = pairs
            .iter()
            .map(|pair| {
                let draws = 0..n_draws;
                draws
                    .map(|draw| {
                        weights.utility(
                            pair.p_response[draw] - random[0][draw],
                            pair.p_severe_irae[draw] - random[1][draw],
                            pair.p_myocarditis[draw] - random[2][draw],
                        )
                    })
                    .collect()
            })
            .collect();
        let over_random = |pair: &PairPrediction, which: usize, endpoint: Endpoint| {
            let draws = endpoint(pair).iter().zip(&random[which]);
            draws.map(|(p, random)| p - random).sum::<f64>() / n_draws as f64
        };
        let parts: [fn(&PairPrediction) -> f64; 2] =
            [|pair| pair.evidence_log_odds, |pair| pair.record.effect];
        let random_parts = parts.map(|part| {
            let sum: f64 = reference
                .iter()
                .zip(&shares)
                .map(|(pair, share)| share * part(pair))
                .sum();
            sum / shares.iter().sum::<f64>()
        });
        // The slope of the probability at the pair: a part of log-odds in units of response.
        let of_part = |pair: &PairPrediction, which: usize| {
            let slopes = pair.p_response.iter().map(|p| p * (1.0 - p));
            let slope = slopes.sum::<f64>() / n_draws as f64;
            slope * (parts[which](pair) - random_parts[which])
        };
        let mut donors: Vec<ScoredDonor> = pairs
            .iter()
            .zip(&utility)
            .map(|(pair, utility)| ScoredDonor {
                delta_response: over_random(pair, 0, RESPONSE),
                delta_severe_irae: over_random(pair, 1, SEVERE_IRAE),
                delta_myocarditis: over_random(pair, 2, MYOCARDITIS),
                of_evidence: of_part(pair, 0),
                of_record: of_part(pair, 1),
                utility: mean(utility),
                better_than_random: share_above_zero(utility),
                standing: Standing::default(),
            })
            .collect();
        // Stable over donors sorted by id, so that ties go by donor id.
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|&a, &b| {
            let ineligible_last = objections[a].is_some().cmp(&objections[b].is_some());
            ineligible_last.then(donors[b].utility.total_cmp(&donors[a].utility))
        });
        let is_eligible = |donor: &usize| objections[*donor].is_none();
        let eligible: Vec<usize> = order.iter().copied().filter(is_eligible).collect();
        let draws: Vec<&[f64]> = eligible.iter().map(|&d| utility[d].as_slice()).collect();
        for (&donor, found) in eligible.iter().zip(standings(&draws, n_draws, level)) {
            donors[donor].standing = found;
        }
        Self {
            pairs,
            objections,
            stands_for,
            n_draws,
            donors,
            utility,
            order,
            eligible,
        }
    }

    /// Share of draws in which the first donor beats the second.
    pub(super) fn p_first_beats_second(&self) -> Option<f64> {
        match self.eligible.as_slice() {
            [first, second, ..] => Some(p_above(&self.utility[*first], &self.utility[*second])),
            _ => None,
        }
    }

    /// What the first of the order and what a random eligible donor are expected to cost against
    /// knowing the truth.
    pub(super) fn regrets(&self) -> Option<(Regret, Regret)> {
        let &first = self.eligible.first()?;
        let highest = |of: &dyn Fn(usize, usize) -> f64| {
            let of_draw = |draw| {
                let donors = self.eligible.iter().map(|&donor| of(donor, draw));
                donors.fold(f64::NEG_INFINITY, f64::max)
            };
            (0..self.n_draws).map(of_draw).sum::<f64>() / self.n_draws as f64
        };
        let best_utility = highest(&|donor, draw| self.utility[donor][draw]);
        let best_response = highest(&|donor, draw| self.pairs[donor].p_response[draw]);
        let mean_response = |donor: usize| mean(&self.pairs[donor].p_response);
        let share = |donor: usize| self.stands_for.of(&self.pairs[donor].donor_id);
        let of_random = |donor: usize| (share(donor) * mean_response(donor), share(donor));
        let (sum, total) = self.eligible.iter().fold((0.0, 0.0), |sum, &donor| {
            let (response, share) = of_random(donor);
            (sum.0 + response, sum.1 + share)
        });
        let random_response = sum / total;
        let regret = |utility: f64, response: f64| Regret {
            utility: (best_utility - utility).max(0.0),
            responses_per_100: 100.0 * (best_response - response).max(0.0),
        };
        Some((
            regret(self.donors[first].utility, mean_response(first)),
            regret(0.0, random_response),
        ))
    }

    /// The eligible donors in order by something else than the utility.
    pub(super) fn order_cases(&self, weights: &Weights) -> Vec<OrderCase> {
        let values = OrderBy::ALL.map(|by| {
            let value = |&donor: &usize| self.value_by(by, donor, weights);
            (by, self.eligible.iter().map(value).collect::<Vec<f64>>())
        });
        let cases = values.into_iter().map(|(by, values)| {
            let is_flat = values
                .iter()
                .all(|value| value.total_cmp(&values[0]).is_eq());
            let id = |place: u32| &self.pairs[self.eligible[place as usize]].donor_id;
            let mut places: Vec<u32> = (0..values.len() as u32).collect();
            places.sort_by(|&a, &b| {
                let by_value = values[b as usize].total_cmp(&values[a as usize]);
                by_value.then_with(|| id(a).cmp(id(b)))
            });
            let first = places.first().filter(|_| !is_flat);
            OrderCase {
                by,
                first_donor: first.map(|&place| id(place).clone()),
                agreement: tau_of_places(places).filter(|_| !is_flat),
            }
        });
        cases.collect()
    }

    fn value_by(&self, by: OrderBy, donor: usize, weights: &Weights) -> f64 {
        let pair = self.pairs[donor];
        let count = |draws: &[f32]| {
            let sum: f64 = draws.iter().map(|&n| f64::from(n)).sum();
            sum / draws.len() as f64
        };
        match by {
            OrderBy::Depletion => pair.deleterious_lost,
            OrderBy::Engraftment => count(&pair.n_gained),
            OrderBy::Diversity => count(&pair.n_gained) + count(&pair.n_kept),
            OrderBy::FlatEvidence => {
                let terms = self.donors[donor].contributions(weights).into_iter();
                let kept = terms.filter(|(term, _)| !matches!(term, Term::Evidence | Term::Record));
                kept.map(|(_, value)| value).sum()
            }
        }
    }

    /// The donor that comes first under other weights.
    pub(super) fn first_under(&self, weights: &Weights) -> Option<usize> {
        let utility = |donor: usize| {
            let contributions = self.donors[donor].contributions(weights);
            contributions.iter().map(|(_, value)| value).sum::<f64>()
        };
        self.eligible
            .iter()
            .copied()
            .min_by(|&a, &b| utility(b).total_cmp(&utility(a)).then(a.cmp(&b)))
    }
}

/// The mean over some pairs, draw by draw, each with the number of donors it stands for.
fn mean_by_draw(
    pairs: &[&PairPrediction],
    shares: &[f64],
    n_draws: usize,
    endpoint: Endpoint,
) -> Vec<f64> {
    let total: f64 = shares.iter().sum();
    (0..n_draws)
        .map(|draw| {
            let terms = pairs.iter().zip(shares);
            let sum: f64 = terms
                .map(|(pair, share)| share * endpoint(pair)[draw])
                .sum();
            sum / total
        })
        .collect()
}
