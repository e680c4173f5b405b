//! A multivariate normal distribution of a few coefficients, and its update with binary outcomes.

use serde::{Deserialize, Serialize};

use crate::model::probability_of_score;
use crate::numeric::cholesky::Cholesky;
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
        let prior_precision = Cholesky::from_lower(n, self.factor.clone()).inverse();
        let mut mode = self.mean.clone();
        for _ in 0..100 {
            let mut gradient: Vec<f64> = (0..n)
                .map(|row| {
                    let pull = |column: usize| {
                        prior_precision[row * n + column] * (self.mean[column] - mode[column])
                    };
                    (0..n).map(pull).sum()
                })
                .collect();
            let mut precision = prior_precision.clone();
            for (row, offset, event) in outcomes {
                let score: f64 = offset + row.iter().zip(&mode).map(|(x, b)| x * b).sum::<f64>();
                let p = probability_of_score(score);
                for i in 0..n {
                    gradient[i] += row[i] * (f64::from(u8::from(*event)) - p);
                    for j in 0..n {
                        precision[i * n + j] += row[i] * row[j] * p * (1.0 - p);
                    }
                }
            }
            let curvature = factor_of(n, &precision)?;
            let step = curvature.solve(&gradient);
            mode.iter_mut().zip(&step).for_each(|(b, step)| *b += step);
            if step.iter().all(|step| step.abs() < 1e-12) {
                return Ok(Self {
                    mean: mode,
                    factor: factor_of(n, &curvature.inverse())?.into_lower(),
                });
            }
        }
        Err(Error::convergence(
            "the toxicity update did not settle in 100 Newton steps",
        ))
    }
}

fn factor_of(n: usize, matrix: &[f64]) -> Result<Cholesky> {
    Cholesky::new(n, matrix)
        .ok_or_else(|| Error::convergence("a curvature is not positive definite"))
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
