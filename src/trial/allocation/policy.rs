//! Who gets which donor: the policies that are compared.

use serde::{Deserialize, Serialize};

use super::belief::{DonorBelief, Memory, PosteriorDraws, beta_beliefs, beta_p_best};
use super::view::{DonorView, TrialView};
use crate::{Error, Result};

/// How donors are allocated to recipients, one after another. Closures
/// `Fn(&TrialView) -> Result<Vec<f64>>` are policies too.
pub trait AllocationPolicy: Sync {
    /// The probability of each donor for the recipient who is next: 0 without a dose, 1 in sum.
    /// `memory` is kept from recipient to recipient of one trial.
    ///
    /// # Errors
    /// Whatever keeps the policy from choosing.
    fn probabilities(&self, view: &TrialView<'_>, memory: &mut Memory) -> Result<Vec<f64>>;
}

impl<F: Fn(&TrialView<'_>) -> Result<Vec<f64>> + Sync> AllocationPolicy for F {
    fn probabilities(&self, view: &TrialView<'_>, _: &mut Memory) -> Result<Vec<f64>> {
        self(view)
    }
}

/// What a policy learns by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Learner {
    /// A Beta posterior a donor, each on its own.
    #[default]
    Beta,
    /// The joint posterior of a matcher, its draws weighted by the outcomes.
    Posterior,
}

/// The policies that come with the library.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Policy {
    /// Every donor with a dose is equally likely.
    Even,
    /// Permuted blocks of one transplant from each donor.
    Blocked,
    /// The donor of whom most is predicted before the trial: its score, and `match_weight` times
    /// the product of the traits. It learns nothing.
    Prior {
        /// Weight of the match of traits.
        match_weight: f64,
    },
    /// Thompson sampling: each donor with its posterior probability to be the best, mixed with an
    /// even share.
    Thompson {
        /// Share that is allocated evenly, so that every donor goes on being tried.
        floor: f64,
        /// What it learns by.
        learner: Learner,
    },
    /// By verdict: the best of the donors that are preferred; where there is none, evenly among
    /// those that are not to be avoided.
    Greedy {
        /// Share that is allocated evenly.
        floor: f64,
        /// Probability to be better than the mean donor from which on one is preferred, as in
        /// [`RankingParams`](crate::ranking::RankingParams); with 1 − this it is avoided.
        prefer_above: f64,
        /// What it learns by.
        learner: Learner,
    },
}

/// The share that adaptive policies allocate evenly where nothing else is said.
pub const DEFAULT_FLOOR: f64 = 0.1;

impl Policy {
    /// The five policies with their defaults, learning by `learner`.
    pub fn all(learner: Learner) -> Vec<Self> {
        vec![
            Self::Even,
            Self::Blocked,
            Self::Prior { match_weight: 1.0 },
            Self::Thompson {
                floor: DEFAULT_FLOOR,
                learner,
            },
            Self::Greedy {
                floor: DEFAULT_FLOOR,
                prefer_above: 0.8,
                learner,
            },
        ]
    }

    /// The word used in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Blocked => "blocked",
            Self::Prior { .. } => "prior",
            Self::Thompson { .. } => "thompson",
            Self::Greedy { .. } => "greedy",
        }
    }

    /// What it learns by; none where it learns nothing.
    pub fn learner(&self) -> Option<Learner> {
        match *self {
            Self::Even | Self::Blocked | Self::Prior { .. } => None,
            Self::Thompson { learner, .. } | Self::Greedy { learner, .. } => Some(learner),
        }
    }

    /// That its numbers are possible.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is not.
    pub fn check(&self) -> Result<()> {
        let share = |name: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                return Ok(());
            }
            let message = format!("expected a number from 0 to 1, found {value}");
            Err(Error::parameter(name, message))
        };
        match *self {
            Self::Even | Self::Blocked => Ok(()),
            Self::Prior { match_weight } if match_weight.is_finite() => Ok(()),
            Self::Prior { match_weight } => {
                let message = format!("expected a finite number, found {match_weight}");
                Err(Error::parameter("match_weight", message))
            }
            Self::Thompson { floor, .. } => share("floor", floor),
            Self::Greedy {
                floor,
                prefer_above,
                ..
            } => share("floor", floor).and(share("prefer_above", prefer_above)),
        }
    }
}

/// What learning policies believe before any outcome, and by what they learn.
#[derive(Debug, Clone)]
pub(super) struct Knowledge {
    /// Events and others of the Beta prior of each donor.
    pub beta_prior: (f64, f64),
    /// Draws of the joint posterior, where one is given.
    pub posterior: Option<PosteriorDraws>,
}

