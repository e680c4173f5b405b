//! Diversity within samples and distances between them.

use donormatch::Error;
use donormatch::feature::{self, Diversity, LogBase, Metric};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::runtime::short;

/// One measure of diversity of every sample.
#[pyfunction]
pub fn diversity<'py>(
    py: Python<'py>,
    profiles: &PyProfiles,
    measure: &str,
    base: &str,
) -> Result<Bound<'py, PyArray1<f64>>> {
    let measure = measure_of(measure, base_of(base)?)?;
    Ok(short(py, || feature::diversity(&profiles.0, measure))?.into_pyarray(py))
}

/// The distance of every donor to every recipient, over the taxa of both.
#[pyfunction]
pub fn distances<'py>(
    py: Python<'py>,
    donors: &PyProfiles,
    recipients: &PyProfiles,
    metric: &str,
    pseudocount: f64,
) -> Result<Bound<'py, PyArray2<f64>>> {
    let metric = metric_of(metric, pseudocount)?;
    let found = short(py, || {
        let (donors, recipients) = feature::align(&donors.0, &recipients.0)?;
        feature::distances(&donors, &recipients, metric)
    })?;
    Ok(found.into_pyarray(py))
}

/// The distances of all samples of one table to each other.
#[pyfunction]
pub fn pairwise<'py>(
    py: Python<'py>,
    profiles: &PyProfiles,
    metric: &str,
    pseudocount: f64,
) -> Result<Bound<'py, PyArray2<f64>>> {
    let metric = metric_of(metric, pseudocount)?;
    Ok(short(py, || feature::pairwise(&profiles.0, metric))?.into_pyarray(py))
}

fn base_of(word: &str) -> Result<LogBase> {
    match word {
        "natural" => Ok(LogBase::Natural),
        "two" => Ok(LogBase::Two),
        "ten" => Ok(LogBase::Ten),
        other => unknown("base", "`natural`, `two` or `ten`", other),
    }
}

fn measure_of(word: &str, base: LogBase) -> Result<Diversity<'static>> {
    const WORDS: &str = "`richness`, `shannon`, `simpson`, `inverse_simpson`, `pielou` or `chao1`";
    match word {
        "richness" => Ok(Diversity::Richness),
        "shannon" => Ok(Diversity::Shannon(base)),
        "simpson" => Ok(Diversity::Simpson),
        "inverse_simpson" => Ok(Diversity::InverseSimpson),
        "pielou" => Ok(Diversity::Pielou),
        "chao1" => Ok(Diversity::Chao1),
        other => unknown("measure", WORDS, other),
    }
}

fn metric_of(word: &str, pseudocount: f64) -> Result<Metric<'static>> {
    const WORDS: &str =
        "`bray_curtis`, `jaccard`, `jensen_shannon`, `aitchison` or `robust_aitchison`";
    match word {
        "bray_curtis" => Ok(Metric::BrayCurtis),
        "jaccard" => Ok(Metric::Jaccard),
        "jensen_shannon" => Ok(Metric::JensenShannon),
        "aitchison" => Ok(Metric::Aitchison { pseudocount }),
        "robust_aitchison" => Ok(Metric::RobustAitchison),
        other => unknown("metric", WORDS, other),
    }
}

fn unknown<T>(name: &str, words: &str, found: &str) -> Result<T> {
    Err(Error::parameter(name, format!("expected {words}, found `{found}`")).into())
}
