//! Outcomes of several sites, of which no patient leaves a site.
//!
//! A site sends how likely its outcomes are at each draw of the joint posterior before any of them,
//! its own effects (of its trial, of its donors, of its trial's slope, of cells without a published
//! arm) integrated out. Sites are independent given a draw, so these log-likelihoods add up, and the
//! draws weighted by their sum are the posterior that the pooled table gives.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draws::Draws;
use super::endpoint::Endpoint;
use super::pareto::{resample, smooth};
use super::patient::TrialPatient;
use super::posterior::{Evidence, TrialRecord};
use super::site_likelihood::Site;
use super::update::{MAX_SHAPE, UpdateMethod};
use crate::digest::Digest;
use crate::numeric::random::{derive, uniform};
use crate::{Error, Result};

/// What a summary says it is.
const FORMAT: &str = "donormatch site summary 1";

/// Decimals of a log-likelihood: an error far below that of the integral.
const GRID: f64 = 1e4;

/// What leaves a site: how likely its outcomes are at every draw of the model. No row of a patient,
/// no profile, no id but the name of the site, no count by donor or outcome.
///
/// A vector of log-likelihoods is not anonymous by itself: from those of a few patients how many
/// responded can be worked out, and of what kind of treatment. Hence the least number of patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSummary {
    /// `donormatch site summary 1`.
    pub format: String,
    /// The name of the site; a merge takes one summary of each.
    pub site: String,
    /// SHA-256 of the model whose draws the numbers belong to.
    pub model_digest: String,
    /// One entry an endpoint of which enough patients are known.
    pub endpoints: Vec<SiteEndpoint>,
    /// Endpoints of which fewer patients are known than may be told of; nothing is.
    pub withheld: Vec<Endpoint>,
}

/// What leaves a site of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteEndpoint {
    /// What was observed.
    pub endpoint: Endpoint,
    /// Patients of whom it is known.
    pub n_patients: u32,
    /// Logarithm of the likelihood of their outcomes at each draw, 0 at the highest.
    pub log_likelihood: Vec<f64>,
    /// Root mean square over the draws of its Monte-Carlo error.
    pub error: f64,
}

/// Evidence that has learned from sites, and how well that went.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedSites {
    /// The evidence with the outcomes of all sites.
    pub evidence: Evidence,
    /// One entry an endpoint that any site told of.
    pub endpoints: Vec<MergedEndpoint>,
}

/// How well the sites of an endpoint were merged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MergedEndpoint {
    /// What was observed.
    pub endpoint: Endpoint,
    /// Sites that told of it.
    pub n_sites: u32,
    /// Their patients.
    pub n_patients: u32,
    /// How heavy the tail of the weights is, k̂; above 0.7 these are not to be trusted. None where
    /// the weights have no tail.
    pub pareto_k: Option<f64>,
    /// Draws that as many of equal weight would be worth.
    pub n_effective: f64,
    /// Monte-Carlo error of the logarithm of a weight: that of all sites together.
    pub error: f64,
}

impl SiteSummary {
    /// The summary as indented JSON: the whole of what leaves a site.
    ///
    /// # Errors
    /// [`Error::Table`] where it was built by hand with a number JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::table(error.to_string()))
    }

    /// The summary of [`SiteSummary::to_json`].
    ///
    /// # Errors
    /// [`Error::Table`] where the text is no summary, of another format, or holds numbers that no
    /// summary has.
    pub fn from_json(json: &str) -> Result<Self> {
        let found: Self = serde_json::from_str(json)
            .map_err(|error| Error::table(format!("expected a site summary: {error}")))?;
        if found.format != FORMAT {
            let shown: String = found.format.chars().take(80).collect();
            return Err(Error::table(format!(
                "expected a `{FORMAT}`, found `{}`",
                shown.escape_debug()
            )));
        }
        let is_sound = |one: &SiteEndpoint| {
            let numbers = one.log_likelihood.iter();
            numbers.chain([&one.error]).all(|value| value.is_finite())
        };
        let mut told: Vec<Endpoint> = found.endpoints.iter().map(|one| one.endpoint).collect();
        told.sort();
        told.dedup();
        if told.len() == found.endpoints.len() && found.endpoints.iter().all(is_sound) {
            return Ok(found);
        }
        Err(Error::table(format!(
            "the summary of `{}` tells of an endpoint twice, or holds a number that is not finite",
            found.site
        )))
    }
}

