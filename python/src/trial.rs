//! Synthetic cohorts whose truth is known.

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
