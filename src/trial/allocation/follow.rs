//! What one trial says along its way: verdicts after each part of it, and what its choices cost.

use super::belief::{DonorBelief, Memory};
use super::course::{Allocation, SimulatedTrial};
use super::scenario::Scenario;
use super::view::{DonorView, KnownOutcome, RecipientView, TrialView};
use crate::Result;
use crate::trial::design::SafetyBoundary;

/// Looks at the verdicts of a trial, at equal distances.
const N_LOOKS: usize = 10;

/// Verdicts in the course of a trial and at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Followed {
    /// Recipients enrolled when a donor was preferred for the first time.
    pub first_prefer: Option<usize>,
    /// Donors preferred at the end, and how many of them are truly better than the mean donor.
    pub n_preferred: u32,
    pub n_preferred_true: u32,
    /// Whether the donor with the highest expectation is truly the best.
    pub is_best_first: bool,
}

/// Follows a trial. `beliefs` is asked for an average recipient after each tenth of the recipients,
/// and at the end, when every outcome is known.
pub(super) fn follow(
    scenario: &Scenario,
    trial: &SimulatedTrial,
    prefer_above: f64,
    beliefs: impl Fn(&TrialView<'_>, &mut Memory) -> Result<Vec<DonorBelief>>,
) -> Result<Followed> {
    let mut followed = Followed::default();
    let mut memory = Memory::default();
    let n = trial.allocations.len();
    let mut end = Vec::new();
    for look in 1..=N_LOOKS {
        let n_enrolled = (n * look).div_ceil(N_LOOKS);
        let week = if look == N_LOOKS {
            f64::INFINITY
        } else {
            trial.allocations[n_enrolled.saturating_sub(1)].week
        };
        end = beliefs_by(trial, week - scenario.outcome_weeks, &mut memory, &beliefs)?;
        let says = end.iter().any(|one| one.p_better >= prefer_above);
        if says && followed.first_prefer.is_none() {
            followed.first_prefer = Some(n_enrolled);
        }
    }
    judge(&mut followed, trial, &end, prefer_above);
    Ok(followed)
}

/// What is believed when every outcome is known.
pub(super) fn at_end(
    trial: &SimulatedTrial,
    beliefs: impl Fn(&TrialView<'_>, &mut Memory) -> Result<Vec<DonorBelief>>,
) -> Result<Vec<DonorBelief>> {
    beliefs_by(trial, f64::INFINITY, &mut Memory::default(), &beliefs)
}

/// What is believed of the donors, for an average recipient, by the outcomes of transplants given
/// up to a week.
fn beliefs_by(
    trial: &SimulatedTrial,
    week: f64,
    memory: &mut Memory,
    beliefs: &impl Fn(&TrialView<'_>, &mut Memory) -> Result<Vec<DonorBelief>>,
) -> Result<Vec<DonorBelief>> {
    let outcomes = known_by(trial, week);
    let donors = donors(trial);
    let view = TrialView {
        recipient: RecipientView {
            number: trial.allocations.len() as u32,
            trait_value: 0.0,
            is_dual: false,
        },
        donors: &donors,
        outcomes: &outcomes,
    };
    beliefs(&view, memory)
}

/// The outcomes of transplants given up to a week.
fn known_by(trial: &SimulatedTrial, week: f64) -> Vec<KnownOutcome> {
    let of = |one: &Allocation| {
        Some(KnownOutcome {
            donor: one.donor?,
            trait_value: one.trait_value,
            is_dual: one.is_dual,
            response: one.response?,
            severe: one.severe,
        })
    };
    let given = trial.allocations.iter().take_while(|one| one.week <= week);
    given.filter_map(of).collect()
}

fn donors(trial: &SimulatedTrial) -> Vec<DonorView> {
    let of = |&trait_value: &f64| DonorView {
        trait_value,
        prior_score: 0.0,
        is_rich: false,
        n_given: 0,
        is_available: true,
    };
    trial.donor_traits.iter().map(of).collect()
}

fn judge(followed: &mut Followed, trial: &SimulatedTrial, end: &[DonorBelief], prefer_above: f64) {
    let effects = &trial.donor_effects;
    let n = effects.len() as f64;
    let mean = effects.iter().sum::<f64>() / n;
    for (belief, effect) in end.iter().zip(effects) {
        if belief.p_better >= prefer_above {
            followed.n_preferred += 1;
            followed.n_preferred_true += u32::from(*effect > mean);
        }
    }
    let first = |of: &dyn Fn(usize) -> f64| {
        (0..effects.len()).reduce(|best, one| if of(one) > of(best) { one } else { best })
    };
    let expected = first(&|donor| end[donor].mean);
    let best = effects.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    followed.is_best_first = expected.is_some_and(|donor| effects[donor] >= best);
}

/// What the choices of one trial cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Regret {
    /// Recipients enrolled, those who got a transplant, and those for whom there was no dose.
    pub n: u32,
    pub n_given: u32,
    pub n_unserved: u32,
    pub n_responders: u32,
    pub n_severe: u32,
    /// True probabilities of response of all recipients, in sum.
    pub expected_responders: f64,
    /// What the best donor would have added, after each recipient, in sum so far.
    pub cumulative: Vec<f64>,
    /// The least probability with which a donor was given.
    pub least_probability: Option<f64>,
    /// Recipients enrolled when the trial stopped for toxicity.
    pub stopped_at: Option<usize>,
}

impl Regret {
    pub fn of(trial: &SimulatedTrial, boundary: Option<&SafetyBoundary>) -> Self {
        let mut regret = Self::default();
        let mut sum = 0.0;
        for one in &trial.allocations {
            regret.n += 1;
            regret.n_given += u32::from(one.donor.is_some());
            regret.n_unserved += u32::from(one.donor.is_none() && !one.is_control);
            regret.n_responders += u32::from(one.response == Some(true));
            regret.n_severe += u32::from(one.severe);
            regret.expected_responders += one.true_p_response;
            if let Some(donor) = one.donor {
                sum += one.true_p_best - one.true_p_response;
                let p = one.probabilities[donor];
                let least = regret.least_probability.map_or(p, |least| least.min(p));
                regret.least_probability = Some(least);
            }
            regret.cumulative.push(sum);
            let stop_at = boundary.and_then(|it| it.stop_at.get(regret.n as usize - 1).copied()?);
            if regret.stopped_at.is_none() && stop_at.is_some_and(|at| regret.n_severe >= at) {
                regret.stopped_at = Some(regret.n as usize);
            }
        }
        regret
    }
}
