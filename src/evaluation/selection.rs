//! A choice between procedures, made inside the training rows.

use std::fmt;

use super::audit::{GroupColumn, SplitAudit};
use super::metric::Metric;
use super::procedure::{CrossValidationParams, FoldTask, LeakPolicy, Procedure, cross_validate};
use super::random::derive_seed;
use super::rows::check_length;
use super::split::{GroupedKFold, Split};
use crate::{Error, Result};

/// A procedure that chooses among others by grouped cross-validation of the training rows alone,
/// then runs the chosen one on all of them.
///
/// This is how settings, feature sets or models are compared honestly: the choice is part of what
/// an outer [`cross_validate`] repeats in every split, so that its optimism does not reach the
/// held-out scores. The best mean of the metric over the inner folds wins, the earlier candidate
/// at a tie. The choice stands in the audit as `choice: <name>`.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{
///     CrossValidationParams, FoldTask, GroupedKFold, Metric, NestedSelection, SplitAudit,
///     cross_validate,
/// };
///
/// let subjects: Vec<u32> = (0..24).collect();
/// let outcomes: Vec<f64> = (0..24).map(|row| f64::from(row % 2)).collect();
/// let good = |task: &FoldTask<'_>, _: &mut SplitAudit<'_>| {
///     Ok(task.test.iter().map(|row| (row % 2) as f64).collect())
/// };
/// let bad = |task: &FoldTask<'_>, _: &mut SplitAudit<'_>| Ok(vec![0.5; task.test.len()]);
/// let chosen = NestedSelection::new(&subjects, GroupedKFold::new(3), Metric::RocAuc)
///     .with_candidate("bad", &bad)
///     .with_candidate("good", &good);
/// let splits = GroupedKFold::new(4).splits(&subjects, Some(&outcomes), 0)?;
/// let params = CrossValidationParams::default();
/// let result = cross_validate(&chosen, &outcomes, &splits, &[], &params)?;
/// assert_eq!(result.fold_values(Metric::RocAuc), [1.0; 4]);
/// assert_eq!(result.audit.entries()[0].statistic, "choice: good");
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Varma S, Simon R. BMC Bioinformatics 2006;7:91. Cawley GC, Talbot NLC. JMLR
/// 2010;11:2079–2107.
#[derive(Clone)]
pub struct NestedSelection<'a> {
    groups: &'a [u32],
    inner: GroupedKFold,
    metric: Metric,
    candidates: Vec<(String, &'a dyn Procedure)>,
}

impl<'a> NestedSelection<'a> {
    /// A choice by `metric` over the splits that `inner` makes of the training rows; `groups` are
    /// those of all rows. Candidates are added one by one.
    pub fn new(groups: &'a [u32], inner: GroupedKFold, metric: Metric) -> Self {
        Self {
            groups,
            inner,
            metric,
            candidates: Vec::new(),
        }
    }

    /// One more candidate, behind those added before.
    #[must_use]
    pub fn with_candidate(mut self, name: impl Into<String>, candidate: &'a dyn Procedure) -> Self {
        self.candidates.push((name.into(), candidate));
        self
    }

    /// The place of the best candidate on the training rows of `task`, and the mean of the metric
    /// of each; absent where the metric is defined in no inner fold.
    ///
    /// # Errors
    /// [`Error::Parameter`] without candidates; those of [`GroupedKFold::splits`] where the
    /// training rows have too few groups; those of the candidates.
    pub fn choose(&self, task: &FoldTask<'_>) -> Result<(usize, Vec<Option<f64>>)> {
        if self.candidates.is_empty() {
            return Err(Error::parameter(
                "candidates",
                "expected 1 or more, found none",
            ));
        }
        let (outcomes, splits) = self.inner_splits(task)?;
        let params = CrossValidationParams {
            metrics: vec![self.metric],
            seed: derive_seed(task.seed, 1),
            leaks: LeakPolicy::Reject,
        };
        let apart = [GroupColumn::new("group", self.groups)];
        let mut means = Vec::with_capacity(self.candidates.len());
        for (_, candidate) in &self.candidates {
            let result = cross_validate(*candidate, &outcomes, &splits, &apart, &params)?;
            let values = result.fold_values(self.metric);
            let n = values.len() as f64;
            means.push((n > 0.0).then(|| values.iter().sum::<f64>() / n));
        }
        let merit = |mean: &Option<f64>| mean.map_or(f64::NEG_INFINITY, |m| self.metric.merit(m));
        let mut best = 0;
        for (place, mean) in means.iter().enumerate() {
            if merit(mean) > merit(&means[best]) {
                best = place;
            }
        }
        Ok((best, means))
    }

    /// Outcomes by row, 0 where they are not for training, and splits of the training rows.
    fn inner_splits(&self, task: &FoldTask<'_>) -> Result<(Vec<f64>, Vec<Split>)> {
        check_length("outcomes", task.outcomes.len(), task.training.len())?;
        let mut outcomes = vec![0.0; self.groups.len()];
        for (&row, &outcome) in task.training.iter().zip(task.outcomes) {
            let n_rows = self.groups.len();
            *outcomes.get_mut(row).ok_or_else(|| {
                Error::table(format!("training row {row}, but groups of {n_rows} rows"))
            })? = outcome;
        }
        let outer = Split::new("training", task.training.to_vec(), task.test.to_vec())?;
        let splits = self.inner.nested_splits(
            &outer,
            self.groups,
            Some(&outcomes),
            derive_seed(task.seed, 0),
        )?;
        Ok((outcomes, splits))
    }
}

impl Procedure for NestedSelection<'_> {
    fn fit_predict(&self, task: &FoldTask<'_>, audit: &mut SplitAudit<'_>) -> Result<Vec<f64>> {
        let (best, means) = self.choose(task)?;
        let (name, candidate) = &self.candidates[best];
        let values: Vec<f64> = means.into_iter().flatten().collect();
        audit.record_values(format!("choice: {name}"), task.training, &values)?;
        candidate.fit_predict(task, audit)
    }
}

impl fmt::Debug for NestedSelection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .candidates
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        f.debug_struct("NestedSelection")
            .field("candidates", &names)
            .field("inner", &self.inner)
            .field("metric", &self.metric)
            .finish_non_exhaustive()
    }
}
