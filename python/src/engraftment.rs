//! What transplants did, seen in the samples of donor, baseline and follow-up.

use donormatch::feature::{self, Fate, LossParams, MismatchParams, MismatchTest, Triad};
use donormatch::profile::SampleId;
use pyo3::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::runtime::short;
use crate::settings;

/// The engraftment observed in each triad of a JSON list, as a JSON list of records.
#[pyfunction]
pub fn observed_engraftment(py: Python<'_>, profiles: &PyProfiles, triads: &str) -> Result<String> {
    let triads: Vec<Triad> = settings::list("triads", triads)?;
    let seen = short(py, || feature::observed_engraftment(&profiles.0, &triads))?;
    settings::json(&with_triads(&triads, &seen))
}

/// The triads against their mismatched pairs: records as JSON, and the global test.
#[pyfunction]
pub fn mismatched_null(
    py: Python<'_>,
    profiles: &PyProfiles,
    triads: &str,
    params: &str,
) -> Result<String> {
    let triads: Vec<Triad> = settings::list("triads", triads)?;
    let params: MismatchParams = settings::parse(params)?;
    let null = short(py, || {
        feature::mismatched_null(&profiles.0, &triads, &params)
    })?;
    settings::json(&TriadTests {
        tests: with_triads(&triads, &null.tests),
        n_mismatched: null.n_mismatched,
        global_z: null.global_z,
        global_p: null.global_p,
    })
}

/// The fate of one taxon, by its label.
#[derive(Serialize)]
struct LossRecord<'a> {
    taxon: &'a str,
    fate: Fate,
    detection: f64,
}

/// The fate of every taxon of the baseline, as a JSON list of records.
#[pyfunction]
pub fn call_losses(
    py: Python<'_>,
    profiles: &PyProfiles,
    baseline: &str,
    follow_up: &str,
    params: &str,
) -> Result<String> {
    let params: LossParams = settings::parse(params)?;
    let (baseline, follow_up) = (SampleId::new(baseline), SampleId::new(follow_up));
    let calls = short(py, || {
        feature::call_losses(&profiles.0, &baseline, &follow_up, &params)
    })?;
    let records: Vec<LossRecord> = calls
        .iter()
        .map(|call| LossRecord {
            taxon: profiles.0.taxa()[call.column].label(),
            fate: call.fate,
            detection: call.detection,
        })
        .collect();
    settings::json(&records)
}

/// The figures of one triad behind the samples they are about.
#[derive(Serialize)]
struct TriadRecord<'a, T> {
    #[serde(flatten)]
    triad: &'a Triad,
    #[serde(flatten)]
    figures: &'a T,
}

fn with_triads<'a, T>(triads: &'a [Triad], figures: &'a [T]) -> Vec<TriadRecord<'a, T>> {
    let joined = triads.iter().zip(figures);
    joined
        .map(|(triad, figures)| TriadRecord { triad, figures })
        .collect()
}

/// The mismatched-pair null with the samples of every test.
#[derive(Serialize)]
struct TriadTests<'a> {
    tests: Vec<TriadRecord<'a, MismatchTest>>,
    n_mismatched: usize,
    global_z: f64,
    global_p: f64,
}
