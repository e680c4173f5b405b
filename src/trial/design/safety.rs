//! When to stop for toxicity.

use serde::{Deserialize, Serialize};

use super::check_rate;
use super::exact::{binomial_tail, rate_where};
use crate::numeric::distribution::incomplete_beta;
use crate::{Error, Result};

/// How a boundary is set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SafetyRule {
    /// Stop if so many events would be seen with at most a fixed probability at the acceptable
    /// rate, that probability chosen so that the whole trial stops with at most `type_one_error`
    /// (a Pocock boundary for exact counts).
    Pocock {
        /// The probability of stopping at the acceptable rate, over the whole trial.
        type_one_error: f64,
    },
    /// Stop if the posterior probability that the rate exceeds the acceptable one passes a
    /// threshold, under a Beta prior.
    Bayesian {
        /// Events of the prior.
        prior_events: f64,
        /// Patients without event of the prior.
        prior_others: f64,
        /// The posterior probability from which on a trial stops.
        threshold: f64,
    },
}

/// A trial that is watched after every patient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetyParams {
    /// Patients of the whole trial.
    pub n: u32,
    /// The rate of events that is acceptable.
    pub acceptable_rate: f64,
    /// How the boundary is set.
    pub rule: SafetyRule,
}

/// The numbers of events at which a trial stops, and what that does.
///
/// # References
/// Ivanova, Qaqish and Schell 2005, Biometrics 61:540 (doi 10.1111/j.1541-0420.2005.00311.x), for the
/// Pocock boundary on exact counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SafetyBoundary {
    /// After `i + 1` patients: the number of events at which to stop; absent if no number does.
    pub stop_at: Vec<Option<u32>>,
    /// The probability of stopping at the acceptable rate.
    pub p_stop_if_acceptable: f64,
    /// The level at each look, of the Pocock rule.
    pub look_level: Option<f64>,
}

impl SafetyParams {
    /// The boundary.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no patient or more than ten thousand, or a rate is out of range.
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::design::{SafetyParams, SafetyRule};
    ///
    /// // Myocarditis under dual inhibition: acceptable in 1 of 100, 20 patients.
    /// let rule = SafetyRule::Pocock { type_one_error: 0.05 };
    /// let boundary = SafetyParams { n: 20, acceptable_rate: 0.01, rule }.boundary()?;
    /// assert!(boundary.p_stop_if_acceptable <= 0.05);
    /// assert_eq!(boundary.stop_at[19], Some(2));
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn boundary(&self) -> Result<SafetyBoundary> {
        check_rate("acceptable_rate", self.acceptable_rate)?;
        if !(1..=10_000).contains(&self.n) {
            let message = format!("expected 1 to 10000 patients, found {}", self.n);
            return Err(Error::parameter("n", message));
        }
        match self.rule {
            SafetyRule::Pocock { type_one_error } => self.pocock(type_one_error),
            SafetyRule::Bayesian {
                prior_events,
                prior_others,
                threshold,
            } => self.bayesian(prior_events, prior_others, threshold),
        }
    }

    fn pocock(&self, type_one_error: f64) -> Result<SafetyBoundary> {
        check_rate("type_one_error", type_one_error)?;
        let p = self.acceptable_rate;
        let at = |level: f64| self.stops(|events, n| binomial_tail(events, n, p) <= level);
        let spends = |level: f64| p_stop(&at(level), p);
        // The probability of stopping rises by steps with the level: the last level below the step.
        let level = rate_where(|level| spends(level) <= type_one_error);
        let level = if spends(level) <= type_one_error {
            level
        } else {
            level - 1e-12
        };
        let stop_at = at(level);
        Ok(SafetyBoundary {
            p_stop_if_acceptable: p_stop(&stop_at, p),
            stop_at,
            look_level: Some(level),
        })
    }

    fn bayesian(&self, events: f64, others: f64, threshold: f64) -> Result<SafetyBoundary> {
        check_rate("threshold", threshold)?;
        for (name, prior) in [("prior_events", events), ("prior_others", others)] {
            if !(prior.is_finite() && prior > 0.0) {
                let message = format!("expected a number above 0, found {prior}");
                return Err(Error::parameter(name, message));
            }
        }
        let p = self.acceptable_rate;
        let exceeds = |k: u32, n: u32| {
            let (a, b) = (events + f64::from(k), others + f64::from(n - k));
            1.0 - incomplete_beta(a, b, p) >= threshold
        };
        let stop_at = self.stops(exceeds);
        Ok(SafetyBoundary {
            p_stop_if_acceptable: p_stop(&stop_at, p),
            stop_at,
            look_level: None,
        })
    }

    /// After each patient, the fewest events for which a rule that holds for more holds.
    fn stops(&self, holds: impl Fn(u32, u32) -> bool) -> Vec<Option<u32>> {
        let mut fewest = 1;
        let mut looks = Vec::with_capacity(self.n as usize);
        for n in 1..=self.n {
            while fewest <= n && !holds(fewest, n) {
                fewest += 1;
            }
            looks.push((fewest <= n).then_some(fewest));
        }
        looks
    }
}

