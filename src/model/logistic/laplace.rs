//! Logistic regression with normal priors and a normal approximation of the posterior.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::design::RawColumns;
use super::model::{LogisticModel, check_width, visit};
use super::params::{CoefficientPrior, check_intercept_prior, check_length, check_outcomes};
use crate::model::{MatrixView, TrainingData};
use crate::numeric::cholesky::Cholesky;
use crate::numeric::distribution::{mean_probability, normal_quantile};
use crate::numeric::logistic::{log_loss, sigmoid};
use crate::numeric::newton::{Convex, NoMinimum, Stop, minimize};
use crate::numeric::random::SplitMix64;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// Most features of a Laplace fit: its covariance is the square of this.
const MOST_FEATURES: usize = 3_000;

/// Settings of a logistic regression with normal priors, `bⱼ ~ N(mⱼ, sⱼ²)`, and its Laplace
/// posterior: for tens of features, not thousands.
///
/// Weights count rows: a weight of 2 is two rows, so a prior weighs less against more rows. A
/// spread must be the *between-study* one where published effects are the center; the standard
/// error of a pooled estimate alone is far too sure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaplaceParams {
    /// A prior for each feature, per raw unit; empty (default) means mean 0 for all. One without
    /// a spread takes `default_spread`.
    pub priors: Vec<CoefficientPrior>,
    /// Spread where none is given, in log-odds per standard deviation of the feature; default 1.
    pub default_spread: f64,
    /// A prior for the intercept, the log-odds where all raw features are 0; none by default.
    pub intercept_prior: Option<CoefficientPrior>,
    /// Newton's decrement at which the mode is found; default 1e-10.
    pub tolerance: f64,
    /// Most Newton steps; default 100.
    pub max_iterations: usize,
}

impl Default for LaplaceParams {
    fn default() -> Self {
        Self {
            priors: Vec::new(),
            default_spread: 1.0,
            intercept_prior: None,
            tolerance: 1e-10,
            max_iterations: 100,
        }
    }
}

/// A logistic regression with the uncertainty of its coefficients: a normal distribution around
/// the posterior mode, with the inverse curvature there as covariance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct BayesianLogistic {
    model: LogisticModel,
    /// Row-major, intercept first.
    covariance: Vec<f64>,
}

checked_serde!(BayesianLogistic);

impl BayesianLogistic {
    /// That the covariance of what was stored is a finite, symmetric square with no negative
    /// variance, one row a coefficient.
    fn check_stored(&self) -> Result<()> {
        let n = self.model.coefficients().len() + 1;
        let at = |row: usize, column: usize| self.covariance[row * n + column];
        let is_square = self.covariance.len() == n * n;
        let is_finite = self.covariance.iter().all(|value| value.is_finite());
        let is_covariance = is_square
            && is_finite
            && (0..n).all(|row| {
                let own = at(row, row);
                let symmetric = |column| {
                    let gap: f64 = at(row, column) - at(column, row);
                    gap.abs() <= 1e-9 * (own.abs() + at(column, column).abs())
                };
                own >= 0.0 && (0..row).all(symmetric)
            });
        if is_covariance {
            return Ok(());
        }
        Err(Error::model_file(format!(
            "expected a covariance of {n} × {n} of the coefficients"
        )))
    }
}

impl LaplaceParams {
    /// The posterior mode and its covariance.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting out of range, [`Error::Table`] for outcomes other than 0
    /// and 1, only one of them, a feature that is not finite or more than 3,000 features,
    /// [`Error::Convergence`] where Newton's method does not reach the tolerance.
    ///
    /// # Examples
    /// ```
    /// use donormatch::model::{CoefficientPrior, LaplaceParams, TrainingData};
    /// let features = ndarray::array![[0.0], [1.0], [2.0], [3.0]];
    /// let outcomes = [0.0, 1.0, 0.0, 1.0];
    /// let data = TrainingData::new(features.view(), &outcomes)?;
    /// // A published log odds ratio of 0.4 per unit, give or take 0.2.
    /// let params = LaplaceParams {
    ///     priors: vec![CoefficientPrior::new(0.4, 0.2)],
    ///     ..LaplaceParams::default()
    /// };
    /// let posterior = params.fit(&data)?;
    /// let intervals = posterior.probability_intervals(features.view(), 0.9)?;
    /// assert!(intervals.iter().all(|(low, high)| 0.0 < *low && low < high && *high < 1.0));
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    ///
    /// # References
    /// `MacKay`, "The evidence framework applied to classification networks", Neural Comput. 4
    /// (1992). Gelman et al., "A weakly informative default prior distribution for logistic and
    /// other regression models", Ann. Appl. Stat. 2 (2008).
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<BayesianLogistic> {
        self.check(data)?;
        let raw = RawColumns::new(data.features())?;
        let posterior = Posterior::new(self, data, &raw);
        let (mode, factor) = posterior.find_mode(self.tolerance, self.max_iterations)?;
        Ok(posterior.to_raw_units(&mode, &factor.inverse()))
    }

