//! A random forest by smartcore.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::{refuse_offsets, to_rows};
use crate::model::logistic::{check_outcomes, check_width};
use crate::model::{MatrixView, TrainingData};
use crate::numeric::decimal::Grid;
use crate::{Error, Result};

type Forest = RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

/// Settings of smartcore's random forest.
///
/// smartcore's forest *classifier* gives classes, not probabilities. So this is its *regressor* on
/// outcomes of 0 and 1: trees split by squared error (for two classes the same order of splits as
/// Gini's impurity), leaves hold the share of positive rows, and the forest their mean, which is
/// what scikit-learn's `predict_proba` averages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForestParams {
    /// Number of trees; default 500.
    pub n_trees: usize,
    /// Deepest tree; none (default) means no limit.
    pub max_depth: Option<u16>,
    /// Fewest rows of a leaf; default 3.
    pub min_leaf_rows: usize,
    /// Features tried at each split; none (default) means the square root of their number.
    pub n_split_features: Option<usize>,
    /// Seed of rows and features drawn; default 0.
    pub seed: u64,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            n_trees: 500,
            max_depth: None,
            min_leaf_rows: 3,
            n_split_features: None,
            seed: 0,
        }
    }
}

/// A fitted random forest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestModel {
    n_features: usize,
    n_trees: usize,
    #[serde(serialize_with = "store", deserialize_with = "restore")]
    forest: Arc<Forest>,
}

fn store<S: Serializer>(forest: &Arc<Forest>, serializer: S) -> Result<S::Ok, S::Error> {
    forest.serialize(serializer)
}

fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Forest>, D::Error> {
    Forest::deserialize(deserializer).map(Arc::new)
}

impl ForestParams {
    /// Fits the forest.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting out of range, [`Error::Table`] for outcomes other than 0
    /// and 1, only one of them, a feature that is not finite, or offsets.
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<ForestModel> {
        for (name, value) in [
            ("n_trees", self.n_trees),
            ("min_leaf_rows", self.min_leaf_rows),
            ("n_split_features", self.n_split_features.unwrap_or(1)),
        ] {
            if value == 0 {
                return Err(Error::parameter(name, "expected at least 1, found 0"));
            }
        }
        refuse_offsets(data, "the random forest")?;
        check_outcomes(data)?;
        let n_features = data.features().n_columns();
        let features = coarse_matrix(data.features())?;
        let root = ((n_features as f64).sqrt() as usize).max(1);
        let parameters = RandomForestRegressorParameters {
            max_depth: self.max_depth,
            min_samples_leaf: self.min_leaf_rows,
            min_samples_split: 2,
            n_trees: self.n_trees,
            m: Some(self.n_split_features.unwrap_or(root).min(n_features)),
            keep_samples: false,
            seed: self.seed,
        };
        let outcomes = data.outcomes().to_vec();
        let forest = match data.weights() {
            Some(weights) => Forest::fit_with_weights(&features, &outcomes, weights, parameters),
            None => Forest::fit(&features, &outcomes, parameters),
        };
        Ok(ForestModel {
            n_features,
            n_trees: self.n_trees,
            forest: Arc::new(forest.map_err(|error| Error::table(error.to_string()))?),
        })
    }
}

impl ForestModel {
    /// Log-odds of each row. The mean of the trees is pulled towards one half as if one more tree
    /// had voted so, since a share of 0 or 1 has no log-odds.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of features differs or one is not finite.
    pub fn scores<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        let features = features.into();
        check_width(self.n_features, &features)?;
        if features.n_rows() == 0 {
            return Ok(Vec::new());
        }
        let shares = self
            .forest
            .predict(&matrix(features)?)
            .map_err(|error| Error::table(error.to_string()))?;
        let n_trees = self.n_trees as f64;
        Ok(shares
            .into_iter()
            .map(|share| {
                let share = (share.clamp(0.0, 1.0) * n_trees + 0.5) / (n_trees + 1.0);
                libm::log(share) - libm::log1p(-share)
            })
            .collect())
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.n_features
    }
}

/// The features with three significant digits of what varies in each: a threshold in the middle of two
/// values then tells neither.
fn coarse_matrix(features: MatrixView<'_>) -> Result<DenseMatrix<f64>> {
    let mut values = to_rows(features)?;
    let n_columns = features.n_columns();
    for column in 0..n_columns {
        let of_column = || values.iter().skip(column).step_by(n_columns).copied();
        let low = of_column().fold(f64::INFINITY, f64::min);
        let grid = Grid::of_span(of_column().fold(f64::NEG_INFINITY, f64::max) - low);
        for value in values.iter_mut().skip(column).step_by(n_columns) {
            *value = grid.nearest(*value);
        }
    }
    dense(features, values)
}

fn matrix(features: MatrixView<'_>) -> Result<DenseMatrix<f64>> {
    dense(features, to_rows(features)?)
}

fn dense(features: MatrixView<'_>, values: Vec<f64>) -> Result<DenseMatrix<f64>> {
    DenseMatrix::new(features.n_rows(), features.n_columns(), values, false)
        .map_err(|error| Error::table(error.to_string()))
}