impl Evidence {
    /// How likely the outcomes of the patients of one site are at every draw, for
    /// [`Evidence::with_sites`]; the name of their trial is that of the site. `model_digest` says
    /// what model scored them.
    ///
    /// # Errors
    /// [`Error::Parameter`] where fewer than `min_patients` patients are known of every endpoint;
    /// [`Error::Table`] where the evidence has learned from outcomes already, and as
    /// [`Evidence::with_patients`].
    pub fn site_summary(
        &self,
        patients: &[TrialPatient],
        model_digest: &str,
        min_patients: u32,
    ) -> Result<SiteSummary> {
        patients.iter().try_for_each(TrialPatient::check)?;
        self.check_trial(patients)?;
        self.check_untaught()?;
        let site = patients.first().map(|one| one.trial.clone());
        let n_known = Endpoint::ALL.map(|endpoint| {
            let known = patients
                .iter()
                .filter(|one| one.outcome(endpoint).is_some());
            (endpoint, known.count() as u32)
        });
        let is_enough = |(_, n): &&(Endpoint, u32)| *n >= min_patients.max(1);
        let too_few = n_known
            .iter()
            .filter(|one| one.1 > 0 && !is_enough(one))
            .map(|one| one.0);
        let endpoints: Vec<SiteEndpoint> = n_known
            .iter()
            .filter(is_enough)
            .map(|&(endpoint, n_patients)| self.told(endpoint, patients, n_patients))
            .collect();
        if endpoints.is_empty() {
            let most = n_known.iter().map(|one| one.1).max().unwrap_or(0);
            let message = format!(
                "the outcome of {most} patients is known, of {min_patients} or more it may be told"
            );
            return Err(Error::parameter("min_patients", message));
        }
        Ok(SiteSummary {
            format: FORMAT.to_owned(),
            site: site.unwrap_or_default(),
            model_digest: model_digest.to_owned(),
            endpoints,
            withheld: too_few.collect(),
        })
    }

    fn check_untaught(&self) -> Result<()> {
        if self.record == TrialRecord::default() {
            return Ok(());
        }
        Err(Error::table(
            "the model has learned from outcomes already: start from the one that all sites had \
             before",
        ))
    }

    fn told(&self, endpoint: Endpoint, patients: &[TrialPatient], n_patients: u32) -> SiteEndpoint {
        let site = Site::new(self, endpoint, patients);
        let found: Vec<(f64, f64)> = (0..self.n_kept())
            .into_par_iter()
            .map(|draw| site.log_likelihood(draw))
            .collect();
        let highest = found
            .iter()
            .map(|one| one.0)
            .fold(f64::NEG_INFINITY, f64::max);
        let squares: f64 = found.iter().map(|one| one.1 * one.1).sum();
        let rounded = |one: &(f64, f64)| ((one.0 - highest) * GRID).round() / GRID + 0.0;
        SiteEndpoint {
            endpoint,
            n_patients,
            log_likelihood: found.iter().map(rounded).collect(),
            error: (squares / found.len() as f64).sqrt(),
        }
    }