    fn check(&self, data: &TrainingData<'_>) -> Result<()> {
        let n_features = data.features().n_columns();
        if n_features > MOST_FEATURES {
            return Err(Error::table(format!(
                "a Laplace posterior keeps the square of its features: expected at most \
                 {MOST_FEATURES}, found {n_features}; choose features or fit the elastic net"
            )));
        }
        for (name, value) in [
            ("default_spread", self.default_spread),
            ("tolerance", self.tolerance),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::parameter(
                    name,
                    format!("expected a finite number above 0, found {value}"),
                ));
            }
        }
        check_length("priors", self.priors.len(), n_features)?;
        self.priors
            .iter()
            .try_for_each(|prior| prior.check("priors"))?;
        if let Some(prior) = &self.intercept_prior {
            check_intercept_prior(prior)?;
        }
        check_outcomes(data)
    }
}

/// Minus the log posterior, in centered and scaled columns with the intercept first, as a function
/// of departures from the prior means.
struct Posterior<'a> {
    n_rows: usize,
    width: usize,
    /// Lines of `width`: 1, then the scaled features; the last line, if there is an intercept
    /// prior, is that of all-zero raw features.
    lines: Vec<f64>,
    outcomes: &'a [f64],
    weights: Option<&'a [f64]>,
    base: Vec<f64>,
    intercept_prior: Option<(f64, f64)>,
    precisions: Vec<f64>,
    prior_means: Vec<f64>,
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl<'a> Posterior<'a> {
    fn new(params: &LaplaceParams, data: &TrainingData<'a>, raw: &RawColumns) -> Self {
        let (n_rows, n_features) = (raw.n_rows(), raw.n_columns());
        let width = n_features + 1;
        let mut posterior = Self {
            n_rows,
            width,
            lines: vec![0.0; (n_rows + 1) * width],
            outcomes: data.outcomes(),
            weights: data.weights(),
            base: data
                .offsets()
                .map_or_else(|| vec![0.0; n_rows], <[f64]>::to_vec),
            intercept_prior: params
                .intercept_prior
                .and_then(|prior| Some((prior.mean, 1.0 / (prior.spread? * prior.spread?)))),
            precisions: Vec::with_capacity(n_features),
            prior_means: Vec::with_capacity(n_features),
            means: Vec::with_capacity(n_features),
            scales: Vec::with_capacity(n_features),
        };
        for line in posterior.lines.chunks_exact_mut(width) {
            line[0] = 1.0;
        }
        for column in 0..n_features {
            posterior.push_feature(params, raw, column);
        }
        posterior
    }

    fn push_feature(&mut self, params: &LaplaceParams, raw: &RawColumns, column: usize) {
        let mut values = vec![0.0; self.n_rows];
        raw.add_column(column, 1.0, &mut values);
        let weight = |row: usize| self.weights.map_or(1.0, |weights| weights[row]);
        let total: f64 = (0..self.n_rows).map(weight).sum();
        let mean_of = |f: &dyn Fn(f64) -> f64| -> f64 {
            let sum: f64 = values
                .iter()
                .enumerate()
                .map(|(row, &value)| weight(row) * f(value))
                .sum();
            sum / total
        };
        let mean = mean_of(&|value| value);
        let deviation = mean_of(&|value| (value - mean) * (value - mean)).sqrt();
        // A constant column says nothing: its coefficient keeps its prior, per unit.
        let is_constant = deviation <= 1e-12 * mean.abs();
        let scale = if is_constant { 1.0 } else { deviation };
        for (row, &value) in values.iter().enumerate() {
            self.lines[row * self.width + column + 1] = if is_constant {
                0.0
            } else {
                (value - mean) / scale
            };
        }
        self.lines[self.n_rows * self.width + column + 1] = -mean / scale;
        let prior = params.priors.get(column);
        let prior_mean = prior.map_or(0.0, |prior| prior.mean);
        let spread = prior.and_then(|prior| prior.spread);
        let scaled_spread = spread.map_or(params.default_spread, |spread| spread * scale);
        if prior_mean != 0.0 {
            raw.add_column(column, prior_mean, &mut self.base);
        }
        self.precisions.push(1.0 / (scaled_spread * scaled_spread));
        self.prior_means.push(prior_mean);
        self.means.push(mean);
        self.scales.push(scale);
    }

    fn score(&self, line: usize, point: &[f64]) -> f64 {
        let values = &self.lines[line * self.width..(line + 1) * self.width];
        values.iter().zip(point).map(|(z, b)| z * b).sum()
    }

    fn find_mode(&self, tolerance: f64, max_steps: usize) -> Result<(Vec<f64>, Cholesky)> {
        let stop = Stop {
            tolerance,
            max_steps,
        };
        minimize(self, vec![0.0; self.width], stop).map_err(|reason| match reason {
            NoMinimum::Flat => Error::convergence(
                "the posterior has no curvature in some direction; give narrower priors",
            ),
            NoMinimum::NotReached => Error::convergence(format!(
                "the posterior mode was not found in {max_steps} Newton steps; give narrower \
                 priors, an `intercept_prior`, or a larger `tolerance`"
            )),
        })
    }

    /// Undoes centering, scaling and the shift to prior means.
    fn to_raw_units(&self, mode: &[f64], covariance: &[f64]) -> BayesianLogistic {
        let width = self.width;
        // raw = T × scaled + prior means: row 0 takes off the means, the others divide.
        let shift: Vec<f64> = (0..width)
            .map(|at| match at {
                0 => 1.0,
                _ => -self.means[at - 1] / self.scales[at - 1],
            })
            .collect();
        let intercept = shift.iter().zip(mode).map(|(t, b)| t * b).sum();
        let coefficients = (1..width)
            .map(|at| self.prior_means[at - 1] + mode[at] / self.scales[at - 1])
            .collect();
        let across: Vec<f64> = covariance
            .chunks_exact(width)
            .map(|row| row.iter().zip(&shift).map(|(c, t)| c * t).sum())
            .collect();
        let mut raw = vec![0.0; width * width];
        raw[0] = across.iter().zip(&shift).map(|(c, t)| c * t).sum();
        for i in 1..width {
            let side = across[i] / self.scales[i - 1];
            raw[i] = side;
            raw[i * width] = side;
            for j in 1..width {
                raw[i * width + j] =
                    covariance[i * width + j] / (self.scales[i - 1] * self.scales[j - 1]);
            }
        }
        BayesianLogistic {
            model: LogisticModel {
                intercept,
                coefficients,
                feature_means: self.means.clone(),
            },
            covariance: raw,
        }
    }
}

