//! A whole procedure, run afresh in every split.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::audit::{GroupColumn, LeakAudit, SplitAudit};
use crate::metric::Metric;
use crate::metric::ScoredRows;
use crate::numeric::outcomes::check_outcomes;
use crate::numeric::xoshiro::derive_seed;
use crate::split::Split;
use crate::{Error, Result};

/// What a [`Procedure`] is asked to do in one split.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FoldTask<'a> {
    /// Rows to learn from, rising.
    pub training: &'a [usize],
    /// The outcomes of those rows, in the same order, and of no others.
    pub outcomes: &'a [f64],
    /// Rows to score, rising.
    pub test: &'a [usize],
    /// The seed of this split, for whatever has no seed in settings of its own.
    pub seed: u64,
}

/// Everything from training rows to scores of test rows: filters, transformations, choice of
/// features and settings, fit, calibration.
///
/// An implementor is *params and data*, never a fitted thing: each call learns everything afresh
/// from `task.training` and `task.outcomes` alone. What it computes from more than one row it
/// records in `audit`. Outcomes must be taken from the task, not from elsewhere: a permutation
/// test hands in others. The same task must give the same scores, whatever the threads.
///
/// Any `Fn(&FoldTask, &mut SplitAudit) -> Result<Vec<f64>> + Sync` is a procedure.
///
/// # Examples
/// The share of events in the training rows, a comparator that every model must beat:
/// ```
/// use donormatch::evaluation::{FoldTask, Procedure, SplitAudit};
///
/// struct BaseRate;
///
/// impl Procedure for BaseRate {
///     fn fit_predict(
///         &self,
///         task: &FoldTask<'_>,
///         audit: &mut SplitAudit<'_>,
///     ) -> donormatch::Result<Vec<f64>> {
///         let rate = task.outcomes.iter().sum::<f64>() / task.outcomes.len() as f64;
///         audit.record_values("base rate", task.training, &[rate])?;
///         Ok(vec![rate; task.test.len()])
///     }
/// }
/// ```
pub trait Procedure: Sync {
    /// One finite score a test row, in the order of `task.test`.
    ///
    /// # Errors
    /// Whatever keeps it from learning or scoring; the evaluation stops with it.
    fn fit_predict(&self, task: &FoldTask<'_>, audit: &mut SplitAudit<'_>) -> Result<Vec<f64>>;
}

impl<F> Procedure for F
where
    F: Fn(&FoldTask<'_>, &mut SplitAudit<'_>) -> Result<Vec<f64>> + Sync,
{
    fn fit_predict(&self, task: &FoldTask<'_>, audit: &mut SplitAudit<'_>) -> Result<Vec<f64>> {
        self(task, audit)
    }
}

/// What to do where the audit finds a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakPolicy {
    /// Return [`Error::Leak`] instead of scores.
    #[default]
    Reject,
    /// Return the scores, with the leak in the audit: to show what it does, not to report.
    Report,
}

/// How to cross-validate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossValidationParams {
    /// Metrics of each fold. Default: ROC AUC.
    pub metrics: Vec<Metric>,
    /// The seed; each split derives its own. Default 0.
    pub seed: u64,
    /// What to do about leaks. Default: reject.
    pub leaks: LeakPolicy,
}

impl Default for CrossValidationParams {
    fn default() -> Self {
        Self {
            metrics: vec![Metric::RocAuc],
            seed: 0,
            leaks: LeakPolicy::Reject,
        }
    }
}

/// The score of one row by a procedure that did not learn from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HeldOutScore {
    /// The split, by its place among those given.
    pub split: usize,
    /// The row.
    pub row: usize,
    /// The score.
    pub score: f64,
}

/// One metric in one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// The metric.
    pub metric: Metric,
    /// Its value, absent where undefined.
    pub value: Option<f64>,
    /// Why it is undefined.
    pub reason: Option<String>,
}

/// What came of one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoldResult {
    /// The name of the split.
    pub split: String,
    /// Rows learned from.
    pub n_training: usize,
    /// Rows tested.
    pub n_test: usize,
    /// Rows dropped.
    pub n_dropped: usize,
    /// Test rows with outcome 1.
    pub n_events: usize,
    /// The metrics asked for, in their order.
    pub metrics: Vec<MetricValue>,
}

/// Held-out scores of all splits, metrics of each, and what was learned from which rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CrossValidation {
    /// Scores by split, then row.
    pub scores: Vec<HeldOutScore>,
    /// One result a split, in the order given.
    pub folds: Vec<FoldResult>,
    /// What was learned from which rows.
    pub audit: LeakAudit,
}

impl CrossValidation {
    /// The tested rows, rising, and for each the mean of its scores over the splits that tested
    /// it (one, unless repeated).
    ///
    /// Scores of different splits come from different models. Where those are on different
    /// scales, a metric of all rows together is biased, for leave-one-out badly: prefer the
    /// metrics of the folds.
    pub fn mean_scores(&self) -> (Vec<usize>, Vec<f64>) {
        let mut sums: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for held_out in &self.scores {
            let sum = sums.entry(held_out.row).or_default();
            sum.0 += held_out.score;
            sum.1 += 1;
        }
        sums.into_iter()
            .map(|(row, (sum, n))| (row, sum / n as f64))
            .unzip()
    }

    /// The values of one metric in the folds where it is defined, in their order.
    pub fn fold_values(&self, metric: Metric) -> Vec<f64> {
        self.folds
            .iter()
            .flat_map(|fold| &fold.metrics)
            .filter(|value| value.metric == metric)
            .filter_map(|value| value.value)
            .collect()
    }
}

