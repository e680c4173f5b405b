//! The metrics by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::calibration::{calibration_intercept, calibration_slope};
use super::discrimination::{average_precision, roc_auc};
use super::probability::{brier, brier_skill, log_loss};
use super::rows::ScoredRows;
use super::undefined::Undefined;

/// The metrics that are one number, by the name they have in every table of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// [`roc_auc`].
    RocAuc,
    /// [`average_precision`].
    AveragePrecision,
    /// [`brier`].
    Brier,
    /// [`brier_skill`].
    BrierSkill,
    /// [`log_loss`].
    LogLoss,
    /// [`calibration_intercept`].
    CalibrationIntercept,
    /// [`calibration_slope`].
    CalibrationSlope,
}

/// Which value of a metric is the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Best {
    /// The larger, the better.
    Highest,
    /// The smaller, the better.
    Lowest,
    /// The nearer to this value, the better.
    At(f64),
}

impl Metric {
    /// Every metric, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::RocAuc,
        Self::AveragePrecision,
        Self::Brier,
        Self::BrierSkill,
        Self::LogLoss,
        Self::CalibrationIntercept,
        Self::CalibrationSlope,
    ];

    /// The name in tables, arguments and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::RocAuc => "roc_auc",
            Self::AveragePrecision => "average_precision",
            Self::Brier => "brier",
            Self::BrierSkill => "brier_skill",
            Self::LogLoss => "log_loss",
            Self::CalibrationIntercept => "calibration_intercept",
            Self::CalibrationSlope => "calibration_slope",
        }
    }

    /// The value on these rows, or why there is none.
    ///
    /// # Errors
    /// [`Undefined`], as the function of the metric says.
    pub fn value(self, rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
        match self {
            Self::RocAuc => roc_auc(rows),
            Self::AveragePrecision => average_precision(rows),
            Self::Brier => brier(rows),
            Self::BrierSkill => brier_skill(rows),
            Self::LogLoss => log_loss(rows),
            Self::CalibrationIntercept => calibration_intercept(rows),
            Self::CalibrationSlope => calibration_slope(rows),
        }
    }

    /// Whether the scores must be probabilities; else their order is all that counts.
    pub fn needs_probabilities(self) -> bool {
        !matches!(self, Self::RocAuc | Self::AveragePrecision)
    }

    /// The lowest and the highest value that there can be.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::RocAuc | Self::AveragePrecision | Self::Brier => (0.0, 1.0),
            Self::BrierSkill => (f64::NEG_INFINITY, 1.0),
            Self::LogLoss => (0.0, f64::INFINITY),
            Self::CalibrationIntercept | Self::CalibrationSlope => {
                (f64::NEG_INFINITY, f64::INFINITY)
            }
        }
    }

    /// Which value is the best.
    pub fn best(self) -> Best {
        match self {
            Self::RocAuc | Self::AveragePrecision | Self::BrierSkill => Best::Highest,
            Self::Brier | Self::LogLoss => Best::Lowest,
            Self::CalibrationIntercept => Best::At(0.0),
            Self::CalibrationSlope => Best::At(1.0),
        }
    }

    /// The value turned so that more is better.
    pub(crate) fn merit(self, value: f64) -> f64 {
        match self.best() {
            Best::Highest => value,
            Best::Lowest => -value,
            Best::At(target) => -(value - target).abs(),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
