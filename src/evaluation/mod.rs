//! Whether a score is any good on rows that nothing was learned from: grouped splits, metrics
//! with intervals, comparisons, permutation tests and a leak audit.
//!
//! 1. **Link** rows that share a subject: [`link_groups`], [`RowLinks`], [`number_groups`].
//! 2. **Split** them without parting a group: [`GroupedKFold`] (also nested),
//!    [`leave_one_group_out`] (study, donor), [`TwoWayKFold`] (new donor, new recipient, both).
//! 3. **Run** the whole [`Procedure`] (or a model on a matrix, [`ModelProcedure`]) afresh in each
//!    split: [`cross_validate`]. The [`LeakAudit`] holds what was learned from which rows;
//!    [`check_blind_to_test`] and [`check_scores_apart`] test the procedure from outside, [`permutation_test`] whether chance does as well;
//!    [`NestedSelection`] chooses between procedures inside the training rows.
//! 4. **Measure** the held-out scores, as [`ScoredRows`]: any [`Metric`], with an interval over
//!    groups by [`BootstrapParams`] or [`delong`]; [`calibration_curve`], [`decision_curve`].
//! 5. **Compare** two models on the same rows: [`compare_by_delong`], [`compare_by_groups`].
//! 6. **Report** beside comparators, by cohort and on average: [`report`], [`mean_over_cohorts`],
//!    [`pool_cohorts`].
//!
//! Splits and procedures work on row numbers, outcomes (0 or 1) and group numbers, so that any
//! learner can be evaluated. A metric that is undefined on some rows (one class, no rows) says why
//! with [`Undefined`]; it is not an error.

mod audit;
mod blindness;
mod comparison;
mod model_procedure;
mod permutation;
mod procedure;
mod report;
mod run;
mod selection;

pub use crate::metric::{
    Best, BootstrapParams, CalibrationBin, CohortValue, DeLong, DecisionPoint, Estimate,
    IntervalMethod, Metric, PROBABILITY_FLOOR, PooledEstimate, PoolingScale, ScoredRows, Undefined,
    average_precision, brier, brier_skill, calibration_curve, calibration_intercept,
    calibration_slope, decision_curve, delong, delong_estimate, log_loss, mean_over_cohorts,
    pool_cohorts, roc_auc,
};
pub use crate::numeric::groups::number_groups;
pub use crate::split::{
    DropReason, DroppedRow, GroupedKFold, Regime, RowLinks, Split, TwoWayKFold,
    leave_one_group_out, link_groups,
};
pub use audit::{AuditEntry, GroupColumn, LeakAudit, LeakedGroups, SplitAudit};
pub use blindness::{check_blind_to_test, check_scores_apart};
pub use comparison::{Comparison, ComparisonMethod, compare_by_delong, compare_by_groups};
pub use model_procedure::ModelProcedure;
pub use permutation::{
    FoldStatistic, PermutationParams, PermutationScheme, PermutationTest, permutation_test,
};
pub use procedure::{
    CrossValidation, CrossValidationParams, FoldResult, FoldTask, HeldOutScore, LeakPolicy,
    MetricValue, Procedure, cross_validate,
};
pub use report::{Comparator, ReportParams, ReportRow, Scope, report};
pub use run::{
    CountRow, EngraftmentFolds, EngraftmentReport, JudgedCohort, JudgedStudy, ResponseEvaluation,
    ResponseFolds, TrialEvaluation, TrialPair, TrialSummary, evaluate_engraftment,
    evaluate_response, evaluate_trial,
};
#[cfg(feature = "sampler")]
pub use run::{PublishedArm, evaluate_published};
pub use selection::{Choice, NestedSelection, SelectionRule};