/// Runs the whole procedure once in each split, splits in parallel, results in their order.
///
/// `outcomes` are 0 or 1, one a row of the data; `apart` the groups that must not stand on both
/// sides (for [`Regime::NewDonor`](super::Regime::NewDonor) the donors, for both new donors and
/// recipients). The same seed gives the same bits for any number of threads.
///
/// # Errors
/// [`Error::Leak`] where a split parts a group, or, unless [`LeakPolicy::Report`], something
/// learned saw what it is tested on; [`Error::Split`] where there is no split or a split names
/// rows beyond the data; [`Error::Table`] where the procedure returns the wrong number of scores
/// or one that is not finite; and whatever the procedure returns, from the earliest split.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{
///     CrossValidationParams, FoldTask, GroupColumn, GroupedKFold, Metric, SplitAudit,
///     cross_validate,
/// };
///
/// let shannon = [1.0, 2.5, 1.2, 3.0, 2.8, 1.1, 2.9, 1.4];
/// let outcomes = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0];
/// let subjects = [0, 1, 2, 3, 4, 5, 6, 7];
/// let splits = GroupedKFold::new(2).splits(&subjects, Some(&outcomes), 0)?;
/// let by_diversity = |task: &FoldTask<'_>, _: &mut SplitAudit<'_>| {
///     Ok(task.test.iter().map(|&row| shannon[row]).collect())
/// };
/// let result = cross_validate(
///     &by_diversity,
///     &outcomes,
///     &splits,
///     &[GroupColumn::new("subject", &subjects)],
///     &CrossValidationParams::default(),
/// )?;
/// assert_eq!(result.fold_values(Metric::RocAuc), [1.0, 1.0]);
/// assert_eq!(result.mean_scores().1, shannon);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn cross_validate(
    procedure: &(impl Procedure + ?Sized),
    outcomes: &[f64],
    splits: &[Split],
    apart: &[GroupColumn<'_>],
    params: &CrossValidationParams,
) -> Result<CrossValidation> {
    check_outcomes(outcomes)?;
    check_splits(splits, outcomes.len(), apart)?;
    let runs: Vec<Result<(Vec<f64>, LeakAudit)>> = splits
        .par_iter()
        .enumerate()
        .map(|(index, split)| {
            run(
                procedure,
                outcomes,
                split,
                apart,
                derive_seed(params.seed, index),
            )
        })
        .collect();
    let mut result = CrossValidation {
        scores: Vec::new(),
        folds: Vec::with_capacity(splits.len()),
        audit: LeakAudit::default(),
    };
    for (index, (run, split)) in runs.into_iter().zip(splits).enumerate() {
        let (scores, audit) = run?;
        if params.leaks == LeakPolicy::Reject {
            audit.check()?;
        }
        result.audit.extend(audit);
        result
            .folds
            .push(fold_result(split, &scores, outcomes, &params.metrics)?);
        let rows = split.test().iter().zip(scores);
        result.scores.extend(rows.map(|(&row, score)| HeldOutScore {
            split: index,
            row,
            score,
        }));
    }
    Ok(result)
}

fn check_splits(splits: &[Split], n_rows: usize, apart: &[GroupColumn<'_>]) -> Result<()> {
    if splits.is_empty() {
        return Err(Error::split("there is no split to evaluate on"));
    }
    for split in splits {
        split.check_rows(n_rows)?;
        for column in apart {
            crate::numeric::outcomes::check_length(
                &format!("groups of `{}`", column.name),
                column.groups.len(),
                n_rows,
            )?;
            split.check_groups(column.name, column.groups)?;
        }
    }
    Ok(())
}

/// One split: its checked scores and its audit.
pub(super) fn run(
    procedure: &(impl Procedure + ?Sized),
    outcomes: &[f64],
    split: &Split,
    apart: &[GroupColumn<'_>],
    seed: u64,
) -> Result<(Vec<f64>, LeakAudit)> {
    let known: Vec<f64> = split.training().iter().map(|&row| outcomes[row]).collect();
    let task = FoldTask {
        training: split.training(),
        outcomes: &known,
        test: split.test(),
        seed,
    };
    let mut audit = SplitAudit::new(split, apart);
    let scores = procedure.fit_predict(&task, &mut audit)?;
    if scores.len() != split.test().len() {
        return Err(Error::table(format!(
            "split `{}`: the procedure returned {} scores for {} test rows",
            split.name(),
            scores.len(),
            split.test().len()
        )));
    }
    match scores.iter().position(|score| !score.is_finite()) {
        Some(place) => Err(Error::table(format!(
            "split `{}`: the score of row {} is not finite",
            split.name(),
            split.test()[place]
        ))),
        None => Ok((scores, LeakAudit::from(audit))),
    }
}

fn fold_result(
    split: &Split,
    scores: &[f64],
    outcomes: &[f64],
    metrics: &[Metric],
) -> Result<FoldResult> {
    let observed: Vec<f64> = split.test().iter().map(|&row| outcomes[row]).collect();
    let rows = ScoredRows::new(scores, &observed)?;
    Ok(FoldResult {
        split: split.name().to_owned(),
        n_training: split.training().len(),
        n_test: split.test().len(),
        n_dropped: split.dropped().len(),
        n_events: rows.n_events(),
        metrics: metrics
            .iter()
            .map(|&metric| {
                let value = metric.value(&rows);
                MetricValue {
                    metric,
                    value: value.ok(),
                    reason: value.err().map(|reason| reason.to_string()),
                }
            })
            .collect(),
    })
}
