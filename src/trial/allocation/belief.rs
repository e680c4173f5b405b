//! What outcomes teach about donors in the course of one trial.

use std::sync::LazyLock;

use super::truth::donor_name;
use super::view::TrialView;
use crate::evidence::{DrawNumbers, Endpoint, Evidence, Setting};
use crate::numeric::distribution::normal_cdf;
use crate::numeric::logistic::sigmoid;

/// What is believed of a donor for the next recipient.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct DonorBelief {
    /// Expected probability of response.
    pub mean: f64,
    /// Probability that it is better than the mean donor with a dose.
    pub p_better: f64,
}

/// Points at which a Beta density is looked at.
const N_POINTS: usize = 100;

/// The logarithms of each point and of what is left to 1.
static POINTS: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let points = (0..N_POINTS).map(|at| (at as f64 + 0.5) / N_POINTS as f64);
    let logs = points.map(|x| (libm::log(x), libm::log(1.0 - x)));
    logs.collect()
});

/// The donors with a dose.
fn open_donors(view: &TrialView<'_>) -> Vec<usize> {
    let numbers = 0..view.donors.len();
    numbers
        .filter(|&donor| view.donors[donor].is_available)
        .collect()
}

/// The Beta posterior of each donor.
fn beta_counts(view: &TrialView<'_>, prior: (f64, f64)) -> Vec<(f64, f64)> {
    let mut counts = vec![prior; view.donors.len()];
    for outcome in view.outcomes {
        let (events, others) = &mut counts[outcome.donor];
        if outcome.response {
            *events += 1.0;
        } else {
            *others += 1.0;
        }
    }
    counts
}

/// Independent Beta posteriors, one a donor; the difference from the mean donor is taken as normal.
pub(super) fn beta_beliefs(view: &TrialView<'_>, prior: (f64, f64)) -> Vec<DonorBelief> {
    let open = open_donors(view);
    let moments = beta_counts(view, prior).into_iter().map(|(a, b)| {
        let n = a + b;
        (a / n, a * b / (n * n * (n + 1.0)))
    });
    let moments: Vec<(f64, f64)> = moments.collect();
    let n_open = open.len().max(1) as f64;
    let total = |of: &dyn Fn(usize) -> f64| open.iter().map(|&donor| of(donor)).sum::<f64>();
    let mean = total(&|donor| moments[donor].0) / n_open;
    let variance = total(&|donor| moments[donor].1);
    let belief = |&(own, spread): &(f64, f64)| {
        // The variance of own − mean of all, which holds a share 1/n of its own.
        let rest = (variance - spread) / (n_open * n_open);
        let of_difference = spread * (1.0 - 1.0 / n_open).powi(2) + rest;
        let z = (own - mean) / of_difference.max(1e-300).sqrt();
        DonorBelief {
            mean: own,
            p_better: normal_cdf(z),
        }
    };
    moments.iter().map(belief).collect()
}

/// The probability of each donor that no donor with a dose is better, by independent Beta
/// posteriors; 0 without a dose.
pub(super) fn beta_p_best(view: &TrialView<'_>, prior: (f64, f64)) -> Vec<f64> {
    let counts = beta_counts(view, prior);
    let open = open_donors(view);
    let of_open: Vec<(f64, f64)> = open.iter().map(|&donor| counts[donor]).collect();
    let mut all = vec![0.0; counts.len()];
    for (&donor, p) in open.iter().zip(p_best(&of_open)) {
        all[donor] = p;
    }
    all
}

/// The probability of each of independent Beta variables to be the largest: the integral of its
/// density times the others' distribution functions, on a grid.
fn p_best(counts: &[(f64, f64)]) -> Vec<f64> {
    if counts.len() < 2 {
        return vec![1.0; counts.len()];
    }
    let logs = &*POINTS;
    let densities: Vec<Vec<f64>> = counts
        .iter()
        .map(|&(a, b)| {
            let log = |&(x, y): &(f64, f64)| (a - 1.0) * x + (b - 1.0) * y;
            let top = logs.iter().map(log).fold(f64::NEG_INFINITY, f64::max);
            let mut density: Vec<f64> = logs.iter().map(|at| libm::exp(log(at) - top)).collect();
            let total: f64 = density.iter().sum();
            for one in &mut density {
                *one /= total;
            }
            density
        })
        .collect();
    let mut below = vec![0.0; counts.len()];
    let mut best = vec![0.0; counts.len()];
    for at in 0..N_POINTS {
        let middle: Vec<f64> = below
            .iter()
            .zip(&densities)
            .map(|(below, density)| below + 0.5 * density[at])
            .collect();
        for (donor, best) in best.iter_mut().enumerate() {
            let others = (0..middle.len()).filter(|&other| other != donor);
            let product: f64 = others.map(|other| middle[other]).product();
            *best += densities[donor][at] * product;
        }
        for (below, density) in below.iter_mut().zip(&densities) {
            *below += density[at];
        }
    }
    let total: f64 = best.iter().sum();
    for one in &mut best {
        *one /= total;
    }
    best
}

