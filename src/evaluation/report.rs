//! Tables of results: one row for each comparator, cohort and metric.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::metric::ScoredRows;
use crate::metric::{BootstrapParams, Estimate, Metric, PooledEstimate, mean_over_cohorts};
use crate::numeric::outcomes::check_length;
use crate::{Error, Result};

/// Held-out scores of one model or comparator, one a row, beside its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparator<'a> {
    /// The name in the table: `boosting`, `base rate`, `shannon`, `toposcore`.
    pub name: &'a str,
    /// Its scores.
    pub scores: &'a [f64],
}

impl<'a> Comparator<'a> {
    /// A name and its scores.
    pub fn new(name: &'a str, scores: &'a [f64]) -> Self {
        Self { name, scores }
    }
}

/// What a row of the table speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One cohort.
    Cohort,
    /// The mean over cohorts, each counting the same; the headline of leave-one-study-out.
    Mean,
    /// All rows together. Where cohorts differ in their base rate this mixes what a score knows
    /// of the cohort with what it knows of the patient.
    AllRows,
}

/// One row of a table of results. The names of the columns are the names of the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReportRow {
    /// The model or comparator.
    pub comparator: String,
    /// One cohort, the mean over cohorts, or all rows.
    pub scope: Scope,
    /// The cohort; empty for the other scopes.
    pub cohort: String,
    /// The metric.
    pub metric: Metric,
    /// Its value, absent where undefined.
    pub value: Option<f64>,
    /// Lower end of the interval: over groups, and for the mean over cohorts.
    pub lo: Option<f64>,
    /// Upper end of that interval.
    pub hi: Option<f64>,
    /// For the mean: lower end of the interval of the value in one more cohort.
    pub prediction_lo: Option<f64>,
    /// Upper end of that interval.
    pub prediction_hi: Option<f64>,
    /// Rows behind the value.
    pub n_rows: usize,
    /// Groups behind the value.
    pub n_groups: usize,
    /// Rows with outcome 1.
    pub n_events: usize,
    /// Cohorts behind the value.
    pub n_cohorts: usize,
    /// Why something is absent.
    pub reason: Option<String>,
}

/// What to put into a table of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportParams {
    /// The metrics. Default: all.
    pub metrics: Vec<Metric>,
    /// Intervals within cohorts and of all rows; its level also holds for the mean.
    pub bootstrap: BootstrapParams,
    /// A cohort of fewer patients is learned from and not judged by
    /// [`evaluate_response`](super::evaluate_response). Default 1.
    pub min_patients: usize,
}

impl Default for ReportParams {
    fn default() -> Self {
        Self {
            metrics: Metric::ALL.to_vec(),
            bootstrap: BootstrapParams::default(),
            min_patients: 1,
        }
    }
}

