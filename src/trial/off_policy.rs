//! What another policy would have been worth in a trial that is over.
//!
//! A trial logs with which probability it chose each donor. From these, the recipients who happened
//! to get what another policy would have given stand for all: [`OffPolicyParams::value`]. Where the
//! other policy would have chosen what the trial never did, no weighting helps, and bounds stand
//! in place of a number.
//!
//! # References
//! Dudík, Erhan, Langford and Li, "Doubly robust policy evaluation and optimization", Statistical
//! Science 2014; Swaminathan and Joachims, "The self-normalized estimator for counterfactual
//! learning", NIPS 2015.

use serde::{Deserialize, Serialize};

use crate::numeric::random::{SplitMix64, derive};
use crate::numeric::summary::quantile;
use crate::{Error, Result};

/// One recipient of the trial and what another policy would have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedRecipient {
    /// Number of the donor that was given.
    pub donor: usize,
    /// The probability by which the trial chose each donor.
    pub probabilities: Vec<f64>,
    /// What came of it, in [0, 1]: 1 for a response.
    pub outcome: f64,
    /// The probability of each donor under the other policy; 1 for the first of a ranking.
    pub target: Vec<f64>,
    /// What a model that has not seen this outcome predicts with each donor, in [0, 1]; empty for
    /// none.
    #[serde(default)]
    pub predicted: Vec<f64>,
}

/// How the value of a policy is estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OffPolicyParams {
    /// Level of the intervals. Default 0.9.
    pub level: f64,
    /// Resamples of recipients for the intervals. Default 2000.
    pub n_resamples: u32,
    /// Seed. Default 0.
    pub seed: u64,
}

impl Default for OffPolicyParams {
    fn default() -> Self {
        Self {
            level: 0.9,
            n_resamples: 2000,
            seed: 0,
        }
    }
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValueEstimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub lo: f64,
    /// Upper end of the interval.
    pub hi: f64,
}

/// What another policy would have been worth: the expected outcome of a recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OffPolicyValue {
    /// Recipients.
    pub n_recipients: u32,
    /// Mean outcome as the trial went.
    pub observed: ValueEstimate,
    /// Inverse propensity: unbiased, and wide. None where support is deficient.
    pub inverse_propensity: Option<ValueEstimate>,
    /// The same divided by the sum of the weights: slightly biased, narrower.
    pub self_normalized: Option<ValueEstimate>,
    /// With a model's predictions, corrected by the outcomes: unbiased if either propensities or
    /// predictions are right. None without predictions.
    pub doubly_robust: Option<ValueEstimate>,
    /// Share of recipients for whom the other policy would have chosen, with some probability, what
    /// the trial never would have.
    pub unsupported: f64,
    /// The least and the largest value that the data allow: what is unsupported may have been worth
    /// 0 or 1. With the interval of the supported part.
    pub bounds: ValueEstimate,
    /// Effective number of recipients behind the weights, (Σw)²/Σw².
    pub effective_size: f64,
}

/// The parts of one recipient that every estimate is a sum of.
#[derive(Debug, Clone, Copy)]
struct Parts {
    outcome: f64,
    weight: f64,
    /// Predicted value of the other policy, and of what was given.
    predicted: Option<(f64, f64)>,
    /// Probability of the other policy that the trial's choices do not reach.
    unsupported: f64,
}

