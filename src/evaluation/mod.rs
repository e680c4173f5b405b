//! Grouped splits, metrics with intervals, comparisons, leak audit.

mod audit;
mod blindness;
mod comparison;
mod distribution;
mod metric;
mod permutation;
mod procedure;
mod random;
mod rows;
mod split;

pub use audit::{AuditEntry, GroupColumn, LeakAudit, LeakedGroups, SplitAudit};
pub use blindness::{check_blind_to_test, check_scores_apart};
pub use comparison::{Comparison, ComparisonMethod, compare_by_delong, compare_by_groups};
pub use metric::{
    Best, BootstrapParams, CalibrationBin, CohortValue, DeLong, DecisionPoint, Estimate,
    IntervalMethod, Metric, PROBABILITY_FLOOR, PooledEstimate, PoolingScale, average_precision,
    brier, brier_skill, calibration_curve, calibration_intercept, calibration_slope,
    decision_curve, delong, log_loss, mean_over_cohorts, pool_cohorts, roc_auc,
};
pub use permutation::{
    FoldStatistic, PermutationParams, PermutationScheme, PermutationTest, permutation_test,
};
pub use procedure::{
    CrossValidation, CrossValidationParams, FoldResult, FoldTask, HeldOutScore, LeakPolicy,
    MetricValue, Procedure, cross_validate,
};
pub use rows::{ScoredRows, Undefined, number_groups};
pub use split::{
    DropReason, DroppedRow, GroupedKFold, Regime, RowLinks, Split, TwoWayKFold,
    leave_one_group_out, link_groups,
};