impl SafetyBoundary {
    /// The probability that a trial stops if the true rate is `rate`, and the patients it has
    /// treated by then, on average.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `rate` is not between 0 and 1.
    pub fn at_rate(&self, rate: f64) -> Result<(f64, f64)> {
        check_rate("rate", rate)?;
        Ok((p_stop(&self.stop_at, rate), expected_n(&self.stop_at, rate)))
    }
}

/// The probability of each number of events after each patient of a trial that goes on, and what
/// stops at each look.
fn looks(stop_at: &[Option<u32>], rate: f64) -> Vec<f64> {
    let mut going_on = vec![1.0];
    let mut stopped = Vec::with_capacity(stop_at.len());
    for stop in stop_at {
        let mut next = vec![0.0; going_on.len() + 1];
        for (events, p) in going_on.iter().enumerate() {
            next[events] += p * (1.0 - rate);
            next[events + 1] += p * rate;
        }
        let from = stop.map_or(next.len(), |stop| (stop as usize).min(next.len()));
        stopped.push(next[from..].iter().sum());
        next.truncate(from);
        going_on = next;
    }
    stopped
}

fn p_stop(stop_at: &[Option<u32>], rate: f64) -> f64 {
    looks(stop_at, rate).iter().sum()
}

fn expected_n(stop_at: &[Option<u32>], rate: f64) -> f64 {
    let stopped = looks(stop_at, rate);
    let mut running = 1.0;
    let mut expected = 0.0;
    for p in stopped {
        expected += running;
        running -= p;
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    fn pocock(n: u32, acceptable_rate: f64, type_one_error: f64) -> SafetyBoundary {
        let rule = SafetyRule::Pocock { type_one_error };
        let params = SafetyParams {
            n,
            acceptable_rate,
            rule,
        };
        params.boundary().unwrap()
    }

    #[test]
    fn a_trial_stops_no_oftener_than_allowed_and_a_tighter_boundary_would() {
        for (n, p, alpha) in [
            (20, 0.01, 0.05),
            (30, 0.2, 0.05),
            (40, 0.1, 0.1),
            (1, 0.3, 0.5),
        ] {
            let boundary = pocock(n, p, alpha);
            assert!(boundary.p_stop_if_acceptable <= alpha);
            let level = boundary.look_level.unwrap() + 1e-6;
            let rule = SafetyRule::Pocock {
                type_one_error: alpha,
            };
            let params = SafetyParams {
                n,
                acceptable_rate: p,
                rule,
            };
            let looser = params.stops(|events, n| binomial_tail(events, n, p) <= level);
            assert!(level >= 1.0 || p_stop(&looser, p) > alpha, "{n} {p}");
        }
    }

    // By hand: with 2 patients and a stop at the second event, a trial stops with rate².
    #[test]
    fn probabilities_of_stopping_are_those_by_hand() {
        let boundary = SafetyBoundary {
            stop_at: vec![None, Some(2), Some(2)],
            p_stop_if_acceptable: 0.0,
            look_level: None,
        };
        let (p, n) = boundary.at_rate(0.3).unwrap();
        assert_relative_eq!(p, 0.09 + 2.0 * 0.3 * 0.7 * 0.3, max_relative = 1e-12);
        assert_relative_eq!(n, 2.0 + (1.0 - 0.09), max_relative = 1e-12);
        assert!(boundary.at_rate(1.5).is_err());
    }

    // scipy 1.17: the fewest k with stats.beta.sf(0.2, 1 + k, 4 + n - k) ≥ 0.9.
    #[test]
    fn bayesian_boundaries_are_those_of_scipy() {
        let rule = SafetyRule::Bayesian {
            prior_events: 1.0,
            prior_others: 4.0,
            threshold: 0.9,
        };
        let boundary = SafetyParams {
            n: 20,
            acceptable_rate: 0.2,
            rule,
        }
        .boundary()
        .unwrap();
        let found: Vec<u32> = boundary
            .stop_at
            .iter()
            .map(|stop| stop.unwrap_or(0))
            .collect();
        assert_eq!(found, SCIPY_BAYESIAN);
        assert_abs_diff_eq!(
            boundary.p_stop_if_acceptable,
            p_stop(&boundary.stop_at, 0.2)
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let rule = SafetyRule::Pocock {
            type_one_error: 0.05,
        };
        assert!(
            SafetyParams {
                n: 0,
                acceptable_rate: 0.1,
                rule
            }
            .boundary()
            .is_err()
        );
        assert!(
            SafetyParams {
                n: 5,
                acceptable_rate: 1.0,
                rule
            }
            .boundary()
            .is_err()
        );
        let rule = SafetyRule::Bayesian {
            prior_events: 0.0,
            prior_others: 1.0,
            threshold: 0.9,
        };
        assert!(
            SafetyParams {
                n: 5,
                acceptable_rate: 0.1,
                rule
            }
            .boundary()
            .is_err()
        );
    }

    const SCIPY_BAYESIAN: [u32; 20] = [0, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7];
}
