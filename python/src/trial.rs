//! Synthetic cohorts whose truth is known, and what a design can show.

use donormatch::trial::design::{self, DonorYield, PredictionSampleSizeParams, SafetyParams};
use donormatch::trial::{SimulationParams, SyntheticCohort};
use pyo3::prelude::*;

use crate::error::Result;
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
