//! Why a metric has no value.

use serde::{Deserialize, Serialize};

/// Why a metric has no value on these rows. Not an error: a fold of one class is a fact of small
/// studies, and a table of results must be able to say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// There is no row, or none of positive weight.
    #[error("no rows")]
    NoRows,
    /// Every row has the same outcome.
    #[error("every outcome is {outcome}")]
    OneClass {
        /// That outcome.
        outcome: u8,
    },
    /// A score lies outside \[0, 1\] where a probability is needed.
    #[error("the score of row {row} is not a probability; calibrate the scores first")]
    NotProbability {
        /// The first such row.
        row: usize,
    },
    /// Every score is the same, so that a slope cannot be told.
    #[error("every score is the same")]
    ConstantScore,
    /// Scores part the outcomes completely, so that a slope has no finite value.
    #[error("the scores separate the outcomes completely")]
    Separated,
    /// The fit behind the metric did not reach its maximum.
    #[error("the fit did not converge")]
    NotConverged,
    /// Too few rows or groups of a kind for a variance.
    #[error("a variance needs at least 2 groups with and 2 without the event")]
    TooFewGroups,
    /// The variance is 0, which says nothing about another sample.
    #[error("the variance is 0, which says nothing about another sample")]
    NoVariance,
    /// The method is not defined for weighted rows.
    #[error("not defined for weighted rows")]
    Weighted,
    /// All rows belong to one group, so that nothing can be said about other groups.
    #[error("all rows are of one group; an interval needs at least 2")]
    OneGroup,
    /// Too many resamples had no value for an interval.
    #[error("{n_undefined} of {n_resamples} resamples have no value")]
    TooFewResamples {
        /// Resamples without a value.
        n_undefined: usize,
        /// Resamples drawn.
        n_resamples: usize,
    },
    /// The metric is defined in no fold.
    #[error("the metric is defined in no fold; folds of one class have no such value")]
    NoFold,
    /// Fewer cohorts than a mean with an interval needs.
    #[error("an interval over cohorts needs at least {needed}, found {found}")]
    TooFewCohorts {
        /// Cohorts needed.
        needed: usize,
        /// Cohorts with a value.
        found: usize,
    },
}
