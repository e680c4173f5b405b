//! What a design shows, policy by policy.

use serde::{Deserialize, Serialize};

use super::params::DesignParams;
use super::result::TrialResult;
use crate::numeric::summary::quantile;

/// What a design shows: one row and one curve a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DesignReport {
    /// What was simulated.
    pub params: DesignParams,
    /// One row a policy.
    pub rows: Vec<DesignRow>,
    /// Regret and responders as recipients are enrolled.
    pub curves: Vec<PolicyCurve>,
}

/// The columns of [`DesignRow`], in order.
pub const DESIGN_COLUMNS: [&str; 22] = [
    "policy",
    "n_trials",
    "p_run",
    "n_given",
    "n_unserved",
    "responders",
    "responders_se",
    "regret",
    "regret_se",
    "severe",
    "p_stopped",
    "power_donor",
    "power_donor_se",
    "power_donor_rerandomized",
    "power_matching",
    "power_transplant",
    "p_prefer",
    "prefer_true",
    "n_to_prefer",
    "p_best_first",
    "least_probability",
    "level",
];

/// What one policy does over all simulated trials; means over the trials that were run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DesignRow {
    /// The policy.
    pub policy: String,
    /// Simulated trials.
    pub n_trials: u32,
    /// Share of them for which at least one donor passed the screening.
    pub p_run: f64,
    /// Transplants a trial.
    pub n_given: f64,
    /// Recipients a trial for whom there was no dose.
    pub n_unserved: f64,
    /// Expected responders a trial: the true probabilities in sum.
    pub responders: f64,
    /// Monte-Carlo standard error of `responders`.
    pub responders_se: f64,
    /// Responders a trial that the best donor for each would have added.
    pub regret: f64,
    /// Monte-Carlo standard error of `regret`.
    pub regret_se: f64,
    /// Recipients with a severe event a trial.
    pub severe: f64,
    /// Share of trials that stop for toxicity; none without a stopping rule.
    pub p_stopped: Option<f64>,
    /// Share of trials whose permutation test of donors has a p value up to the level; under no
    /// donor effect the type-I error. A trial that cannot be tested shows nothing.
    pub power_donor: Option<f64>,
    /// Monte-Carlo standard error of `power_donor`.
    pub power_donor_se: Option<f64>,
    /// The same by the policy's own chance.
    pub power_donor_rerandomized: Option<f64>,
    /// The same of the match of traits.
    pub power_matching: Option<f64>,
    /// The same of transplant against control; none without a control arm.
    pub power_transplant: Option<f64>,
    /// Share of trials at whose end a donor is preferred.
    pub p_prefer: f64,
    /// Share of preferred donors that are truly better than the mean donor; none where none is.
    pub prefer_true: Option<f64>,
    /// Recipients enrolled before a donor is preferred, median over trials; none where half the
    /// trials never get there.
    pub n_to_prefer: Option<f64>,
    /// Share of trials at whose end the donor of the highest expectation is the best.
    pub p_best_first: f64,
    /// The least probability by which a donor was given in any trial.
    pub least_probability: Option<f64>,
    /// Level of the tests.
    pub level: f64,
}

/// Regret along the trial, mean over trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolicyCurve {
    /// The policy.
    pub policy: String,
    /// After each recipient, responders that the best donor for each would have added so far.
    pub regret: Vec<f64>,
}

/// Mean and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0) / n).sqrt())
}

impl DesignRow {
    pub(super) fn of(policy: &str, params: &DesignParams, results: &[TrialResult]) -> Self {
        let run: Vec<&TrialResult> = results.iter().filter(|one| one.is_run).collect();
        let mean = |of: &dyn Fn(&TrialResult) -> f64| {
            mean_and_error(&run.iter().map(|one| of(one)).collect::<Vec<f64>>())
        };
        let share = |is: &dyn Fn(&TrialResult) -> bool| mean(&|one| f64::from(u8::from(is(one)))).0;
        let power = |of: &dyn Fn(&TrialResult) -> Option<f64>| {
            let any = run.iter().any(|one| of(one).is_some());
            let shows = |one: &TrialResult| of(one).is_some_and(|p| p <= params.level);
            any.then(|| share(&shows))
        };
        let power_donor = power(&|one| one.tested.donor);
        let error = |p: f64| (p * (1.0 - p) / run.len() as f64).sqrt();
        let (responders, responders_se) = mean(&|one| one.regret.expected_responders);
        let last = |one: &TrialResult| one.regret.cumulative.last().copied().unwrap_or(0.0);
        let (regret, regret_se) = mean(&last);
        let preferred = run.iter().map(|one| one.followed.n_preferred).sum::<u32>();
        let truly = run
            .iter()
            .map(|one| one.followed.n_preferred_true)
            .sum::<u32>();
        let stops = |one: &TrialResult| one.regret.stopped_at.is_some();
        Self {
            policy: policy.to_owned(),
            n_trials: results.len() as u32,
            p_run: run.len() as f64 / results.len() as f64,
            n_given: mean(&|one| f64::from(one.regret.n_given)).0,
            n_unserved: mean(&|one| f64::from(one.regret.n_unserved)).0,
            responders,
            responders_se,
            regret,
            regret_se,
            severe: mean(&|one| f64::from(one.regret.n_severe)).0,
            p_stopped: params.acceptable_severe.map(|_| share(&stops)),
            power_donor,
            power_donor_se: power_donor.map(error),
            power_donor_rerandomized: power(&|one| one.tested.donor_rerandomized),
            power_matching: power(&|one| one.tested.matching),
            power_transplant: power(&|one| one.tested.transplant),
            p_prefer: share(&|one| one.followed.n_preferred > 0),
            prefer_true: (preferred > 0).then(|| f64::from(truly) / f64::from(preferred)),
            n_to_prefer: n_to_prefer(&run),
            p_best_first: share(&|one| one.followed.is_best_first),
            least_probability: run
                .iter()
                .filter_map(|one| one.regret.least_probability)
                .reduce(f64::min),
            level: params.level,
        }
    }
}

/// The median of recipients enrolled at the first preference, those that never get there last.
fn n_to_prefer(run: &[&TrialResult]) -> Option<f64> {
    let of = |one: &&TrialResult| {
        one.followed
            .first_prefer
            .map_or(f64::INFINITY, |n| n as f64)
    };
    let mut rising: Vec<f64> = run.iter().map(of).collect();
    if rising.is_empty() {
        return None;
    }
    rising.sort_by(f64::total_cmp);
    let median = quantile(&rising, 0.5);
    median.is_finite().then_some(median)
}

impl PolicyCurve {
    pub(super) fn of(policy: &str, n_recipients: usize, results: &[TrialResult]) -> Self {
        let run: Vec<&TrialResult> = results.iter().filter(|one| one.is_run).collect();
        let after = |number: usize| {
            let sum: f64 = run
                .iter()
                .filter_map(|one| one.regret.cumulative.get(number))
                .sum();
            sum / run.len() as f64
        };
        Self {
            policy: policy.to_owned(),
            regret: (0..n_recipients).map(after).collect(),
        }
    }
}
