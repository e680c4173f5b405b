//! What is known when a recipient is to be allocated.

use serde::{Deserialize, Serialize};

/// The recipient who is next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecipientView {
    /// Its place in the order of enrolment, from 0.
    pub number: u32,
    /// Its known trait.
    pub trait_value: f64,
    /// Whether it receives both inhibitors.
    pub is_dual: bool,
}

/// A donor of the trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DonorView {
    /// Its known trait.
    pub trait_value: f64,
    /// What was predicted of its effect before the trial, in standard deviations.
    pub prior_score: f64,
    /// Whether it is rich in Prevotellaceae.
    pub is_rich: bool,
    /// Transplants given so far.
    pub n_given: u32,
    /// Whether it has a dose.
    pub is_available: bool,
}

/// A transplant whose outcome is known by now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KnownOutcome {
    /// Number of the donor.
    pub donor: usize,
    /// The recipient's trait.
    pub trait_value: f64,
    /// Whether it received both inhibitors.
    pub is_dual: bool,
    /// Whether it responded.
    pub response: bool,
    /// Whether it had a severe event.
    pub severe: bool,
}

/// What a policy is shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrialView<'a> {
    /// The recipient who is next.
    pub recipient: RecipientView,
    /// The donors, by number.
    pub donors: &'a [DonorView],
    /// The outcomes known by now, in the order in which they became known.
    pub outcomes: &'a [KnownOutcome],
}

impl TrialView<'_> {
    /// Each donor that has a dose with equal probability.
    pub fn even(&self) -> Vec<f64> {
        self.among(|donor| f64::from(u8::from(donor.is_available)))
    }

    /// Probabilities in proportion to weights, 0 without a dose; equal ones where all weights are 0.
    pub(super) fn among(&self, weight: impl Fn(&DonorView) -> f64) -> Vec<f64> {
        let weights = self.donors.iter().map(weight).collect();
        self.proportional(weights)
    }

    pub(super) fn proportional(&self, mut weights: Vec<f64>) -> Vec<f64> {
        for (weight, donor) in weights.iter_mut().zip(self.donors) {
            *weight = if donor.is_available { *weight } else { 0.0 };
        }
        let total: f64 = weights.iter().sum();
        if total > 0.0 {
            for weight in &mut weights {
                *weight /= total;
            }
            return weights;
        }
        let n = self.donors.iter().filter(|one| one.is_available).count();
        let each = 1.0 / n.max(1) as f64;
        let of = |donor: &DonorView| if donor.is_available { each } else { 0.0 };
        self.donors.iter().map(of).collect()
    }
}