impl Convex for Posterior<'_> {
    fn value(&self, point: &[f64]) -> f64 {
        let mut value = 0.0;
        for row in 0..self.n_rows {
            let score = self.base[row] + self.score(row, point);
            let weight = self.weights.map_or(1.0, |weights| weights[row]);
            value += weight * log_loss(score, self.outcomes[row]);
        }
        if let Some((mean, precision)) = self.intercept_prior {
            let gap = mean - self.score(self.n_rows, point);
            value += 0.5 * precision * gap * gap;
        }
        for (precision, b) in self.precisions.iter().zip(&point[1..]) {
            value += 0.5 * precision * b * b;
        }
        value
    }

    fn derivatives(&self, point: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let width = self.width;
        let mut gradient = vec![0.0; width];
        let mut curvature = vec![0.0; width * width];
        let mut add_line = |line: usize, residual: f64, bend: f64| {
            let values = &self.lines[line * width..(line + 1) * width];
            for (i, &z) in values.iter().enumerate() {
                gradient[i] += residual * z;
                let bent = bend * z;
                if bent != 0.0 {
                    let row = &mut curvature[i * width..=i * width + i];
                    for (out, &other) in row.iter_mut().zip(values) {
                        *out += bent * other;
                    }
                }
            }
        };
        for row in 0..self.n_rows {
            let probability = sigmoid(self.base[row] + self.score(row, point));
            let weight = self.weights.map_or(1.0, |weights| weights[row]);
            add_line(
                row,
                weight * (self.outcomes[row] - probability),
                weight * probability * (1.0 - probability),
            );
        }
        if let Some((mean, precision)) = self.intercept_prior {
            let gap = mean - self.score(self.n_rows, point);
            add_line(self.n_rows, precision * gap, precision);
        }
        for (at, &precision) in self.precisions.iter().enumerate() {
            gradient[at + 1] -= precision * point[at + 1];
            curvature[(at + 1) * width + at + 1] += precision;
        }
        (gradient, curvature)
    }
}

