//! What would have to differ for the other donor to come first.

use serde::Serialize;

use crate::matcher::PairPrediction;
use crate::model::probability_of_score;
use crate::numeric::logistic::logit;
use crate::numeric::summary::mean;
use crate::profile::SubjectId;
use crate::ranking::Weights;

/// The most that log-odds are moved in the search for a tie.
const MOST: f64 = 50.0;

/// What would have to differ for the donor that comes second by utility to come first. It speaks of
/// the models, not of what a change in a patient would bring.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counterfactual {
    /// The donor with the higher utility.
    pub first: SubjectId,
    /// The other.
    pub second: SubjectId,
    /// The utility of the first less that of the second.
    pub utility_gap: f64,
    /// What must be added to the log-odds of response of the second, in every draw, for a tie: the
    /// smallest change of any one term of response. Absent where none would do.
    pub response_change: Option<f64>,
    /// What must be taken from the log-odds of a severe event of the second for a tie. Absent where
    /// none would do.
    pub severe_irae_change: Option<f64>,
    /// What is left of the gap were the second like the first in one term alone; the smallest gap
    /// first. Terms in which the two are the same are left out.
    pub swaps: Vec<Swap>,
    /// The value of each weight, the others as they are, from which the second comes first; the
    /// smallest relative change first. Weights without such a value are left out.
    pub weights: Vec<WeightAtTie>,
}

/// The gap in utility were the second donor like the first in one term.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Swap {
    /// The endpoint.
    pub endpoint: &'static str,
    /// The term.
    pub term: String,
    /// The utility of the first less that of the second then.
    pub utility_gap: f64,
    /// Whether the second would come first, or level.
    pub overtakes: bool,
}

/// A weight at which the two donors are level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightAtTie {
    /// `response`, `severe_irae` or `myocarditis`.
    pub weight: &'static str,
    /// As it is.
    pub value: f64,
    /// Where the two are level; the second comes first beyond.
    pub value_at_tie: f64,
}

/// Log-odds of two donors, the first by utility before the second.
struct Two<'a> {
    first: &'a PairPrediction,
    second: &'a PairPrediction,
    weights: &'a Weights,
    /// Of the second.
    response: Vec<f64>,
    severe: Vec<f64>,
}

impl Two<'_> {
    /// The gap in utility with these numbers added to the log-odds of the second.
    fn gap(&self, response: impl Fn(usize) -> f64, severe: impl Fn(usize) -> f64) -> f64 {
        let shifted = |log_odds: &[f64], by: &dyn Fn(usize) -> f64| {
            let draws = log_odds.iter().enumerate();
            mean(
                &draws
                    .map(|(draw, log_odds)| probability_of_score(log_odds + by(draw)))
                    .collect::<Vec<_>>(),
            )
        };
        self.weights.utility(
            mean(&self.first.p_response) - shifted(&self.response, &response),
            mean(&self.first.p_severe_irae) - shifted(&self.severe, &severe),
            mean(&self.first.p_myocarditis) - mean(&self.second.p_myocarditis),
        )
    }

    /// The change at which a gap that falls with it is 0, by bisection.
    fn tie(&self, gap: impl Fn(f64) -> f64) -> Option<f64> {
        let (mut low, mut high) = (0.0, MOST);
        if self.weights.check().is_err() || gap(high) > 0.0 {
            return None;
        }
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if gap(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }
}

/// A term and what it adds to the donor explained over the other, draw by draw.
type TermDifference = (String, Vec<f64>);

impl Counterfactual {
    /// From the predictions of the donor explained and of the other, and their terms.
    pub(super) fn new(
        [donor, against]: [&PairPrediction; 2],
        response: &[TermDifference],
        severe: &[TermDifference],
        weights: &Weights,
    ) -> Self {
        let utility = |pair: &PairPrediction| {
            let means = [&pair.p_response, &pair.p_severe_irae, &pair.p_myocarditis];
            let [response, severe, myocarditis] = means.map(|draws| mean(draws));
            weights.utility(response, severe, myocarditis)
        };
        let is_ahead = utility(donor) >= utility(against);
        let (first, second) = if is_ahead {
            (donor, against)
        } else {
            (against, donor)
        };
        let two = Two {
            response: second.p_response.iter().map(|&p| logit(p)).collect(),
            severe: second.p_severe_irae.iter().map(|&p| logit(p)).collect(),
            first,
            second,
            weights,
        };
        let sign = if is_ahead { 1.0 } else { -1.0 };
        let none = |_: usize| 0.0;
        let of_response = response.iter().map(|(term, by)| {
            let gap = two.gap(|draw| sign * by[draw], none);
            (("response", term, by), gap)
        });
        let of_severe = severe.iter().map(|(term, by)| {
            let gap = two.gap(none, |draw| sign * by[draw]);
            (("severe_irae", term, by), gap)
        });
        let mut swaps: Vec<Swap> = of_response
            .chain(of_severe)
            .filter(|((_, _, by), _)| by.iter().any(|by| by.abs() > 1e-12))
            .map(|((endpoint, term, _), utility_gap)| Swap {
                endpoint,
                term: term.clone(),
                utility_gap,
                overtakes: utility_gap <= 0.0,
            })
            .collect();
        swaps.sort_by(|a, b| a.utility_gap.total_cmp(&b.utility_gap));
        Self {
            utility_gap: two.gap(none, none),
            response_change: two.tie(|by| two.gap(|_| by, none)),
            severe_irae_change: two.tie(|by| two.gap(none, |_| -by)),
            swaps,
            weights: weights_at_tie(first, second, weights),
            first: first.donor_id.clone(),
            second: second.donor_id.clone(),
        }
    }
}

/// Where a change of one weight alone makes the two level: the gap is linear in each.
fn weights_at_tie(
    first: &PairPrediction,
    second: &PairPrediction,
    weights: &Weights,
) -> Vec<WeightAtTie> {
    let gap = |of: fn(&PairPrediction) -> &[f64]| mean(of(first)) - mean(of(second));
    // What a unit of each weight adds to the gap.
    let terms = [
        ("response", weights.response, gap(|pair| &pair.p_response)),
        (
            "severe_irae",
            weights.severe_irae,
            -gap(|pair| &pair.p_severe_irae),
        ),
        (
            "myocarditis",
            weights.myocarditis,
            -gap(|pair| &pair.p_myocarditis),
        ),
    ];
    let whole: f64 = terms.iter().map(|(_, weight, by)| weight * by).sum();
    let at_tie = |&(weight, value, by): &(&'static str, f64, f64)| {
        let value_at_tie = value - whole / by;
        let is_weight = value_at_tie.is_finite() && value_at_tie >= 0.0;
        is_weight.then_some(WeightAtTie {
            weight,
            value,
            value_at_tie,
        })
    };
    let mut found: Vec<WeightAtTie> = terms.iter().filter_map(at_tie).collect();
    let change = |one: &WeightAtTie| libm::log(one.value_at_tie / one.value).abs();
    found.sort_by(|a, b| change(a).total_cmp(&change(b)));
    found
}
