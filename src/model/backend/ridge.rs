//! L2 logistic regression by linfa.

use linfa_crate::DatasetBase;
use linfa_crate::traits::Fit;
use linfa_logistic::LogisticRegression;
use nd016::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::{refuse_offsets, to_rows};
use crate::model::logistic::check_outcomes;
use crate::model::{LogisticModel, MatrixView, TrainingData, probability_of_score};
use crate::{Error, Result};

/// Settings of linfa's logistic regression with an L2 penalty, by L-BFGS.
///
/// It minimizes `1/n Σ ln(1 + exp(−±η)) + λ/2 Σ d²` with `d` the coefficient times the standard
/// deviation of its feature: our elastic net with α = 0. linfa itself neither scales features nor
/// says whether it converged; both are done here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RidgeParams {
    /// Strength of the penalty; default 0.1. linfa's `alpha` is this times the number of rows.
    pub lambda: f64,
    /// Most iterations; default 1000.
    pub max_iterations: u64,
    /// How far from 0 the gradient of the objective above may stay; default 1e-5.
    pub tolerance: f64,
}

impl Default for RidgeParams {
    fn default() -> Self {
        Self {
            lambda: 0.1,
            max_iterations: 1000,
            tolerance: 1e-5,
        }
    }
}

/// A fitted ridge regression: a [`LogisticModel`] that linfa found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RidgeModel {
    model: LogisticModel,
}

/// Rows centered and scaled, with what that took.
struct Scaled {
    rows: Vec<f64>,
    means: Vec<f64>,
    spreads: Vec<f64>,
}

impl Scaled {
    fn new(features: MatrixView<'_>) -> Result<Self> {
        let (n_rows, n_columns) = (features.n_rows(), features.n_columns());
        let mut rows = to_rows(features)?;
        let mut means = vec![0.0; n_columns];
        let mut spreads = vec![0.0; n_columns];
        for row in rows.chunks_exact(n_columns) {
            for (mean, value) in means.iter_mut().zip(row) {
                *mean += value / n_rows as f64;
            }
        }
        for row in rows.chunks_exact(n_columns) {
            for ((spread, value), mean) in spreads.iter_mut().zip(row).zip(&means) {
                *spread += (value - mean) * (value - mean) / n_rows as f64;
            }
        }
        for (spread, mean) in spreads.iter_mut().zip(&means) {
            *spread = spread.sqrt();
            if *spread <= 1e-12 * mean.abs() {
                // Constant: centered to 0, so that any scale will do.
                *spread = 1.0;
            }
        }
        for row in rows.chunks_exact_mut(n_columns) {
            for ((value, mean), spread) in row.iter_mut().zip(&means).zip(&spreads) {
                *value = (*value - mean) / spread;
            }
        }
        Ok(Self {
            rows,
            means,
            spreads,
        })
    }
}

impl RidgeParams {
    /// Fits by linfa.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting out of range, [`Error::Table`] for outcomes other than 0
    /// and 1, only one of them, a feature that is not finite, offsets, or weights that differ;
    /// [`Error::Convergence`] where linfa fails or its answer has too large a gradient.
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<RidgeModel> {
        for (name, value) in [("lambda", self.lambda), ("tolerance", self.tolerance)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::parameter(
                    name,
                    format!("expected a finite number above 0, found {value}"),
                ));
            }
        }
        refuse_offsets(data, "linfa's ridge regression")?;
        if let Some(weights) = data.weights()
            && weights
                .windows(2)
                .any(|pair| (pair[0] - pair[1]).abs() > 0.0)
        {
            return Err(Error::table(
                "linfa's ridge regression knows no weights; fit `logistic` with alpha 0",
            ));
        }
        check_outcomes(data)?;
        let scaled = Scaled::new(data.features())?;
        let (intercept, coefficients) = self.solve(data, &scaled)?;
        self.check_gradient(data, &scaled, intercept, &coefficients)?;
        let mut raw_intercept = intercept;
        let coefficients: Vec<f64> = coefficients
            .iter()
            .zip(scaled.means.iter().zip(&scaled.spreads))
            .map(|(b, (mean, spread))| {
                raw_intercept -= b * mean / spread;
                b / spread
            })
            .collect();
        Ok(RidgeModel {
            model: LogisticModel::new(raw_intercept, coefficients, scaled.means)?,
        })
    }

    fn solve(&self, data: &TrainingData<'_>, scaled: &Scaled) -> Result<(f64, Vec<f64>)> {
        let failed = |error: String| Error::convergence(format!("linfa's ridge failed: {error}"));
        let shape = (data.n_rows(), data.features().n_columns());
        let records = Array2::from_shape_vec(shape, scaled.rows.clone())
            .map_err(|error| failed(error.to_string()))?;
        let targets: Array1<usize> = data
            .outcomes()
            .iter()
            .map(|&y| usize::from(y > 0.5))
            .collect();
        let fitted = LogisticRegression::default()
            .alpha(self.lambda * data.n_rows() as f64)
            .max_iterations(self.max_iterations)
            .gradient_tolerance(self.tolerance * 0.1)
            .fit(&DatasetBase::new(records, targets))
            .map_err(|error| failed(error.to_string()))?;
        // linfa chooses which class is positive.
        let sign = if fitted.labels().pos.class == 1 {
            1.0
        } else {
            -1.0
        };
        Ok((
            sign * fitted.intercept(),
            fitted.params().iter().map(|b| sign * b).collect(),
        ))
    }

    fn check_gradient(
        &self,
        data: &TrainingData<'_>,
        scaled: &Scaled,
        intercept: f64,
        coefficients: &[f64],
    ) -> Result<()> {
        let n = data.n_rows() as f64;
        let mut gradient: Vec<f64> = coefficients.iter().map(|b| -self.lambda * b).collect();
        let mut residual_sum = 0.0;
        for (row, outcome) in scaled
            .rows
            .chunks_exact(coefficients.len())
            .zip(data.outcomes())
        {
            let terms = row.iter().zip(coefficients);
            let score = terms.fold(intercept, |sum, (x, b)| sum + x * b);
            let residual = (outcome - probability_of_score(score)) / n;
            residual_sum += residual;
            for (gradient, x) in gradient.iter_mut().zip(row) {
                *gradient += residual * x;
            }
        }
        let largest = gradient
            .iter()
            .fold(residual_sum.abs(), |largest, g| largest.max(g.abs()));
        if largest <= self.tolerance {
            return Ok(());
        }
        Err(Error::convergence(format!(
            "linfa's ridge stopped with a gradient of {largest:.1e} against a tolerance of {:.1e}; \
             give more `max_iterations` or a larger `tolerance`",
            self.tolerance
        )))
    }
}

impl RidgeModel {
    /// The coefficients, per raw unit.
    pub fn model(&self) -> &LogisticModel {
        &self.model
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.model.n_features()
    }

    /// The log-odds of each row.
    ///
    /// # Errors
    /// As [`LogisticModel::scores`].
    pub fn scores<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        self.model.scores(features)
    }
}
