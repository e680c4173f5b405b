//! What one trial shows when it is over: tests of donors, of the match of traits, of the transplant.

use super::course::{Allocation, Outcomes, SimulatedTrial, run};
use super::policy::AllocationPolicy;
use super::scenario::Scenario;
use super::truth::Truth;
use crate::Result;
use crate::numeric::random::{SplitMix64, derive, uniform};
use crate::trial::design::fisher_exact;

/// Keeps the random numbers of the tests apart from those of the trial.
const PERMUTATIONS: u64 = 4;
const RERANDOMIZATIONS: u64 = 5;

/// P values of one trial; none where it cannot be tested, for want of outcomes or of a control arm.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct TestedTrial {
    /// Donors differ, outcomes permuted over recipients.
    pub donor: Option<f64>,
    /// Donors differ, recipients allocated anew by the policy with their outcomes fixed.
    pub donor_rerandomized: Option<f64>,
    /// A match of traits matters, outcomes permuted.
    pub matching: Option<f64>,
    /// Transplant against control, Fisher's exact test.
    pub transplant: Option<f64>,
}

/// Known outcomes of transplants: donor, product of the traits, response.
fn known(trial: &SimulatedTrial) -> Vec<(usize, f64, bool)> {
    let of = |one: &Allocation| {
        let donor = one.donor?;
        let product = one.trait_value * trial.donor_traits[donor];
        Some((donor, product, one.response?))
    };
    trial.allocations.iter().filter_map(of).collect()
}

/// Pearson's statistic of responders by donor; 0 where all or none respond.
///
/// With the total of responders fixed, the statistic of a permutation differs from
/// Σ responders²/transplants by constants alone.
fn donor_statistic(n_donors: usize, known: &[(usize, f64, bool)]) -> f64 {
    let mut counts = vec![(0.0, 0.0); n_donors];
    for (donor, _, response) in known {
        let (n, responders) = &mut counts[*donor];
        *n += 1.0;
        *responders += f64::from(u8::from(*response));
    }
    let (n, total) = counts
        .iter()
        .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let rate = total / n;
    let variance = rate * (1.0 - rate);
    if variance <= 0.0 || variance.is_nan() {
        return 0.0;
    }
    let terms = counts.iter().filter(|one| one.0 > 0.0);
    terms
        .map(|(n, k)| (k - n * rate).powi(2) / (n * variance))
        .sum()
}

/// How far responders match their donors better than the others do, whatever the sign.
fn match_statistic(known: &[(usize, f64, bool)]) -> f64 {
    let mean = known.iter().map(|one| one.1).sum::<f64>() / known.len() as f64;
    let terms = known.iter().filter(|one| one.2).map(|one| one.1 - mean);
    terms.sum::<f64>().abs()
}

/// P value of a statistic among as many as large: (1 + k)/(1 + n).
fn p_value(observed: f64, others: impl Iterator<Item = f64>) -> f64 {
    // A permutation of equal counts may differ in the last bit.
    let threshold = observed - 1e-9 * observed.abs().max(1.0);
    let (mut n, mut as_large) = (1.0, 1.0);
    for other in others {
        n += 1.0;
        as_large += f64::from(u8::from(other >= threshold));
    }
    as_large / n
}

/// How often the tests of a trial shuffle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shuffles {
    pub n_permutations: u32,
    pub n_rerandomizations: u32,
    pub seed: u64,
}

