//! Metrics of held-out scores, and their intervals.

mod bootstrap;
mod calibration;
mod decision;
mod delong;
mod discrimination;
mod kind;
mod level;
mod pooling;
mod probability;
pub(crate) mod rows;
mod undefined;

pub use bootstrap::{BootstrapParams, Estimate, IntervalMethod};
pub use calibration::{
    CalibrationBin, calibration_curve, calibration_intercept, calibration_slope,
};
pub use decision::{DecisionPoint, decision_curve};
pub use delong::{DeLong, delong, delong_estimate};
pub use discrimination::{average_precision, roc_auc};
pub use kind::{Best, Metric};
pub use pooling::{CohortValue, PooledEstimate, PoolingScale, mean_over_cohorts, pool_cohorts};
pub use probability::{PROBABILITY_FLOOR, brier, brier_skill, log_loss};

pub use rows::ScoredRows;
pub use undefined::Undefined;

pub(crate) use bootstrap::{GroupResampler, interval_of};
pub(crate) use delong::{Placements, clustered_covariance};
pub(crate) use discrimination::same_score;
pub(crate) use level::check_level;

#[cfg(test)]
pub(crate) mod tests;
