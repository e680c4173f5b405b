//! Grouped splits, metrics with intervals, comparisons, leak audit.

mod comparison;
mod distribution;
mod metric;
mod random;
mod rows;
mod split;

pub use comparison::{Comparison, ComparisonMethod, compare_by_delong, compare_by_groups};
pub use metric::{
    Best, BootstrapParams, CalibrationBin, CohortValue, DeLong, DecisionPoint, Estimate,
    IntervalMethod, Metric, PROBABILITY_FLOOR, PooledEstimate, PoolingScale, average_precision,
    brier, brier_skill, calibration_curve, calibration_intercept, calibration_slope,
    decision_curve, delong, log_loss, mean_over_cohorts, pool_cohorts, roc_auc,
};
pub use rows::{ScoredRows, Undefined, number_groups};
pub use split::{
    DropReason, DroppedRow, GroupedKFold, Regime, RowLinks, Split, TwoWayKFold,
    leave_one_group_out, link_groups,
};