    /// The evidence with the outcomes of all sites, by weights on the draws there are: what the
    /// effects that sites share (of treatments, of a transplant, of the score) are. What a single
    /// donor adds stays with its site, which lets its own table teach the merged evidence of the
    /// *other* sites ([`Evidence::with_patients`] by [`UpdateMethod::Fast`]).
    ///
    /// `model_digest` is that of the model here. [`UpdateMethod::Auto`] refuses weights that cannot
    /// be trusted, [`UpdateMethod::Fast`] takes them.
    ///
    /// # Errors
    /// [`Error::Table`] naming a site whose summary is of another model or there twice, or where
    /// the evidence has learned from outcomes already; [`Error::Convergence`] where the tail of the
    /// weights is too heavy; [`Error::Parameter`] for [`UpdateMethod::Exact`], which needs rows.
    pub fn with_sites(
        &self,
        sites: &[SiteSummary],
        model_digest: &str,
        method: UpdateMethod,
    ) -> Result<MergedSites> {
        if method == UpdateMethod::Exact {
            let message = "a new fit needs the rows of all sites; expected `auto` or `fast`";
            return Err(Error::parameter("method", message));
        }
        self.check_untaught()?;
        self.check_sites(sites, model_digest)?;
        // In the order of their names, so that the same sites sum up to the same bits.
        let mut sites: Vec<&SiteSummary> = sites.iter().collect();
        sites.sort_by(|a, b| a.site.cmp(&b.site));
        let mut evidence = self.clone();
        let mut endpoints = Vec::new();
        for endpoint in Endpoint::ALL {
            let told: Vec<&SiteEndpoint> = sites
                .iter()
                .flat_map(|site| &site.endpoints)
                .filter(|one| one.endpoint == endpoint)
                .collect();
            if told.is_empty() {
                continue;
            }
            let (draws, merged) = self.merged(endpoint, &told)?;
            if method == UpdateMethod::Auto && merged.pareto_k.is_some_and(|k| k > MAX_SHAPE) {
                return Err(Error::convergence(format!(
                    "the outcomes of `{endpoint}` say too much for weights on the draws (k̂ = {:.2}, \
                     expected {MAX_SHAPE} or less): fit anew where the tables may be pooled, or \
                     take `fast`",
                    merged.pareto_k.unwrap_or_default()
                )));
            }
            *evidence.draws_mut(endpoint) = draws;
            endpoints.push(merged);
        }
        evidence.record = TrialRecord::of_sites(&digest_of(&sites)?);
        Ok(MergedSites {
            evidence,
            endpoints,
        })
    }

    fn check_sites(&self, sites: &[SiteSummary], model_digest: &str) -> Result<()> {
        if sites.is_empty() {
            return Err(Error::table("there is no summary to merge"));
        }
        for (at, one) in sites.iter().enumerate() {
            let site = &one.site;
            if sites[..at].iter().any(|other| other.site == *site) {
                return Err(Error::table(format!(
                    "`{site}` is there twice: give the later summary, which holds all its patients"
                )));
            }
            if one.model_digest != model_digest {
                return Err(Error::table(format!(
                    "the summary of `{site}` is of another model: expected `{model_digest}`, found \
                     `{}`",
                    one.model_digest
                )));
            }
            let n = self.n_kept();
            if let Some(odd) = one.endpoints.iter().find(|of| of.log_likelihood.len() != n) {
                return Err(Error::table(format!(
                    "the summary of `{site}` has {} numbers of `{}` for {n} draws",
                    odd.log_likelihood.len(),
                    odd.endpoint
                )));
            }
        }
        Ok(())
    }

    fn merged(
        &self,
        endpoint: Endpoint,
        told: &[&SiteEndpoint],
    ) -> Result<(Draws, MergedEndpoint)> {
        let n = self.n_kept();
        let sum = |draw: usize| told.iter().map(|one| one.log_likelihood[draw]).sum();
        let log_weights: Vec<f64> = (0..n).map(sum).collect();
        let smoothed = smooth(&log_weights);
        let squares: f64 = smoothed.weights.iter().map(|weight| weight * weight).sum();
        let start = uniform(derive(self.params.seed, endpoint as u64));
        let taken = resample(&smoothed.weights, n, start);
        let columns = self.draws(endpoint).columns().iter();
        let values = columns.map(|column| {
            let values = taken.iter().map(|&at| column.value(at)).collect();
            (column.name.clone(), values)
        });
        let draws = Draws::of_values(values.collect())
            .ok_or_else(|| Error::convergence("the weights of the draws are not finite"))?;
        Ok((
            draws,
            MergedEndpoint {
                endpoint,
                n_sites: told.len() as u32,
                n_patients: told.iter().map(|one| one.n_patients).sum(),
                pareto_k: smoothed.shape.is_finite().then_some(smoothed.shape),
                n_effective: squares.recip(),
                error: told.iter().map(|one| one.error.powi(2)).sum::<f64>().sqrt(),
            },
        ))
    }
}

/// SHA-256 of the summaries, whatever their order.
fn digest_of(sites: &[&SiteSummary]) -> Result<String> {
    let mut texts = sites
        .iter()
        .map(|site| site.to_json())
        .collect::<Result<Vec<_>>>()?;
    texts.sort();
    let mut digest = Digest::default();
    for text in &texts {
        digest.add(text.as_bytes());
    }
    Ok(digest.finish())
}
