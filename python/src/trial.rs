//! Synthetic cohorts whose truth is known, and what a design can show.

use std::sync::{Arc, Mutex, PoisonError};

use donormatch::matcher::Matcher;
use donormatch::trial::allocation::{DesignParams, Policy, TrialView};
use donormatch::trial::design::{
    self, DonorYield, PredictionSampleSizeParams, SafetyParams, TwoGroupsParams,
};
use donormatch::trial::off_policy::{LoggedRecipient, OffPolicyParams};
use donormatch::trial::pool::{self, PoolParams};
use donormatch::trial::{SimulationParams, SyntheticCohort};
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;

use crate::error::Result;
use crate::matcher::PyMatcher;
use crate::profiles::PyProfiles;
use crate::runtime::long;
use crate::settings;

/// Donors, recipients and follow-ups, and contexts and transplants as JSON lists.
type Simulated = (PyProfiles, PyProfiles, PyProfiles, String, String);

/// Makes a synthetic cohort.
#[pyfunction]
pub fn simulate(py: Python<'_>, params: &str) -> Result<Simulated> {
    let params: SimulationParams = settings::parse(params)?;
    let SyntheticCohort {
        donors,
        recipients,
        follow_ups,
        contexts,
        transplants,
        ..
    } = long(py, move || params.simulate())?;
    Ok((
        PyProfiles(donors),
        PyProfiles(recipients),
        PyProfiles(follow_ups),
        settings::json(&contexts)?,
        settings::json(&transplants)?,
    ))
}

/// Riley's criteria, as JSON.
#[pyfunction]
pub fn prediction_sample_size(params: &str) -> Result<String> {
    let params: PredictionSampleSizeParams = settings::parse(params)?;
    settings::json(&params.plan()?)
}

/// The R² of Cox and Snell of a model with a ROC AUC.
#[pyfunction]
pub fn cox_snell_of_c_statistic(c_statistic: f64, prevalence: f64) -> Result<f64> {
    Ok(design::cox_snell_of_c_statistic(c_statistic, prevalence)?)
}

/// How many donors to screen, as JSON.
#[pyfunction]
pub fn donors_to_screen(n_eligible: u32, pass_rate: f64, certainty: f64) -> Result<String> {
    settings::json(&DonorYield::plan(n_eligible, pass_rate, certainty)?)
}

/// Patients that tell two rates apart, as JSON.
#[pyfunction]
pub fn two_groups(params: &str) -> Result<String> {
    let params: TwoGroupsParams = settings::parse(params)?;
    settings::json(&params.plan()?)
}

/// The exact power of Fisher's exact test.
#[pyfunction]
pub fn fisher_power(first: (u32, f64), second: (u32, f64), level: f64) -> Result<f64> {
    Ok(design::fisher_power(first, second, level)?)
}

/// A boundary, as JSON, and what it does at true rates.
#[pyfunction]
pub fn safety_boundary(params: &str, rates: Vec<f64>) -> Result<(String, Vec<(f64, f64)>)> {
    let params: SafetyParams = settings::parse(params)?;
    let boundary = params.boundary()?;
    let at_rates = rates.into_iter().map(|rate| boundary.at_rate(rate));
    let at_rates = at_rates.collect::<donormatch::Result<_>>()?;
    Ok((settings::json(&boundary)?, at_rates))
}

/// The exact interval of a rate.
#[pyfunction]
pub fn clopper_pearson(k: u32, n: u32, level: f64) -> Result<(f64, f64)> {
    Ok(design::clopper_pearson(k, n, level)?)
}

/// The p-value of Fisher's exact test.
#[pyfunction]
pub fn fisher_exact(first: (u32, u32), second: (u32, u32)) -> Result<f64> {
    Ok(design::fisher_exact(first, second)?)
}

/// What simulated trials show under the policies of the library, as JSON.
#[pyfunction]
pub fn compare_policies(
    py: Python<'_>,
    params: &str,
    matcher: Option<Py<PyMatcher>>,
) -> Result<String> {
    let params: DesignParams = settings::parse(params)?;
    let matcher = matcher.map(|matcher| Arc::clone(&matcher.get().0));
    let report = long(py, move || {
        params.compare(matcher.as_deref().map(Matcher::evidence))
    })?;
    settings::json(&report)
}

/// The same under a policy of the caller's, a function from a view as JSON to probabilities.
#[pyfunction]
pub fn compare_policy(
    py: Python<'_>,
    params: &str,
    matcher: Option<Py<PyMatcher>>,
    name: String,
    policy: Py<PyAny>,
) -> Result<String> {
    let params: DesignParams = settings::parse(params)?;
    let matcher = matcher.map(|matcher| Arc::clone(&matcher.get().0));
    let raised: Arc<Mutex<Option<PyErr>>> = Arc::default();
    let first = Arc::clone(&raised);
    let ask = move |view: &TrialView<'_>| -> donormatch::Result<Vec<f64>> {
        let failed = |error: serde_json::Error| donormatch::Error::table(error.to_string());
        let view = serde_json::to_string(view).map_err(failed)?;
        let given = Python::attach(|py| policy.call1(py, (view,))?.extract::<Vec<f64>>(py));
        given.map_err(|error| {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
            donormatch::Error::parameter("policy", "the function raised an exception")
        })
    };
    let report = long(py, move || {
        params.compare_policy(matcher.as_deref().map(Matcher::evidence), &name, &ask)
    });
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    match raised {
        Some(error) => Err(error.into()),
        None => settings::json(&report?),
    }
}

/// One simulated trial, as JSON.
#[pyfunction]
pub fn simulate_trial(
    py: Python<'_>,
    params: &str,
    matcher: Option<Py<PyMatcher>>,
    policy: &str,
    number: u32,
) -> Result<String> {
    let params: DesignParams = settings::parse(params)?;
    let wrong =
        |error: serde_json::Error| donormatch::Error::parameter("policy", error.to_string());
    let policy: Policy = serde_json::from_str(policy).map_err(wrong)?;
    let matcher = matcher.map(|matcher| Arc::clone(&matcher.get().0));
    let trial = long(py, move || {
        params.trial(matcher.as_deref().map(Matcher::evidence), policy, number)
    })?;
    settings::json(&trial)
}

/// The value of another policy from a log, as JSON.
#[pyfunction]
pub fn off_policy_value(py: Python<'_>, params: &str, log: &str) -> Result<String> {
    let params: OffPolicyParams = settings::parse(params)?;
    let log: Vec<LoggedRecipient> = settings::list("log", log)?;
    settings::json(&long(py, move || params.value(&log))?)
}

/// A pool of donors by utilities, recipients × donors, as JSON.
#[pyfunction]
pub fn choose_pool(
    py: Python<'_>,
    utility: PyReadonlyArray2<'_, f64>,
    n_chosen: usize,
    n_exact: u64,
) -> Result<String> {
    let mut params = PoolParams::default();
    (params.n_chosen, params.n_exact) = (n_chosen, n_exact);
    let utility = utility.as_array().to_owned();
    settings::json(&long(py, move || params.choose(utility.view()))?)
}

/// What each donor adds to a pool, as a JSON list.
#[pyfunction]
pub fn donors_of_pool(utility: PyReadonlyArray2<'_, f64>, pool: Vec<usize>) -> Result<String> {
    settings::json(&pool::donors_of_pool(utility.as_array(), &pool)?)
}
