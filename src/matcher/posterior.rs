//! A multivariate normal distribution of a few coefficients, and its update with binary outcomes.

use serde::{Deserialize, Serialize};

use crate::numeric::cholesky::Cholesky;
use crate::numeric::logistic::{log_loss, sigmoid};
use crate::numeric::newton::{Convex, NoMinimum, Stop, minimize};
use crate::{Error, Result};

/// A normal distribution by its mean and the lower Cholesky factor of its covariance (row-major).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Normal {
    pub(crate) mean: Vec<f64>,
    pub(crate) factor: Vec<f64>,
}

impl Normal {
    /// Independent coefficients, each `(mean, sd)`.
    pub fn independent(coefficients: &[(f64, f64)]) -> Self {
        let n = coefficients.len();
        let mut factor = vec![0.0; n * n];
        for (at, (_, sd)) in coefficients.iter().enumerate() {
            factor[at * n + at] = *sd;
        }
        Self {
            mean: coefficients.iter().map(|(mean, _)| *mean).collect(),
            factor,
        }
    }

    /// The same with another spread of one independent coefficient.
    pub fn with_sd(&self, coefficient: usize, sd: f64) -> Self {
        let mut changed = self.clone();
        changed.factor[coefficient * self.mean.len() + coefficient] = sd;
        changed
    }

    /// Whether it is of `n` coefficients with finite numbers, for one that was read from a file.
    pub fn is_sound(&self, n: usize) -> bool {
        self.mean.len() == n
            && self.factor.len() == n * n
            && self
                .mean
                .iter()
                .chain(&self.factor)
                .all(|number| number.is_finite())
    }

    /// Mean and standard deviation of each coefficient.
    pub fn marginals(&self) -> Vec<(f64, f64)> {
        let n = self.mean.len();
        let sd = |row: &[f64]| row.iter().map(|value| value * value).sum::<f64>().sqrt();
        self.mean
            .iter()
            .copied()
            .zip(self.factor.chunks(n).map(sd))
            .collect()
    }

    /// One draw; `z` gives the standard normal number of each coefficient.
    pub fn draw(&self, z: impl Fn(usize) -> f64) -> Vec<f64> {
        let n = self.mean.len();
        let z: Vec<f64> = (0..n).map(z).collect();
        let moved = |row: &[f64]| row.iter().zip(&z).map(|(l, z)| l * z).sum::<f64>();
        self.mean
            .iter()
            .zip(self.factor.chunks(n))
            .map(|(mean, row)| mean + moved(row))
            .collect()
    }

    /// Laplace's approximation of the posterior after binary outcomes, each `(row of the design,
    /// offset, event)`: the mode by Newton's method, the covariance from the curvature there.
    ///
    /// # Errors
    /// [`Error::Convergence`] where the mode is not found in 100 steps.
    pub fn update(&self, outcomes: &[(Vec<f64>, f64, bool)]) -> Result<Self> {
        if outcomes.is_empty() {
            return Ok(self.clone());
        }
        let n = self.mean.len();
        let posterior = Posterior {
            prior: self,
            precision: Cholesky::from_lower(n, self.factor.clone()).inverse(),
            outcomes,
        };
        let stop = Stop {
            tolerance: 1e-20,
            max_steps: 100,
        };
        let (mean, curvature) =
            minimize(&posterior, self.mean.clone(), stop).map_err(|reason| match reason {
                NoMinimum::Flat => not_definite(),
                NoMinimum::NotReached => {
                    Error::convergence("the toxicity update did not settle in 100 Newton steps")
                }
            })?;
        let covariance = Cholesky::new(n, &curvature.inverse()).ok_or_else(not_definite)?;
        Ok(Self {
            mean,
            factor: covariance.into_lower(),
        })
    }
}

fn not_definite() -> Error {
    Error::convergence("a curvature is not positive definite")
}

/// Minus the log posterior after binary outcomes, each `(row of the design, offset, event)`.
struct Posterior<'a> {
    prior: &'a Normal,
    /// Inverse of the prior covariance.
    precision: Vec<f64>,
    outcomes: &'a [(Vec<f64>, f64, bool)],
}

impl Posterior<'_> {
    /// Score and outcome of each row.
    fn scores(&self, point: &[f64]) -> impl Iterator<Item = (f64, f64)> {
        self.outcomes.iter().map(move |(row, offset, event)| {
            let score = offset + row.iter().zip(point).map(|(x, b)| x * b).sum::<f64>();
            (score, f64::from(u8::from(*event)))
        })
    }

    /// Prior precision × (prior mean − point).
    fn pull(&self, point: &[f64]) -> Vec<f64> {
        let gap = self.prior.mean.iter().zip(point).map(|(m, b)| m - b);
        let gap: Vec<f64> = gap.collect();
        let rows = self.precision.chunks_exact(gap.len());
        rows.map(|row| row.iter().zip(&gap).map(|(p, g)| p * g).sum())
            .collect()
    }
}

impl Convex for Posterior<'_> {
    fn value(&self, point: &[f64]) -> f64 {
        let losses: f64 = self
            .scores(point)
            .map(|(score, outcome)| log_loss(score, outcome))
            .sum();
        let pull = self.pull(point);
        let gap = self.prior.mean.iter().zip(point).map(|(m, b)| m - b);
        losses + 0.5 * gap.zip(pull).map(|(gap, pull)| gap * pull).sum::<f64>()
    }

    fn derivatives(&self, point: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = point.len();
        let (mut descent, mut curvature) = (self.pull(point), self.precision.clone());
        for ((score, outcome), (row, ..)) in self.scores(point).zip(self.outcomes) {
            let p = sigmoid(score);
            for i in 0..n {
                descent[i] += row[i] * (outcome - p);
                for j in 0..n {
                    curvature[i * n + j] += row[i] * row[j] * p * (1.0 - p);
                }
            }
        }
        (descent, curvature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_outcomes_the_prior_stays() {
        let prior = Normal::independent(&[(0.1, 0.3), (0.4, 0.6)]);
        assert_eq!(prior.update(&[]).unwrap(), prior);
    }

    #[test]
    fn one_coefficient_matches_a_fine_grid() {
        // Posterior mode of Normal(0, 1) × 7 events of 10 at x = 1: found by hand from
        // 10 σ(b) + b = 7, b = 0.595 (bisection).
        let outcomes: Vec<_> = (0..10).map(|k| (vec![1.0], 0.0, k < 7)).collect();
        let posterior = Normal::independent(&[(0.0, 1.0)])
            .update(&outcomes)
            .unwrap();
        let (mode, sd) = posterior.marginals()[0];
        let p = 1.0 / (1.0 + (-mode).exp());
        approx::assert_abs_diff_eq!(10.0 * p + mode, 7.0, epsilon = 1e-9);
        approx::assert_relative_eq!(sd, (1.0 + 10.0 * p * (1.0 - p)).powf(-0.5), epsilon = 1e-9);
    }
}