impl OffPolicyParams {
    /// The value of another policy from the log of a trial.
    ///
    /// Intervals resample recipients with equal tails; they hold where recipients are exchangeable,
    /// which learning policies break somewhat.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no recipient, lengths disagree, probabilities do not sum to
    /// 1, a donor was given with probability 0, or a number lies outside [0, 1];
    /// [`Error::Parameter`] for a level outside (0, 1).
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::off_policy::{LoggedRecipient, OffPolicyParams};
    ///
    /// // Two donors by coin: the first responds in 2 of 2, the second in 0 of 2.
    /// let log: Vec<LoggedRecipient> = [(0, 1.0), (0, 1.0), (1, 0.0), (1, 0.0)]
    ///     .map(|(donor, outcome)| LoggedRecipient {
    ///         donor,
    ///         probabilities: vec![0.5, 0.5],
    ///         outcome,
    ///         target: vec![1.0, 0.0],
    ///         predicted: Vec::new(),
    ///     })
    ///     .to_vec();
    /// let value = OffPolicyParams::default().value(&log)?;
    /// assert_eq!(value.inverse_propensity.unwrap().value, 1.0);
    /// assert_eq!(value.observed.value, 0.5);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn value(&self, log: &[LoggedRecipient]) -> Result<OffPolicyValue> {
        if !(self.level > 0.0 && self.level < 1.0) {
            let message = format!(
                "expected a number above 0 and below 1, found {}",
                self.level
            );
            return Err(Error::parameter("level", message));
        }
        if log.is_empty() {
            return Err(Error::table("there is no recipient to learn from"));
        }
        let parts = log
            .iter()
            .enumerate()
            .map(|(number, one)| parts(number, one))
            .collect::<Result<Vec<Parts>>>()?;
        let is_supported = parts.iter().all(|one| one.unsupported <= 0.0);
        let has_model = parts.iter().all(|one| one.predicted.is_some());
        let estimate = |of: fn(&[Parts]) -> f64| self.estimate(&parts, of);
        let supported = |of: fn(&[Parts]) -> f64| is_supported.then(|| estimate(of));
        let (least, largest) = (estimate(lower_bound), estimate(upper_bound));
        let weights = parts.iter().map(|one| one.weight);
        let squares: f64 = weights.clone().map(|weight| weight * weight).sum();
        let n_unsupported = parts.iter().filter(|one| one.unsupported > 0.0).count();
        Ok(OffPolicyValue {
            n_recipients: parts.len() as u32,
            observed: estimate(observed),
            inverse_propensity: supported(inverse_propensity),
            self_normalized: supported(self_normalized),
            doubly_robust: has_model.then(|| supported(doubly_robust)).flatten(),
            unsupported: n_unsupported as f64 / parts.len() as f64,
            bounds: ValueEstimate {
                value: 0.5 * (least.value + largest.value),
                lo: least.lo.clamp(0.0, 1.0),
                hi: largest.hi.clamp(0.0, 1.0),
            },
            effective_size: if squares > 0.0 {
                weights.sum::<f64>().powi(2) / squares
            } else {
                0.0
            },
        })
    }

    fn estimate(&self, parts: &[Parts], of: fn(&[Parts]) -> f64) -> ValueEstimate {
        let n = parts.len() as u64;
        let resample = |number: u32| {
            let mut random = SplitMix64::new(derive(self.seed, u64::from(number)));
            let some: Vec<Parts> = (0..n).map(|_| parts[random.below(n) as usize]).collect();
            of(&some)
        };
        let mut rising: Vec<f64> = (0..self.n_resamples).map(resample).collect();
        rising.retain(|value| value.is_finite());
        rising.sort_by(f64::total_cmp);
        let value = of(parts);
        if rising.is_empty() {
            return ValueEstimate {
                value,
                lo: value,
                hi: value,
            };
        }
        let tail = (1.0 - self.level) / 2.0;
        ValueEstimate {
            value,
            lo: quantile(&rising, tail),
            hi: quantile(&rising, 1.0 - tail),
        }
    }
}

fn mean(parts: &[Parts], of: impl Fn(&Parts) -> f64) -> f64 {
    parts.iter().map(of).sum::<f64>() / parts.len() as f64
}

fn observed(parts: &[Parts]) -> f64 {
    mean(parts, |one| one.outcome)
}

fn inverse_propensity(parts: &[Parts]) -> f64 {
    mean(parts, |one| one.weight * one.outcome)
}

fn self_normalized(parts: &[Parts]) -> f64 {
    inverse_propensity(parts) / mean(parts, |one| one.weight)
}

fn doubly_robust(parts: &[Parts]) -> f64 {
    mean(parts, |one| {
        let (target, given) = one.predicted.unwrap_or((0.0, 0.0));
        target + one.weight * (one.outcome - given)
    })
}

fn lower_bound(parts: &[Parts]) -> f64 {
    inverse_propensity(parts)
}

fn upper_bound(parts: &[Parts]) -> f64 {
    mean(parts, |one| one.weight * one.outcome + one.unsupported)
}

/// How far probabilities may be from 1 in sum.
const TOLERANCE: f64 = 1e-6;

