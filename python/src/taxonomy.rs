//! One vocabulary of taxa, and the report of what became of each.

use donormatch::taxonomy::{self, HarmonizeParams};
use pyo3::prelude::*;

use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::runtime::short;
use crate::settings;

/// The table in the vocabulary of the models, and the report as JSON.
#[pyfunction]
pub fn harmonize(
    py: Python<'_>,
    profiles: &PyProfiles,
    params: &str,
) -> Result<(PyProfiles, String)> {
    let params: HarmonizeParams = settings::parse(params)?;
    let (table, report) = short(py, || taxonomy::harmonize(&profiles.0, &params))?;
    Ok((PyProfiles(table), settings::json(&report)?))
}