impl BayesianLogistic {
    /// The posterior mode as a plain model.
    pub fn model(&self) -> &LogisticModel {
        &self.model
    }

    /// Covariance of the intercept (first) and the coefficients, per raw unit.
    pub fn covariance(&self) -> Array2<f64> {
        let width = self.width();
        Array2::from_shape_fn((width, width), |(i, j)| self.covariance[i * width + j])
    }

    /// Standard deviations of the intercept (first) and the coefficients.
    pub fn standard_errors(&self) -> Vec<f64> {
        let width = self.width();
        (0..width)
            .map(|at| self.covariance[at * width + at].max(0.0).sqrt())
            .collect()
    }

    /// Posterior mean and standard deviation of each row's log-odds.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of features differs or one is not finite.
    pub fn score_distributions<'a>(
        &self,
        features: impl Into<MatrixView<'a>>,
    ) -> Result<Vec<(f64, f64)>> {
        let features = features.into();
        let width = self.width();
        check_width(width - 1, &features)?;
        let mut rows = vec![0.0; features.n_rows() * width];
        for column in 0..width - 1 {
            visit(features.column(column), column, |row, value| {
                rows[row * width + column + 1] = value;
            })?;
        }
        let means = self.model.scores(features)?;
        Ok(rows
            .chunks_exact_mut(width)
            .zip(means)
            .map(|(row, mean)| {
                row[0] = 1.0;
                let variance: f64 = self
                    .covariance
                    .chunks_exact(width)
                    .zip(row.iter())
                    .map(|(line, &x)| {
                        x * line.iter().zip(row.iter()).map(|(c, y)| c * y).sum::<f64>()
                    })
                    .sum();
                (mean, variance.max(0.0).sqrt())
            })
            .collect())
    }

    /// The probability of each row, averaged over the posterior: less sure than the mode's.
    ///
    /// # Errors
    /// As [`BayesianLogistic::score_distributions`].
    pub fn probabilities<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        let distributions = self.score_distributions(features)?;
        Ok(distributions
            .into_iter()
            .map(|(mean, spread)| mean_probability(mean, spread))
            .collect())
    }

    /// The central interval, of probability `level`, of each row's probability: quantiles of the
    /// logit-normal distribution.
    ///
    /// # Errors
    /// As [`BayesianLogistic::score_distributions`]; [`Error::Parameter`] for a `level` not
    /// between 0 and 1.
    pub fn probability_intervals<'a>(
        &self,
        features: impl Into<MatrixView<'a>>,
        level: f64,
    ) -> Result<Vec<(f64, f64)>> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::parameter(
                "level",
                format!("expected a number between 0 and 1, found {level}"),
            ));
        }
        let reach = normal_quantile(0.5 + 0.5 * level);
        let distributions = self.score_distributions(features)?;
        Ok(distributions
            .into_iter()
            .map(|(mean, spread)| {
                (
                    sigmoid(mean - reach * spread),
                    sigmoid(mean + reach * spread),
                )
            })
            .collect())
    }

    /// Draws from the posterior: draws × (intercept, coefficients).
    ///
    /// # Errors
    /// [`Error::Convergence`] where the covariance is singular to rounding.
    pub fn sample(&self, n_draws: usize, seed: u64) -> Result<Array2<f64>> {
        let width = self.width();
        let factor = Cholesky::new(width, &self.covariance).ok_or_else(|| {
            Error::convergence("the posterior covariance is singular; scale the features alike")
        })?;
        let mut random = SplitMix64::new(seed);
        let mut draws = Array2::zeros((n_draws, width));
        for mut draw in draws.rows_mut() {
            let normals: Vec<f64> = (0..width).map(|_| random.normal()).collect();
            let departures = factor.lower_times(&normals);
            for (at, departure) in departures.into_iter().enumerate() {
                let center = match at {
                    0 => self.model.intercept,
                    _ => self.model.coefficients[at - 1],
                };
                draw[at] = center + departure;
            }
        }
        Ok(draws)
    }

    fn width(&self) -> usize {
        self.model.n_features() + 1
    }
}
