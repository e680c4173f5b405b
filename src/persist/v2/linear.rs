//! A logistic model.

use serde::{Deserialize, Serialize};

use super::numbers::Planes;
use crate::model::LogisticModel;
use crate::{Error, Result};

/// The payload of a file of the kind `logistic`, and the linear members of a matcher.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Linear {
    intercept: f64,
    /// Log-odds per unit of each feature.
    coefficients: Planes,
    feature_means: Planes,
}

impl Linear {
    pub fn of(model: &LogisticModel) -> Self {
        Self {
            intercept: model.intercept(),
            coefficients: Planes::of(model.coefficients().iter().copied()),
            feature_means: Planes::of(model.feature_means().iter().copied()),
        }
    }

    pub fn into_model(self) -> Result<LogisticModel> {
        LogisticModel::new(
            self.intercept,
            self.coefficients.into_numbers()?,
            self.feature_means.into_numbers()?,
        )
        .map_err(|error| Error::model_file(format!("logistic regression: {error}")))
    }
}