/// The joint posterior on the way through a trial: draws with weights, as the fast update of a
/// matcher weighs them.
#[derive(Debug, Clone)]
pub(super) struct PosteriorDraws {
    /// Log-odds of response after a transplant of no donor in particular, a draw each.
    base: Vec<f64>,
    /// What a donor adds: by donor, then draw.
    donors: Vec<Vec<f64>>,
    /// What a match of traits adds.
    slope: Vec<f64>,
}

/// Weights on draws, carried along a trial.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    n_read: usize,
    log_weights: Vec<f64>,
}

impl PosteriorDraws {
    /// `n_draws` draws for at most `n_donors` donors, of whom no outcome was seen.
    pub fn new(
        evidence: &Evidence,
        setting: &Setting<'_>,
        n_donors: usize,
        numbers: DrawNumbers,
    ) -> Self {
        let of_donor = |number| {
            let name = donor_name(number);
            evidence.donor_effect(Endpoint::Response, setting.trial, &name, numbers)
        };
        Self {
            base: evidence.log_odds(Endpoint::Response, setting, numbers),
            donors: (0..n_donors).map(of_donor).collect(),
            slope: evidence.slope(setting.trial, numbers),
        }
    }

    fn p_response(&self, draw: usize, donor: usize, product: f64) -> f64 {
        sigmoid(self.base[draw] + self.donors[donor][draw] + self.slope[draw] * product)
    }

    /// What is believed of each donor for the next recipient.
    pub fn beliefs(&self, view: &TrialView<'_>, memory: &mut Memory) -> Vec<DonorBelief> {
        let open = open_donors(view);
        let mut beliefs = vec![DonorBelief::default(); view.donors.len()];
        self.each_draw(view, memory, |weight, of_draw| {
            let total: f64 = open.iter().map(|&donor| of_draw[donor]).sum();
            let mean = total / open.len().max(1) as f64;
            for (belief, &p) in beliefs.iter_mut().zip(of_draw) {
                belief.mean += weight * p;
                belief.p_better += weight * f64::from(u8::from(p > mean));
            }
        });
        beliefs
    }

    /// The probability of each donor that no donor with a dose is better; 0 without a dose.
    pub fn p_best(&self, view: &TrialView<'_>, memory: &mut Memory) -> Vec<f64> {
        let open = open_donors(view);
        let mut best = vec![0.0; view.donors.len()];
        self.each_draw(view, memory, |weight, of_draw| {
            let better = |best, one| {
                if of_draw[one] > of_draw[best] {
                    one
                } else {
                    best
                }
            };
            if let Some(first) = open.iter().copied().reduce(better) {
                best[first] += weight;
            }
        });
        best
    }

    /// Visits every draw with its weight and the probability of response by donor.
    fn each_draw(
        &self,
        view: &TrialView<'_>,
        memory: &mut Memory,
        mut visit: impl FnMut(f64, &[f64]),
    ) {
        let trait_value = view.recipient.trait_value;
        let mut of_draw = vec![0.0; view.donors.len()];
        for (draw, weight) in self.weights(view, memory).into_iter().enumerate() {
            for (donor, p) in of_draw.iter_mut().enumerate() {
                *p = self.p_response(draw, donor, trait_value * view.donors[donor].trait_value);
            }
            visit(weight, &of_draw);
        }
    }

    /// The weights of the draws under all outcomes known by now; those not yet read are added.
    fn weights(&self, view: &TrialView<'_>, memory: &mut Memory) -> Vec<f64> {
        memory.log_weights.resize(self.base.len(), 0.0);
        for outcome in view.outcomes.iter().skip(memory.n_read) {
            let product = outcome.trait_value * view.donors[outcome.donor].trait_value;
            for (draw, log_weight) in memory.log_weights.iter_mut().enumerate() {
                let p = self.p_response(draw, outcome.donor, product);
                *log_weight += libm::log(if outcome.response { p } else { 1.0 - p });
            }
        }
        memory.n_read = view.outcomes.len();
        let top = memory
            .log_weights
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let weights = memory.log_weights.iter().map(|one| libm::exp(one - top));
        let mut weights: Vec<f64> = weights.collect();
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total;
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn the_probability_to_be_best_is_that_of_the_integral() {
        // Beta(1,1) against Beta(2,1): ∫ 2x·x dx = 2/3 (by hand).
        let best = p_best(&[(1.0, 1.0), (2.0, 1.0)]);
        assert_abs_diff_eq!(best[1], 2.0 / 3.0, epsilon = 1e-4);
        // scipy 1.17.1: integrate.quad(lambda x: beta.pdf(x, 8, 4) * beta.cdf(x, 5, 7)
        // * beta.cdf(x, 2, 2), 0, 1)
        let best = p_best(&[(8.0, 4.0), (5.0, 7.0), (2.0, 2.0)]);
        assert_abs_diff_eq!(best[0], 0.676_461, epsilon = 2e-4);
        assert_abs_diff_eq!(best.iter().sum::<f64>(), 1.0, epsilon = 1e-12);
        assert_eq!(p_best(&[(3.0, 2.0)]), [1.0]);
    }
}
