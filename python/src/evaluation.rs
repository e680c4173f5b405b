//! Splits that never part a group, and metrics with their intervals.

use donormatch::evaluation::{
    self, BootstrapParams, CohortValue, GroupedKFold, Metric, PoolingScale, Regime, ScoredRows,
    Split, TwoWayKFold,
};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::error::Result;
use crate::runtime::{long, short};
use crate::settings;

type Numbers<'py> = PyReadonlyArray1<'py, f64>;
type Groups<'py> = PyReadonlyArray1<'py, u32>;
type Rows<'py> = Bound<'py, PyArray1<i64>>;

/// A split: name, training rows, test rows, and the rows dropped with the reason.
type PySplit<'py> = (String, Rows<'py>, Rows<'py>, Vec<(usize, String)>);

/// Group numbers 0, 1, … in order of first appearance.
#[pyfunction]
pub fn number_groups(py: Python<'_>, labels: Vec<String>) -> Bound<'_, PyArray1<u32>> {
    evaluation::number_groups(&labels).0.into_pyarray(py)
}

/// Grouped k-fold: every row tested once a repeat, groups whole.
#[pyfunction]
pub fn grouped_k_fold<'py>(
    py: Python<'py>,
    params: &str,
    groups: Groups<'_>,
    outcomes: Option<Numbers<'_>>,
    seed: u64,
) -> Result<Vec<PySplit<'py>>> {
    let params: GroupedKFold = settings::parse(params)?;
    let outcomes = outcomes.map(|outcomes| outcomes.as_array().to_vec());
    let groups = groups.as_array().to_vec();
    let splits = short(py, || params.splits(&groups, outcomes.as_deref(), seed))?;
    Ok(to_python(py, &splits))
}

/// One split a group, named by its label; rows of other groups that `linked` ties to a test row
/// are dropped.
#[pyfunction]
pub fn leave_one_group_out<'py>(
    py: Python<'py>,
    labels: Vec<String>,
    linked: Option<Groups<'_>>,
) -> Result<Vec<PySplit<'py>>> {
    let linked = linked.map(|linked| linked.as_array().to_vec());
    let splits = short(py, || {
        evaluation::leave_one_group_out(&labels, linked.as_deref())
    })?;
    Ok(to_python(py, &splits))
}

/// Two-way k-fold of pairs: what of a tested pair is new.
#[pyfunction]
pub fn two_way_k_fold<'py>(
    py: Python<'py>,
    params: &str,
    regime: &str,
    donors: Groups<'_>,
    recipients: Groups<'_>,
    seed: u64,
) -> Result<Vec<PySplit<'py>>> {
    let params: TwoWayKFold = settings::parse(params)?;
    let regime: Regime = settings::word("regime", regime)?;
    let (donors, recipients) = (donors.as_array().to_vec(), recipients.as_array().to_vec());
    let splits = short(py, || params.splits(regime, &donors, &recipients, seed))?;
    Ok(to_python(py, &splits))
}

fn to_python<'py>(py: Python<'py>, splits: &[Split]) -> Vec<PySplit<'py>> {
    let numbers = |rows: &[usize]| {
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        rows.into_pyarray(py)
    };
    let one = |split: &Split| {
        let dropped = split.dropped().iter();
        (
            split.name().to_owned(),
            numbers(split.training()),
            numbers(split.test()),
            dropped
                .map(|dropped| (dropped.row, dropped.reason.to_string()))
                .collect(),
        )
    };
    splits.iter().map(one).collect()
}

/// Held-out scores beside outcomes, as the Python half hands them over.
#[derive(FromPyObject)]
pub struct PyScoredRows<'py> {
    #[pyo3(attribute)]
    scores: Numbers<'py>,
    #[pyo3(attribute)]
    outcomes: Numbers<'py>,
    #[pyo3(attribute)]
    weights: Option<Numbers<'py>>,
    #[pyo3(attribute)]
    groups: Option<Groups<'py>>,
}

/// The same, owned.
pub struct OwnedRows {
    pub scores: Vec<f64>,
    pub outcomes: Vec<f64>,
    pub weights: Option<Vec<f64>>,
    pub groups: Option<Vec<u32>>,
}

