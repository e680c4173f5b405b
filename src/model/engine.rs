//! The closed list of models: one enum of settings, one of fitted models.

use serde::{Deserialize, Serialize};

#[cfg(feature = "comparators")]
use super::backend::{ForestModel, ForestParams, RidgeModel, RidgeParams};
use super::{
    BoostingModel, BoostingParams, LogisticCvParams, LogisticModel, LogisticParams, MatrixView,
    TrainingData,
};
use crate::Result;

/// Settings of any model. A new engine is a variant here, one in [`Model`], and an arm in each
/// `match` below.
///
/// # Examples
/// ```
/// use donormatch::model::{LogisticParams, ModelParams, TrainingData};
/// let features = ndarray::array![[0.0], [1.0], [2.0], [3.0]];
/// let outcomes = [0.0, 1.0, 0.0, 1.0];
/// let data = TrainingData::new(features.view(), &outcomes)?;
/// let model = ModelParams::Logistic(LogisticParams::default()).fit(&data)?;
/// assert_eq!(model.scores(features.view())?.len(), 4);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelParams {
    /// Elastic-net logistic regression at a given λ.
    Logistic(LogisticParams),
    /// The same with λ and α chosen by grouped cross-validation inside the training rows.
    LogisticCv(LogisticCvParams),
    /// Gradient-boosted trees.
    Boosting(BoostingParams),
    /// smartcore's random forest.
    #[cfg(feature = "comparators")]
    Forest(ForestParams),
    /// linfa's L2 logistic regression.
    #[cfg(feature = "comparators")]
    Ridge(RidgeParams),
}

/// Any fitted model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Model {
    /// Elastic-net logistic regression, λ given or chosen.
    Logistic(LogisticModel),
    /// Gradient-boosted trees.
    Boosting(BoostingModel),
    /// smartcore's random forest.
    #[cfg(feature = "comparators")]
    Forest(ForestModel),
    /// linfa's L2 logistic regression.
    #[cfg(feature = "comparators")]
    Ridge(RidgeModel),
}

impl ModelParams {
    /// Fits the model that these are settings of.
    ///
    /// # Errors
    /// Those of the model's own `fit`.
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<Model> {
        match self {
            Self::Logistic(params) => params.fit(data).map(Model::Logistic),
            Self::LogisticCv(params) => params.fit(data).map(|cv| Model::Logistic(cv.model)),
            Self::Boosting(params) => params.fit(data).map(Model::Boosting),
            #[cfg(feature = "comparators")]
            Self::Forest(params) => params.fit(data).map(Model::Forest),
            #[cfg(feature = "comparators")]
            Self::Ridge(params) => params.fit(data).map(Model::Ridge),
        }
    }
}

impl Model {
    /// The log-odds of each row.
    ///
    /// # Errors
    /// Those of the model's own `scores`.
    pub fn scores<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        match self {
            Self::Logistic(model) => model.scores(features),
            Self::Boosting(model) => model.scores(features),
            #[cfg(feature = "comparators")]
            Self::Forest(model) => model.scores(features),
            #[cfg(feature = "comparators")]
            Self::Ridge(model) => model.scores(features),
        }
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        match self {
            Self::Logistic(model) => model.n_features(),
            Self::Boosting(model) => model.n_features(),
            #[cfg(feature = "comparators")]
            Self::Forest(model) => model.n_features(),
            #[cfg(feature = "comparators")]
            Self::Ridge(model) => model.n_features(),
        }
    }
}