/// Tests one trial.
pub(super) fn test(
    scenario: &Scenario,
    truth: &Truth,
    policy: &impl AllocationPolicy,
    trial: &SimulatedTrial,
    shuffles: Shuffles,
) -> Result<TestedTrial> {
    let seen = known(trial);
    let mut tested = TestedTrial {
        transplant: transplant(trial)?,
        ..TestedTrial::default()
    };
    let n_responders = seen.iter().filter(|one| one.2).count();
    if n_responders == 0 || n_responders == seen.len() {
        return Ok(tested);
    }
    let n_donors = trial.donor_effects.len();
    let by_donor = donor_statistic(n_donors, &seen);
    let by_match = match_statistic(&seen);
    let mut shuffled = seen.clone();
    let mut random = SplitMix64::new(derive(shuffles.seed, PERMUTATIONS));
    let mut statistics = Vec::with_capacity(shuffles.n_permutations as usize);
    for _ in 0..shuffles.n_permutations {
        for last in (1..shuffled.len()).rev() {
            let other = random.below(last as u64 + 1) as usize;
            let swapped = shuffled[other].2;
            shuffled[other].2 = shuffled[last].2;
            shuffled[last].2 = swapped;
        }
        statistics.push((
            donor_statistic(n_donors, &shuffled),
            match_statistic(&shuffled),
        ));
    }
    if !statistics.is_empty() {
        tested.donor = Some(p_value(by_donor, statistics.iter().map(|one| one.0)));
        tested.matching = Some(p_value(by_match, statistics.iter().map(|one| one.1)));
    }
    if shuffles.n_rerandomizations > 0 {
        tested.donor_rerandomized = Some(rerandomized(
            scenario, truth, policy, trial, by_donor, shuffles,
        )?);
    }
    Ok(tested)
}

/// The test by the policy's own chance: what the statistic would have been, had the same
/// recipients with the same outcomes been allocated anew.
///
/// # References
/// Simon and Simon, "Using randomization tests to preserve type I error with response adaptive and
/// covariate adaptive randomization", Statistics & Probability Letters 2011.
fn rerandomized(
    scenario: &Scenario,
    truth: &Truth,
    policy: &impl AllocationPolicy,
    trial: &SimulatedTrial,
    observed: f64,
    shuffles: Shuffles,
) -> Result<f64> {
    let seed = derive(shuffles.seed, RERANDOMIZATIONS);
    let n_donors = trial.donor_effects.len();
    let outcomes = Outcomes::Fixed(&trial.allocations);
    let mut others = Vec::with_capacity(shuffles.n_rerandomizations as usize);
    for number in 0..shuffles.n_rerandomizations {
        let own = derive(seed, u64::from(number));
        let choices = |recipient: usize, _: &_| uniform(derive(own, recipient as u64));
        let anew = run(scenario, truth, policy, outcomes, choices)?;
        others.push(donor_statistic(n_donors, &known(&anew)));
    }
    Ok(p_value(observed, others.into_iter()))
}

fn transplant(trial: &SimulatedTrial) -> Result<Option<f64>> {
    let count = |is_control: bool| {
        let of =
            |one: &&Allocation| one.is_control == is_control && (is_control || one.donor.is_some());
        let known = trial
            .allocations
            .iter()
            .filter(of)
            .filter_map(|one| one.response);
        known.fold((0, 0), |(k, n), response| (k + u32::from(response), n + 1))
    };
    let (control, given) = (count(true), count(false));
    if control.1 == 0 || given.1 == 0 {
        return Ok(None);
    }
    fisher_exact(given, control).map(Some)
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn the_statistic_of_donors_is_pearson_s() {
        // scipy 1.17.1: stats.chi2_contingency([[3, 2], [0, 5], [4, 1]], correction=False)
        let mut seen = Vec::new();
        for (donor, k, n) in [(0, 3, 5), (1, 0, 5), (2, 4, 5)] {
            seen.extend((0..n).map(|i| (donor, 0.0, i < k)));
        }
        assert_abs_diff_eq!(donor_statistic(3, &seen), 6.964_285_714, epsilon = 1e-8);
        assert_abs_diff_eq!(donor_statistic(1, &[(0, 0.0, true), (0, 0.0, true)]), 0.0);
    }

    #[test]
    fn a_p_value_counts_the_observed_arrangement_itself() {
        assert_abs_diff_eq!(p_value(2.0, [1.0, 2.0, 3.0].into_iter()), 0.75);
        assert_abs_diff_eq!(p_value(4.0, [1.0, 2.0, 3.0].into_iter()), 0.25);
    }
}