impl PyScoredRows<'_> {
    /// A copy, which can outlive an interrupted call.
    pub fn owned(&self) -> OwnedRows {
        OwnedRows {
            scores: self.scores.as_array().to_vec(),
            outcomes: self.outcomes.as_array().to_vec(),
            weights: self
                .weights
                .as_ref()
                .map(|weights| weights.as_array().to_vec()),
            groups: self
                .groups
                .as_ref()
                .map(|groups| groups.as_array().to_vec()),
        }
    }
}

impl OwnedRows {
    fn rows(&self) -> donormatch::Result<ScoredRows<'_>> {
        let mut rows = ScoredRows::new(&self.scores, &self.outcomes)?;
        if let Some(weights) = &self.weights {
            rows = rows.with_weights(weights)?;
        }
        match &self.groups {
            Some(groups) => rows.with_groups(groups),
            None => Ok(rows),
        }
    }
}

/// A metric with its interval by drawing groups, as JSON.
#[pyfunction]
pub fn estimate(
    py: Python<'_>,
    metric: &str,
    rows: PyScoredRows<'_>,
    params: &str,
) -> Result<String> {
    let metric: Metric = settings::word("metric", metric)?;
    let params: BootstrapParams = settings::parse(params)?;
    let rows = rows.owned();
    settings::json(&long(py, move || params.estimate(metric, &rows.rows()?))?)
}

/// The difference between two models on the same rows, with its p value, as JSON.
#[pyfunction]
pub fn compare(
    py: Python<'_>,
    metric: &str,
    first: PyScoredRows<'_>,
    second_scores: Numbers<'_>,
    params: &str,
) -> Result<String> {
    let metric: Metric = settings::word("metric", metric)?;
    let params: BootstrapParams = settings::parse(params)?;
    let (first, second) = (first.owned(), second_scores.as_array().to_vec());
    let compared = move || evaluation::compare_by_groups(metric, &first.rows()?, &second, &params);
    settings::json(&long(py, compared)?)
}

/// ROC AUC with DeLong's interval, as JSON.
#[pyfunction]
pub fn delong(py: Python<'_>, rows: PyScoredRows<'_>, level: f64) -> Result<String> {
    let rows = rows.owned();
    let estimate = short(py, || evaluation::delong_estimate(&rows.rows()?, level))?;
    settings::json(&estimate)
}

/// DeLong's test of two ROC AUCs on the same rows, as JSON.
#[pyfunction]
pub fn compare_by_delong(
    py: Python<'_>,
    first: PyScoredRows<'_>,
    second_scores: Numbers<'_>,
    level: f64,
) -> Result<String> {
    let (first, second) = (first.owned(), second_scores.as_array().to_vec());
    let compared = || evaluation::compare_by_delong(&first.rows()?, &second, level);
    settings::json(&short(py, compared)?)
}

/// Observed share of events against predicted probability, as JSON.
#[pyfunction]
pub fn calibration_curve(
    py: Python<'_>,
    rows: PyScoredRows<'_>,
    n_bins: usize,
    level: f64,
) -> Result<String> {
    let rows = rows.owned();
    let curve = || evaluation::calibration_curve(&rows.rows()?, n_bins, level);
    settings::json(&short(py, curve)?)
}

/// Net benefit of acting from each threshold on, as JSON.
#[pyfunction]
pub fn decision_curve(
    py: Python<'_>,
    rows: PyScoredRows<'_>,
    thresholds: Vec<f64>,
) -> Result<String> {
    let rows = rows.owned();
    let curve = || evaluation::decision_curve(&rows.rows()?, &thresholds);
    settings::json(&short(py, curve)?)
}

/// The plain mean over cohorts, as JSON.
#[pyfunction]
pub fn mean_over_cohorts(values: Vec<f64>, level: f64) -> Result<String> {
    settings::json(&evaluation::mean_over_cohorts(&values, level)?)
}

/// The random-effects mean over cohorts, each by name, value and variance, as JSON.
#[pyfunction]
pub fn pool_cohorts(cohorts: Vec<(String, f64, f64)>, scale: &str, level: f64) -> Result<String> {
    let cohort = |(cohort, value, variance)| CohortValue {
        cohort,
        value,
        variance,
    };
    let cohorts: Vec<CohortValue> = cohorts.into_iter().map(cohort).collect();
    let scale: PoolingScale = settings::word("scale", scale)?;
    settings::json(&evaluation::pool_cohorts(&cohorts, scale, level)?)
}