impl Knowledge {
    /// What is believed of each donor.
    pub fn beliefs(
        &self,
        learner: Learner,
        view: &TrialView<'_>,
        memory: &mut Memory,
    ) -> Result<Vec<DonorBelief>> {
        match learner {
            Learner::Beta => Ok(beta_beliefs(view, self.beta_prior)),
            Learner::Posterior => Ok(self.posterior()?.beliefs(view, memory)),
        }
    }

    /// The probability of each donor to be the best.
    fn p_best(
        &self,
        learner: Learner,
        view: &TrialView<'_>,
        memory: &mut Memory,
    ) -> Result<Vec<f64>> {
        match learner {
            Learner::Beta => Ok(beta_p_best(view, self.beta_prior)),
            Learner::Posterior => Ok(self.posterior()?.p_best(view, memory)),
        }
    }

    fn posterior(&self) -> Result<&PosteriorDraws> {
        self.posterior.as_ref().ok_or_else(|| {
            let message = "`posterior` needs a matcher, whose joint posterior it learns by";
            Error::parameter("learner", message)
        })
    }
}

/// A policy with what it knows.
#[derive(Debug, Clone)]
pub(super) struct InformedPolicy<'a> {
    pub policy: Policy,
    pub knowledge: &'a Knowledge,
}

impl AllocationPolicy for InformedPolicy<'_> {
    fn probabilities(&self, view: &TrialView<'_>, memory: &mut Memory) -> Result<Vec<f64>> {
        match self.policy {
            Policy::Even => Ok(view.even()),
            Policy::Blocked => Ok(blocked(view)),
            Policy::Prior { match_weight } => Ok(prior(view, match_weight)),
            Policy::Thompson { floor, learner } => {
                let best = self.knowledge.p_best(learner, view, memory)?;
                Ok(mixed(view, view.proportional(best), floor))
            }
            Policy::Greedy {
                floor,
                prefer_above,
                learner,
            } => {
                let beliefs = self.knowledge.beliefs(learner, view, memory)?;
                Ok(mixed(view, greedy(view, &beliefs, prefer_above), floor))
            }
        }
    }
}

/// One transplant of each donor in every block.
fn blocked(view: &TrialView<'_>) -> Vec<f64> {
    let n = view.donors.len().max(1) as u32;
    let total: u32 = view.donors.iter().map(|donor| donor.n_given).sum();
    let block = total / n + 1;
    view.among(|donor| f64::from(block.saturating_sub(donor.n_given)))
}

fn prior(view: &TrialView<'_>, match_weight: f64) -> Vec<f64> {
    let score = |donor: &DonorView| {
        donor.prior_score + match_weight * view.recipient.trait_value * donor.trait_value
    };
    only(view, |number| score(&view.donors[number]))
}

/// The donor with a dose of the highest score, and no other.
fn only(view: &TrialView<'_>, score: impl Fn(usize) -> f64) -> Vec<f64> {
    let open = (0..view.donors.len()).filter(|&one| view.donors[one].is_available);
    let first = open.reduce(|best, one| if score(one) > score(best) { one } else { best });
    let weight = |number| f64::from(u8::from(Some(number) == first));
    (0..view.donors.len()).map(weight).collect()
}

fn greedy(view: &TrialView<'_>, beliefs: &[DonorBelief], prefer_above: f64) -> Vec<f64> {
    let is_open = |number: &usize| view.donors[*number].is_available;
    let is_preferred = |number: &usize| beliefs[*number].p_better >= prefer_above;
    let numbers = 0..beliefs.len();
    if numbers
        .clone()
        .filter(is_open)
        .any(|one| is_preferred(&one))
    {
        let among = |number: usize| {
            let belief = &beliefs[number];
            if is_preferred(&number) {
                belief.mean
            } else {
                -1.0
            }
        };
        return only(view, among);
    }
    let is_avoided = |number: usize| 1.0 - beliefs[number].p_better >= prefer_above;
    let weights = numbers.map(|number| f64::from(u8::from(!is_avoided(number))));
    view.proportional(weights.collect())
}

/// A share spread evenly, the rest as it is.
fn mixed(view: &TrialView<'_>, mut probabilities: Vec<f64>, floor: f64) -> Vec<f64> {
    for (probability, even) in probabilities.iter_mut().zip(view.even()) {
        *probability = floor * even + (1.0 - floor) * *probability;
    }
    probabilities
}
