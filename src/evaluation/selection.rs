//! A choice between procedures, made inside the training rows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::audit::{GroupColumn, SplitAudit};
use super::procedure::{CrossValidationParams, FoldTask, LeakPolicy, Procedure, cross_validate};
use crate::metric::Metric;
use crate::numeric::outcomes::check_length;
use crate::numeric::xoshiro::derive_seed;
use crate::split::{GroupedKFold, Split};
use crate::{Error, Result};

/// Which candidate a [`NestedSelection`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SelectionRule {
    /// The one of the best mean over the inner folds, the earlier at a tie.
    #[default]
    BestMean,
    /// The first that the best does not surpass by more than one standard error of their
    /// difference over the inner folds, corrected for training rows that folds share (Nadeau and
    /// Bengio). Name the plainest candidate first, or the one to take unseen: with a hundred rows
    /// the folds can hardly tell models apart, and the best of them is often the luckiest.
    OneStandardError,
}

/// What a [`NestedSelection`] saw in the inner folds, and whom it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The place of the candidate taken.
    pub chosen: usize,
    /// Candidates × inner folds: the metric, absent where it is not defined.
    pub fold_values: Vec<Vec<Option<f64>>>,
}

/// A procedure that chooses among others by grouped cross-validation of the training rows alone,
/// then runs the chosen one on all of them.
///
/// This is how settings, feature sets or models are compared honestly: the choice is part of what
/// an outer [`cross_validate`] repeats in every split, so that its optimism does not reach the
/// held-out scores. All candidates see the same inner folds; a [`SelectionRule`] says what their
/// metric there decides. The choice stands in the audit as `choice: <name>`.
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
/// 2010;11:2079–2107. One standard error: Breiman L et al. Classification and Regression Trees,
/// 1984, section 3.4.3, here of the difference within folds. Its correction: Nadeau C, Bengio Y.
/// Machine Learning 2003;52:239–281.
#[derive(Clone)]
pub struct NestedSelection<'a> {
    groups: &'a [u32],
    inner: GroupedKFold,
    metric: Metric,
    rule: SelectionRule,
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
            rule: SelectionRule::default(),
            candidates: Vec::new(),
        }
    }

    /// Chooses by `rule`.
    #[must_use]
    pub fn with_rule(mut self, rule: SelectionRule) -> Self {
        self.rule = rule;
        self
    }

    /// One more candidate, behind those added before.
    #[must_use]
    pub fn with_candidate(mut self, name: impl Into<String>, candidate: &'a dyn Procedure) -> Self {
        self.candidates.push((name.into(), candidate));
        self
    }

    /// How the candidates do in inner folds of the training rows of `task`, and whom the rule
    /// takes. A fold counts where the metric is defined for all candidates; without any, the
    /// first is taken.
    ///
    /// # Errors
    /// [`Error::Parameter`] without candidates; those of [`GroupedKFold::splits`] where the
    /// training rows have too few groups; those of the candidates.
    pub fn choose(&self, task: &FoldTask<'_>) -> Result<Choice> {
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
        let fold_values = self
            .candidates
            .iter()
            .map(|(_, candidate)| {
                let result = cross_validate(*candidate, &outcomes, &splits, &apart, &params)?;
                let metrics = result.folds.iter().flat_map(|fold| &fold.metrics);
                Ok(metrics.map(|metric| metric.value).collect())
            })
            .collect::<Result<Vec<Vec<Option<f64>>>>>()?;
        let chosen = self
            .rule
            .take(&self.merits(&fold_values), self.inner.n_folds);
        Ok(Choice {
            chosen,
            fold_values,
        })
    }

    /// Candidates × folds that count, higher is better.
    fn merits(&self, fold_values: &[Vec<Option<f64>>]) -> Vec<Vec<f64>> {
        let n_folds = fold_values.first().map_or(0, Vec::len);
        let is_defined = |fold: &usize| fold_values.iter().all(|of| of[*fold].is_some());
        let counting: Vec<usize> = (0..n_folds).filter(is_defined).collect();
        fold_values
            .iter()
            .map(|of| {
                let values = counting.iter().filter_map(|&fold| of[fold]);
                values.map(|value| self.metric.merit(value)).collect()
            })
            .collect()
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

impl SelectionRule {
    /// The place of the candidate taken, given candidates × values of `n_folds` folds, once or
    /// repeated; higher is better.
    fn take(self, merits: &[Vec<f64>], n_folds: usize) -> usize {
        let means: Vec<f64> = merits.iter().map(|of| mean(of)).collect();
        let mut best = 0;
        for (place, &mean) in means.iter().enumerate() {
            if mean > means[best] {
                best = place;
            }
        }
        match self {
            Self::BestMean => best,
            Self::OneStandardError => merits[..best]
                .iter()
                .position(|of| is_within_one_error(&merits[best], of, n_folds))
                .unwrap_or(best),
        }
    }
}

/// 0 of nothing.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Whether the mean difference of `best` and `other` is at most its standard error.
///
/// Folds share most of their training rows, so that their values vary less than those of new data
/// would: the variance of the mean is (1/n + `n_test` / `n_training`) times that of the values.
fn is_within_one_error(best: &[f64], other: &[f64], n_folds: usize) -> bool {
    let gaps: Vec<f64> = best.iter().zip(other).map(|(one, two)| one - two).collect();
    let (mean_gap, n) = (mean(&gaps), gaps.len() as f64);
    if gaps.len() < 2 {
        return mean_gap <= 0.0;
    }
    let squares: f64 = gaps.iter().map(|gap| (gap - mean_gap).powi(2)).sum();
    let share = 1.0 / n + 1.0 / (n_folds.max(2) as f64 - 1.0);
    mean_gap <= (share * squares / (n - 1.0)).sqrt()
}

impl Procedure for NestedSelection<'_> {
    fn fit_predict(&self, task: &FoldTask<'_>, audit: &mut SplitAudit<'_>) -> Result<Vec<f64>> {
        let choice = self.choose(task)?;
        let (name, candidate) = &self.candidates[choice.chosen];
        let values: Vec<f64> = choice.fold_values.into_iter().flatten().flatten().collect();
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
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::SelectionRule::{BestMean, OneStandardError};

    /// Differences 0.2, 0.0, 0.1: mean 0.1, standard deviation 0.1; times √(1/3 + 1/2) 0.0913.
    const FIRST: [f64; 3] = [0.6, 0.8, 0.7];
    const BETTER: [f64; 3] = [0.8, 0.8, 0.8];

    #[test]
    fn one_standard_error_takes_the_first_that_the_best_does_not_clearly_surpass() {
        let merits = [FIRST.to_vec(), BETTER.to_vec()];
        assert_eq!(
            [BestMean, OneStandardError].map(|rule| rule.take(&merits, 3)),
            [1, 1]
        );
        // 0.5, -0.1, 0.1: mean 0.1667, standard deviation 0.3055; times √(1/3 + 1/2) 0.2789.
        let noisy = [vec![0.3, 0.9, 0.7], BETTER.to_vec()];
        assert_eq!(
            [BestMean, OneStandardError].map(|rule| rule.take(&noisy, 3)),
            [1, 0]
        );
        let three = [FIRST.to_vec(), vec![0.3, 0.9, 0.7], BETTER.to_vec()];
        assert_eq!(
            [BestMean, OneStandardError].map(|rule| rule.take(&three, 3)),
            [2, 1]
        );
    }

    #[test]
    fn one_fold_alone_is_no_reason() {
        for gap in [0.1, 0.03, 1.0 / 3.0, 0.0077] {
            let other = vec![0.9, 0.8 - gap, 0.7, 0.6, 0.5];
            let merits = [other, vec![0.9, 0.8, 0.7, 0.6, 0.5]];
            assert_eq!(OneStandardError.take(&merits, 5), 0, "{gap}");
        }
    }

    #[test]
    fn the_earlier_of_equals_and_the_first_of_nothing_are_taken() {
        for rule in [BestMean, OneStandardError] {
            assert_eq!(rule.take(&[FIRST.to_vec(), FIRST.to_vec()], 3), 0);
            assert_eq!(rule.take(&[Vec::new(), Vec::new()], 3), 0);
            // A single fold says nothing of its noise.
            assert_eq!(rule.take(&[vec![0.6], vec![0.7]], 3), 1);
        }
    }
}