fn parts(number: usize, one: &LoggedRecipient) -> Result<Parts> {
    let wrong = |message: String| Error::table(format!("recipient {number}: {message}"));
    let n = one.probabilities.len();
    if one.target.len() != n || !(one.predicted.is_empty() || one.predicted.len() == n) {
        return Err(wrong(format!(
            "expected `target` and `predicted` for each of {n} donors, found {} and {}",
            one.target.len(),
            one.predicted.len()
        )));
    }
    for (name, values) in [
        ("probabilities", &one.probabilities),
        ("target", &one.target),
    ] {
        let sum: f64 = values.iter().sum();
        if values.iter().any(|&p| !(0.0..=1.0).contains(&p)) || (sum - 1.0).abs() > TOLERANCE {
            let message = format!("`{name}` are no probabilities that sum to 1: {values:?}");
            return Err(wrong(message));
        }
    }
    let mut numbers = one.predicted.iter().chain([&one.outcome]);
    if let Some(value) = numbers.find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(wrong(format!(
            "expected outcome and predictions in [0, 1], found {value}"
        )));
    }
    let propensity = one.probabilities.get(one.donor).copied().unwrap_or(0.0);
    if propensity <= 0.0 {
        let message = format!("donor {} was given with probability 0", one.donor);
        return Err(wrong(message));
    }
    let pairs = || one.target.iter().zip(&one.probabilities);
    let expected = |predicted: &[f64]| -> f64 {
        one.target
            .iter()
            .zip(predicted)
            .map(|(p, value)| p * value)
            .sum()
    };
    Ok(Parts {
        outcome: one.outcome,
        weight: one.target[one.donor] / propensity,
        predicted: one
            .predicted
            .get(one.donor)
            .map(|&given| (expected(&one.predicted), given)),
        unsupported: pairs()
            .filter(|(_, p)| **p <= 0.0)
            .map(|(target, _)| target)
            .sum(),
    })
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    /// Recipients whose donors, two of three, are drawn with known probabilities, and whose
    /// response to each donor is known: 0.2, 0.6, and 0.4 with the one that is never given.
    fn log(seed: u64, n: usize, target: [f64; 3]) -> Vec<LoggedRecipient> {
        let rates = [0.2, 0.6, 0.4];
        let mut random = SplitMix64::new(seed);
        (0..n)
            .map(|_| {
                let first = 0.2 + 0.6 * random.uniform();
                let donor = usize::from(random.uniform() >= first);
                LoggedRecipient {
                    donor,
                    probabilities: vec![first, 1.0 - first, 0.0],
                    outcome: f64::from(u8::from(random.uniform() < rates[donor])),
                    target: target.to_vec(),
                    // A model that is wrong by a tenth for everybody.
                    predicted: rates.map(|rate| rate + 0.1).to_vec(),
                }
            })
            .collect()
    }

    fn quick() -> OffPolicyParams {
        OffPolicyParams {
            n_resamples: 200,
            ..OffPolicyParams::default()
        }
    }

    #[test]
    fn estimates_are_unbiased_where_the_value_is_known_and_intervals_hold_it() {
        let truth = 0.25 * 0.2 + 0.75 * 0.6;
        let (n_trials, mut sums, mut held) = (400, [0.0; 3], [0_u32; 3]);
        for seed in 0..n_trials {
            let value = quick().value(&log(seed, 60, [0.25, 0.75, 0.0])).unwrap();
            let found = [
                value.inverse_propensity.unwrap(),
                value.self_normalized.unwrap(),
                value.doubly_robust.unwrap(),
            ];
            for (at, one) in found.iter().enumerate() {
                sums[at] += one.value;
                held[at] += u32::from(one.lo <= truth && truth <= one.hi);
            }
        }
        for (sum, held) in sums.iter().zip(held) {
            // The standard error of 400 means of 60 recipients is about 0.004.
            assert_abs_diff_eq!(sum / n_trials as f64, truth, epsilon = 0.013);
            let share = f64::from(held) / n_trials as f64;
            assert!((0.84..=0.95).contains(&share), "{share}");
        }
    }

    #[test]
    fn what_was_never_tried_has_bounds_and_no_number() {
        let truth = 0.5 * 0.6 + 0.5 * 0.4;
        let mut held = 0;
        for seed in 0..200 {
            let value = quick().value(&log(seed, 60, [0.0, 0.5, 0.5])).unwrap();
            assert!(value.inverse_propensity.is_none() && value.doubly_robust.is_none());
            assert_abs_diff_eq!(value.unsupported, 1.0);
            held += u32::from(value.bounds.lo <= truth && truth <= value.bounds.hi);
        }
        assert!(held >= 198, "{held} of 200");
    }

    #[test]
    fn a_log_that_cannot_be_is_refused() {
        let good = || log(0, 1, [1.0, 0.0, 0.0]);
        let refused = |change: &dyn Fn(&mut LoggedRecipient)| {
            let mut bad = good();
            change(&mut bad[0]);
            quick().value(&bad).unwrap_err().to_string()
        };
        assert!(refused(&|one| one.target.truncate(2)).contains("each of 3 donors"));
        assert!(refused(&|one| one.donor = 2).contains("probability 0"));
        assert!(refused(&|one| one.donor = 9).contains("probability 0"));
        assert!(refused(&|one| one.outcome = f64::NAN).contains("[0, 1]"));
        assert!(refused(&|one| one.target = vec![0.5, 0.1, 0.1]).contains("sum to 1"));
        assert!(quick().value(&[]).is_err());
        assert!(
            OffPolicyParams {
                level: 1.0,
                ..quick()
            }
            .value(&good())
            .is_err()
        );
    }
}
