//! Diversity within samples and distances between them.

use std::path::PathBuf;

use donormatch::Error;
use donormatch::feature::{
    self, CutOff, Diversity, LogBase, Metric, Phylogeny, Toposcore, ToposcoreParams,
};
use donormatch::profile::ReadOptions;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use serde::Deserialize;

use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::runtime::{long, short};
use crate::settings;

/// A tree whose tips are taxa.
#[pyclass(frozen, name = "Phylogeny", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyPhylogeny(Phylogeny);

/// Reads the tree of a Newick file or a QIIME 2 artifact.
#[pyfunction]
pub fn read_tree(py: Python<'_>, path: PathBuf, options: &str) -> Result<PyPhylogeny> {
    let options: ReadOptions = settings::parse(options)?;
    let read = move || Phylogeny::read(path, &options.limits);
    Ok(PyPhylogeny(long(py, read)?))
}

#[pymethods]
impl PyPhylogeny {
    /// Number of tips.
    #[getter]
    fn n_tips(&self) -> usize {
        self.0.n_tips()
    }
}

/// One measure of diversity of every sample.
#[pyfunction]
pub fn diversity<'py>(
    py: Python<'py>,
    profiles: &PyProfiles,
    measure: &str,
    base: &str,
    tree: Option<&PyPhylogeny>,
) -> Result<Bound<'py, PyArray1<f64>>> {
    let measure = measure_of(measure, base_of(base)?, tree)?;
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
    tree: Option<&PyPhylogeny>,
) -> Result<Bound<'py, PyArray2<f64>>> {
    let metric = metric_of(metric, pseudocount, tree)?;
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
    tree: Option<&PyPhylogeny>,
) -> Result<Bound<'py, PyArray2<f64>>> {
    let metric = metric_of(metric, pseudocount, tree)?;
    Ok(short(py, || feature::pairwise(&profiles.0, metric))?.into_pyarray(py))
}

/// The centered log-ratios after adding the pseudocount, samples × taxa.
#[pyfunction]
pub fn clr<'py>(
    py: Python<'py>,
    profiles: &PyProfiles,
    pseudocount: f64,
) -> Result<Bound<'py, PyArray2<f64>>> {
    Ok(short(py, || feature::clr(&profiles.0, pseudocount))?.into_pyarray(py))
}

/// The robust centered log-ratios, samples × taxa; NaN where a taxon is not detected.
#[pyfunction]
pub fn rclr<'py>(py: Python<'py>, profiles: &PyProfiles) -> Result<Bound<'py, PyArray2<f64>>> {
    Ok(short(py, || Ok(feature::rclr(&profiles.0)))?.into_pyarray(py))
}

/// The TOPOSCORE of every sample, as a JSON list of records.
#[pyfunction]
pub fn toposcore(py: Python<'_>, profiles: &PyProfiles, params: &str) -> Result<String> {
    let params: ToposcoreParams = settings::parse(params)?;
    let table = short(py, || feature::toposcore(&profiles.0, &params))?;
    settings::json(&table.records())
}

/// Counts of members present, each seen and possible at most.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ToposcoreCounts {
    n_sig1: (u32, u32),
    n_sig2: (u32, u32),
    akkermansia: Option<f64>,
    cut_off: CutOff,
}

/// The TOPOSCORE of counts, as a JSON record.
#[pyfunction]
pub fn toposcore_from_counts(counts: &str) -> Result<String> {
    let counts: ToposcoreCounts = settings::parse(counts)?;
    let score = Toposcore::from_bounds(
        counts.n_sig1,
        counts.n_sig2,
        counts.akkermansia,
        counts.cut_off,
    )?;
    settings::json(&score.record())
}

/// How to rarefy.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rarefaction {
    depth: u64,
    seed: u64,
}

/// The table with `depth` reads in every sample, and the samples too shallow for it.
#[pyfunction]
pub fn rarefy(
    py: Python<'_>,
    profiles: &PyProfiles,
    params: &str,
) -> Result<(PyProfiles, Vec<String>)> {
    let params: Rarefaction = settings::parse(params)?;
    let rarefied = short(py, || {
        feature::rarefy(&profiles.0, params.depth, params.seed)
    })?;
    let too_shallow = rarefied.too_shallow.iter().map(ToString::to_string);
    Ok((PyProfiles(rarefied.table), too_shallow.collect()))
}

fn base_of(word: &str) -> Result<LogBase> {
    match word {
        "natural" => Ok(LogBase::Natural),
        "two" => Ok(LogBase::Two),
        "ten" => Ok(LogBase::Ten),
        other => unknown("base", "`natural`, `two` or `ten`", other),
    }
}

fn measure_of<'a>(
    word: &str,
    base: LogBase,
    tree: Option<&'a PyPhylogeny>,
) -> Result<Diversity<'a>> {
    const WORDS: &str =
        "`richness`, `shannon`, `simpson`, `inverse_simpson`, `pielou`, `chao1` or `faith_pd`";
    match word {
        "richness" => Ok(Diversity::Richness),
        "shannon" => Ok(Diversity::Shannon(base)),
        "simpson" => Ok(Diversity::Simpson),
        "inverse_simpson" => Ok(Diversity::InverseSimpson),
        "pielou" => Ok(Diversity::Pielou),
        "chao1" => Ok(Diversity::Chao1),
        "faith_pd" => Ok(Diversity::FaithPd(needed(tree)?)),
        other => unknown("measure", WORDS, other),
    }
}

fn metric_of<'a>(
    word: &str,
    pseudocount: f64,
    tree: Option<&'a PyPhylogeny>,
) -> Result<Metric<'a>> {
    const WORDS: &str = "`bray_curtis`, `jaccard`, `jensen_shannon`, `aitchison`, \
        `robust_aitchison`, `unweighted_unifrac`, `weighted_unifrac` or \
        `normalized_weighted_unifrac`";
    match word {
        "bray_curtis" => Ok(Metric::BrayCurtis),
        "jaccard" => Ok(Metric::Jaccard),
        "jensen_shannon" => Ok(Metric::JensenShannon),
        "aitchison" => Ok(Metric::Aitchison { pseudocount }),
        "robust_aitchison" => Ok(Metric::RobustAitchison),
        "unweighted_unifrac" => Ok(Metric::UnweightedUniFrac(needed(tree)?)),
        "weighted_unifrac" => Ok(Metric::WeightedUniFrac(needed(tree)?)),
        "normalized_weighted_unifrac" => Ok(Metric::NormalizedWeightedUniFrac(needed(tree)?)),
        other => unknown("metric", WORDS, other),
    }
}

fn needed(tree: Option<&PyPhylogeny>) -> Result<&Phylogeny> {
    let missing = || {
        Error::parameter(
            "tree",
            "this measure needs a tree; read one with `read_tree`",
        )
    };
    Ok(&tree.ok_or_else(missing)?.0)
}

fn unknown<T>(name: &str, words: &str, found: &str) -> Result<T> {
    Err(Error::parameter(name, format!("expected {words}, found `{found}`")).into())
}
