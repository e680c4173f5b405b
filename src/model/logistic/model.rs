//! The fitted model: coefficients per raw unit, scores, contributions.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::model::{ColumnView, MatrixView};
use crate::numeric::logistic::sigmoid;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// A fitted logistic regression: intercept and coefficients per raw unit of each feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct LogisticModel {
    pub(super) intercept: f64,
    pub(super) coefficients: Vec<f64>,
    pub(super) feature_means: Vec<f64>,
}

checked_serde!(LogisticModel);

impl LogisticModel {
    fn check_stored(&self) -> Result<()> {
        self.validate()
    }

    /// A model from published numbers: intercept, coefficients in log-odds per unit, and the
    /// (training) mean of each feature, from which contributions are counted.
    ///
    /// # Errors
    /// [`Error::Table`] where lengths differ or a number is not finite.
    ///
    /// # Examples
    /// ```
    /// use donormatch::model::LogisticModel;
    /// let model = LogisticModel::new(-1.0, vec![0.5, 0.0], vec![2.0, 3.0])?;
    /// let features = ndarray::array![[4.0, 1.0]];
    /// assert_eq!(model.scores(features.view())?, [1.0]);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn new(intercept: f64, coefficients: Vec<f64>, feature_means: Vec<f64>) -> Result<Self> {
        if coefficients.len() != feature_means.len() {
            return Err(Error::table(format!(
                "{} coefficients for {} feature means",
                coefficients.len(),
                feature_means.len()
            )));
        }
        let mut numbers = coefficients.iter().chain(&feature_means);
        if !intercept.is_finite() || numbers.any(|number| !number.is_finite()) {
            return Err(Error::table(
                "expected a finite intercept, coefficients and feature means",
            ));
        }
        Ok(Self {
            intercept,
            coefficients,
            feature_means,
        })
    }

    /// Checks a model that was deserialized.
    ///
    /// # Errors
    /// [`Error::ModelFile`] where lengths differ or a number is not finite.
    pub fn validate(&self) -> Result<()> {
        Self::new(
            self.intercept,
            self.coefficients.clone(),
            self.feature_means.clone(),
        )
        .map(|_| ())
        .map_err(|error| Error::model_file(format!("logistic regression: {error}")))
    }

    /// The log-odds where all features are 0.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Log-odds per raw unit, one a feature.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Weighted means of the training rows, one a feature.
    pub fn feature_means(&self) -> &[f64] {
        &self.feature_means
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.coefficients.len()
    }

    /// Number of coefficients that are not 0.
    pub fn n_nonzero(&self) -> usize {
        self.coefficients.iter().filter(|&&b| b != 0.0).count()
    }

    /// The log-odds of each row, `intercept + X coefficients`; an offset is the caller's to add.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of features differs or a used one is not finite.
    pub fn scores<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        let features = features.into();
        check_width(self.n_features(), &features)?;
        let mut scores = vec![self.intercept; features.n_rows()];
        for (column, &coefficient) in self.coefficients.iter().enumerate() {
            if coefficient != 0.0 {
                visit(features.column(column), column, |row, value| {
                    scores[row] += coefficient * value;
                })?;
            }
        }
        Ok(scores)
    }

    /// What each feature adds to each row's log-odds beyond [`LogisticModel::base_score`]:
    /// coefficient × (value − training mean); rows × features. A row's contributions and the base
    /// score sum to its score.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of features differs or a used one is not finite.
    pub fn contributions<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Array2<f64>> {
        let features = features.into();
        check_width(self.n_features(), &features)?;
        let mut contributions = Array2::zeros((features.n_rows(), features.n_columns()));
        for (column, &coefficient) in self.coefficients.iter().enumerate() {
            if coefficient != 0.0 {
                let mut out = contributions.column_mut(column);
                out.fill(-coefficient * self.feature_means[column]);
                visit(features.column(column), column, |row, value| {
                    out[row] = coefficient * (value - self.feature_means[column]);
                })?;
            }
        }
        Ok(contributions)
    }

    /// The score of a row whose features are all at their training means.
    pub fn base_score(&self) -> f64 {
        let terms = self.coefficients.iter().zip(&self.feature_means);
        terms.fold(self.intercept, |sum, (coefficient, mean)| {
            sum + coefficient * mean
        })
    }

    /// Mean over rows of the absolute contribution of each feature: its importance in log-odds.
    ///
    /// # Errors
    /// As [`LogisticModel::contributions`].
    pub fn importances<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        let contributions = self.contributions(features)?;
        let n_rows = contributions.nrows().max(1) as f64;
        Ok(contributions
            .columns()
            .into_iter()
            .map(|column| column.iter().map(|c| c.abs()).sum::<f64>() / n_rows)
            .collect())
    }
}

/// Probabilities of scores that need no calibration: 1 / (1 + exp(−score)).
///
/// # Examples
/// ```
/// assert_eq!(donormatch::model::probability_of_score(0.0), 0.5);
/// ```
pub fn probability_of_score(score: f64) -> f64 {
    sigmoid(score)
}

pub(in crate::model) fn check_width(n_features: usize, features: &MatrixView<'_>) -> Result<()> {
    if features.n_columns() == n_features {
        return Ok(());
    }
    Err(Error::table(format!(
        "expected {n_features} features, found {}",
        features.n_columns()
    )))
}

/// Calls `f` with each row that may be non-zero and its value.
pub(super) fn visit(
    column: ColumnView<'_>,
    number: usize,
    mut f: impl FnMut(usize, f64),
) -> Result<()> {
    let mut broken = None;
    let mut see = |row: usize, value: f64| {
        if !value.is_finite() {
            broken = broken.or(Some(row));
        }
        f(row, value);
    };
    match column {
        ColumnView::Dense(values) => {
            for (row, &value) in values.iter().enumerate() {
                see(row, value);
            }
        }
        ColumnView::Sparse { rows, values } => {
            for (&row, &value) in rows.iter().zip(values) {
                see(row as usize, value);
            }
        }
    }
    match broken {
        Some(row) => Err(Error::table(format!(
            "feature {number} is not finite in row {row}"
        ))),
        None => Ok(()),
    }
}