/// The table of all comparators on the same rows: by comparator, then metric; cohorts in rising
/// order, the mean over them, all rows together.
///
/// The mean is over cohorts in which the metric is defined, and says in `reason` how many are
/// not. Every comparator meets the same resamples. Give the scores of held-out rows only, such as
/// [`CrossValidation::mean_scores`](super::CrossValidation::mean_scores).
///
/// # Errors
/// [`Error::Table`] where lengths disagree, there is no row, a score is not finite or an outcome
/// neither 0 nor 1; [`Error::Parameter`] where two comparators have one name, or the bootstrap
/// params are out of range.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{Comparator, Metric, ReportParams, Scope, report};
///
/// let outcomes = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
/// let cohorts = ["Davar", "Davar", "Davar", "Routy", "Routy", "Routy"];
/// let subjects = [0, 1, 2, 3, 4, 5];
/// let table = report(
///     &[
///         Comparator::new("model", &[0.2, 0.8, 0.4, 0.3, 0.6, 0.9]),
///         Comparator::new("base rate", &[0.5; 6]),
///     ],
///     &outcomes,
///     &subjects,
///     &cohorts,
///     &ReportParams { metrics: vec![Metric::RocAuc], ..ReportParams::default() },
/// )?;
/// let mean = table.iter().find(|row| row.scope == Scope::Mean).unwrap();
/// assert_eq!((mean.comparator.as_str(), mean.value), ("model", Some(0.75)));
/// assert_eq!(table.len(), 2 * (2 + 1 + 1));
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn report<L: Ord + Display>(
    comparators: &[Comparator<'_>],
    outcomes: &[f64],
    groups: &[u32],
    cohorts: &[L],
    params: &ReportParams,
) -> Result<Vec<ReportRow>> {
    check_length("cohorts", cohorts.len(), outcomes.len())?;
    check_length("groups", groups.len(), outcomes.len())?;
    if outcomes.is_empty() {
        return Err(Error::table("there is no row to report on"));
    }
    check_names(comparators)?;
    let mut members: BTreeMap<&L, Vec<usize>> = BTreeMap::new();
    for (row, cohort) in cohorts.iter().enumerate() {
        members.entry(cohort).or_default().push(row);
    }
    let cohorts: Vec<(String, Vec<usize>)> = members
        .into_iter()
        .map(|(cohort, rows)| (cohort.to_string(), rows))
        .collect();
    let mut table = Vec::new();
    for comparator in comparators {
        check_length("scores", comparator.scores.len(), outcomes.len())?;
        let all = ScoredRows::new(comparator.scores, outcomes)?.with_groups(groups)?;
        for &metric in &params.metrics {
            let draft = Draft {
                comparator: comparator.name,
                metric,
                params: &params.bootstrap,
            };
            let mut estimates = Vec::with_capacity(cohorts.len());
            for (cohort, rows) in &cohorts {
                let estimate = draft.estimate_on(&all, rows)?;
                table.push(draft.row(Scope::Cohort, cohort, &estimate, 1));
                estimates.push(estimate);
            }
            let overall = params.bootstrap.estimate(metric, &all)?;
            table.push(draft.mean_row(&estimates, &overall)?);
            table.push(draft.row(Scope::AllRows, "", &overall, cohorts.len()));
        }
    }
    Ok(table)
}

fn check_names(comparators: &[Comparator<'_>]) -> Result<()> {
    let mut names: Vec<&str> = comparators.iter().map(|c| c.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::parameter(
            "comparators",
            format!("`{}` is named twice", pair[0]),
        )),
        None => Ok(()),
    }
}

/// What rows of one comparator and metric share.
struct Draft<'a> {
    comparator: &'a str,
    metric: Metric,
    params: &'a BootstrapParams,
}

impl Draft<'_> {
    fn estimate_on(&self, all: &ScoredRows<'_>, rows: &[usize]) -> Result<Estimate> {
        let pick = |column: &[f64]| -> Vec<f64> { rows.iter().map(|&row| column[row]).collect() };
        let (scores, outcomes) = (pick(all.scores()), pick(all.outcomes()));
        let groups: Option<Vec<u32>> = all
            .groups()
            .map(|groups| rows.iter().map(|&row| groups[row]).collect());
        let scored = ScoredRows::new(&scores, &outcomes)?;
        match &groups {
            Some(groups) => self
                .params
                .estimate(self.metric, &scored.with_groups(groups)?),
            None => self.params.estimate(self.metric, &scored),
        }
    }

    fn row(&self, scope: Scope, cohort: &str, estimate: &Estimate, n_cohorts: usize) -> ReportRow {
        ReportRow {
            comparator: self.comparator.to_owned(),
            scope,
            cohort: cohort.to_owned(),
            metric: self.metric,
            value: estimate.value,
            lo: estimate.lo,
            hi: estimate.hi,
            prediction_lo: None,
            prediction_hi: None,
            n_rows: estimate.n_rows,
            n_groups: estimate.n_groups,
            n_events: estimate.n_events,
            n_cohorts,
            reason: estimate.reason.clone(),
        }
    }

    /// The mean over cohorts with a value. Its groups are counted cohort by cohort.
    fn mean_row(&self, cohorts: &[Estimate], overall: &Estimate) -> Result<ReportRow> {
        let defined: Vec<&Estimate> = cohorts.iter().filter(|c| c.value.is_some()).collect();
        let values: Vec<f64> = defined.iter().filter_map(|cohort| cohort.value).collect();
        let mean: PooledEstimate = mean_over_cohorts(&values, self.params.level)?;
        let n_without = cohorts.len() - defined.len();
        let undefined = (n_without > 0).then(|| {
            format!(
                "left out: {n_without} of {} cohorts without a value",
                cohorts.len()
            )
        });
        let reasons: Vec<String> = undefined.into_iter().chain(mean.reason).collect();
        let sum = |count: fn(&Estimate) -> usize| defined.iter().map(|c| count(c)).sum();
        Ok(ReportRow {
            value: mean.value,
            lo: mean.lo,
            hi: mean.hi,
            prediction_lo: mean.prediction_lo,
            prediction_hi: mean.prediction_hi,
            n_rows: sum(|cohort| cohort.n_rows),
            n_groups: sum(|cohort| cohort.n_groups),
            n_events: sum(|cohort| cohort.n_events),
            reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
            ..self.row(Scope::Mean, "", overall, defined.len())
        })
    }
}
