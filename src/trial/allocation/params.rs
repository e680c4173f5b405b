//! The settings of a design that is tried on many simulated trials.

use serde::{Deserialize, Serialize};

use super::policy::{Learner, Policy};
use super::scenario::Scenario;
use crate::cohort::{Cancer, Line, Regimen, TreatmentContext};
use crate::{Error, Result};

/// Where the true effects of simulated trials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum TrueEffects {
    /// The scenario sets them: power at one value.
    #[default]
    Set,
    /// Each trial draws them from the joint posterior of a matcher: power averaged over what is
    /// believed (assurance).
    Posterior,
}

/// A design that is tried on many simulated trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DesignParams {
    /// What the trials are like.
    pub scenario: Scenario,
    /// The policies. Default all, learning by `learner`.
    pub policies: Option<Vec<Policy>>,
    /// What policies and verdicts learn by. Default Beta.
    pub learner: Learner,
    /// Where true effects come from. Default the scenario.
    pub true_effects: TrueEffects,
    /// Regimen, cancer, line and partner, for the joint posterior. Default refractory melanoma
    /// under anti-PD-1.
    pub context: TreatmentContext,
    /// Simulated trials. Default 1000.
    pub n_trials: u32,
    /// Permutations of each test; 0 leaves the tests out. Default 199.
    pub n_permutations: u32,
    /// New allocations for the randomization test of donors; it costs as many trials. Default 0.
    pub n_rerandomizations: u32,
    /// Level of the tests. Default 0.05.
    pub level: f64,
    /// Probability from which on a donor is preferred. Default 0.8.
    pub prefer_above: f64,
    /// Events and others of the Beta prior of a donor, in sum. Default 2, at the scenario's
    /// probability of response.
    pub prior_size: f64,
    /// Rate of severe events that is acceptable, for stopping; none for no stopping rule. Default
    /// none.
    pub acceptable_severe: Option<f64>,
    /// Seed. Default 0.
    pub seed: u64,
}

impl Default for DesignParams {
    fn default() -> Self {
        Self {
            scenario: Scenario::default(),
            policies: None,
            learner: Learner::default(),
            true_effects: TrueEffects::default(),
            context: TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory),
            n_trials: 1000,
            n_permutations: 199,
            n_rerandomizations: 0,
            level: 0.05,
            prefer_above: 0.8,
            prior_size: 2.0,
            acceptable_severe: None,
            seed: 0,
        }
    }
}

/// Most simulated trials of one call.
const MOST_TRIALS: u32 = 10_000_000;

impl DesignParams {
    /// Whether it asks for the joint posterior of a matcher: for true effects, or to learn by.
    pub fn needs_evidence(&self) -> bool {
        let mut policies = self.policies.iter().flatten();
        self.true_effects == TrueEffects::Posterior
            || self.learner == Learner::Posterior
            || policies.any(|policy| policy.learner() == Some(Learner::Posterior))
    }

    pub(super) fn check(&self) -> Result<()> {
        self.scenario.check()?;
        if !(1..=MOST_TRIALS).contains(&self.n_trials) {
            let message = format!("expected 1 to {MOST_TRIALS}, found {}", self.n_trials);
            return Err(Error::parameter("n_trials", message));
        }
        for (name, share) in [("level", self.level), ("prefer_above", self.prefer_above)] {
            if !(share > 0.0 && share < 1.0) {
                let message = format!("expected a number above 0 and below 1, found {share}");
                return Err(Error::parameter(name, message));
            }
        }
        if !(self.prior_size > 0.0 && self.prior_size.is_finite()) {
            let message = format!("expected a positive number, found {}", self.prior_size);
            return Err(Error::parameter("prior_size", message));
        }
        Ok(())
    }
}
