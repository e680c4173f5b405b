//! What the outcomes of a trial of one's own add to the joint posterior.

use serde::{Deserialize, Serialize};

use super::data::{Data, density};
use super::density::Row;
use super::draws::{Draws, names};
use super::endpoint::Endpoint;
use super::layout::group_of;
use super::pareto::{resample, smooth};
use super::patient::TrialPatient;
use super::posterior::{DrawNumbers, Evidence, TrialRecord};
use super::reading::EvidenceReading;
use crate::numeric::random::{derive, uniform};
use crate::{Error, Result};

/// How outcomes are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum UpdateMethod {
    /// By weights on the draws there are; a new fit where these cannot be trusted.
    #[default]
    Auto,
    /// By a new fit of arms and outcomes together.
    Exact,
    /// By weights, however heavy their tail.
    Fast,
}

/// Evidence that has learned, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The evidence with the outcomes.
    pub evidence: Evidence,
    /// [`UpdateMethod::Exact`] or [`UpdateMethod::Fast`]: what was done.
    pub method: UpdateMethod,
    /// The heaviest tail of the weights over the endpoints, k̂; none after a new fit that no
    /// weights were tried before. Above 0.7 weights are not to be trusted.
    pub pareto_k: Option<f64>,
}

/// k̂ up to which weights are trusted.
pub(super) const MAX_SHAPE: f64 = 0.7;
/// Copies of each draw, each with other effects of the new trial, cells and donors.
const N_COPIES: usize = 16;

impl Evidence {
    /// The same evidence with the outcomes of a trial: always the whole table so far. What the
    /// evidence had learned from an earlier table is replaced, not added to, so that a row is taken
    /// out by giving the table without it.
    ///
    /// `digest` says what table the patients come from. Patients whose outcome is not yet known
    /// count as transplants of their donor and for nothing else; those given a placebo or their own
    /// stool are known to have had no transplant.
    ///
    /// Evidence that learned from other sites ([`Evidence::with_sites`]) is learned further from by
    /// weights alone: a new fit needs their rows.
    ///
    /// # Errors
    /// [`Error::Table`] for a patient with a number that is not finite, or patients of several
    /// trials or of a trial of the registry; [`Error::Convergence`] where the sampler does not
    /// settle; [`Error::Parameter`] where a new fit is needed and the crate was built without the
    /// feature `sampler`.
    pub fn with_patients(
        &self,
        patients: &[TrialPatient],
        digest: &str,
        method: UpdateMethod,
    ) -> Result<Updated> {
        patients.iter().try_for_each(TrialPatient::check)?;
        self.check_trial(patients)?;
        let has_learned = !self.record.trial.is_empty();
        if method == UpdateMethod::Exact || has_learned {
            if method == UpdateMethod::Fast {
                let message = "`fast` reads the draws from before any outcome: start from the \
                               matcher that has not learned yet, or take `exact`";
                return Err(Error::parameter("method", message));
            }
            return self.exact(patients, digest, None);
        }
        let weighted = Endpoint::ALL.map(|endpoint| self.weighted(endpoint, patients));
        let heaviest = weighted
            .iter()
            .map(|one| one.1)
            .fold(f64::NEG_INFINITY, f64::max);
        if method == UpdateMethod::Auto && heaviest > MAX_SHAPE {
            return self.exact(patients, digest, Some(heaviest));
        }
        let [response, severe_irae, myocarditis] = weighted.map(|one| {
            one.0
                .ok_or_else(|| Error::convergence("the weights of the draws are not finite"))
        });
        Ok(Updated {
            evidence: Self {
                response: response?,
                severe_irae: severe_irae?,
                myocarditis: myocarditis?,
                record: TrialRecord {
                    digest: self.record.digest_with(digest),
                    ..TrialRecord::of(patients, digest)
                },
                ..self.clone()
            },
            method: UpdateMethod::Fast,
            pareto_k: heaviest.is_finite().then_some(heaviest),
        })
    }

    /// The same without any arm of a trial, such as one that is being judged.
    ///
    /// # Errors
    /// As [`Evidence::without_trials`].
    pub fn without_trial(&self, trial: &str) -> Result<Self> {
        self.without_trials(&[trial.to_owned()])
    }

    /// The same without any arm of some trials, by a new fit; what was learned from own outcomes
    /// is left out too.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming a trial of which there is no arm, or where the crate was built
    /// without the feature `sampler`; [`Error::Convergence`] where the sampler does not settle.
    pub fn without_trials(&self, trials: &[String]) -> Result<Self> {
        if trials.is_empty() {
            return Ok(self.clone());
        }
        self.read_anew(&EvidenceReading {
            without: trials.to_vec(),
            ..EvidenceReading::default()
        })
    }

    pub(super) fn check_trial(&self, patients: &[TrialPatient]) -> Result<()> {
        let Some(first) = patients.first() else {
            return Err(Error::table("there is no patient to learn from"));
        };
        if let Some(other) = patients.iter().find(|one| one.trial != first.trial) {
            return Err(Error::table(format!(
                "the patients are of several trials: `{}` and `{}`",
                first.trial, other.trial
            )));
        }
        if self
            .registry
            .arms()
            .iter()
            .any(|arm| arm.trial == first.trial)
        {
            return Err(Error::table(format!(
                "the arms of `{}` are among the evidence already; its patients would count \
                 twice: leave its arms out by `without`, and name the trial otherwise",
                first.trial
            )));
        }
        Ok(())
    }

    /// Refuses a new fit of evidence that knows sites by their summaries alone.
    fn check_no_sites(&self) -> Result<()> {
        if self.record.has_sites() {
            let message = "a new fit would lose what other sites taught: take `fast`, from the \
                           matcher that their summaries were merged into";
            return Err(Error::parameter("method", message));
        }
        Ok(())
    }

    #[cfg(feature = "sampler")]
    fn exact(&self, patients: &[TrialPatient], digest: &str, k: Option<f64>) -> Result<Updated> {
        self.check_no_sites()?;
        let evidence =
            self.params
                .fit_with_patients(&self.registry, &self.slopes, patients, digest)?;
        Ok(Updated {
            evidence,
            method: UpdateMethod::Exact,
            pareto_k: k,
        })
    }

    #[cfg(not(feature = "sampler"))]
    fn exact(&self, _: &[TrialPatient], _: &str, _: Option<f64>) -> Result<Updated> {
        self.check_no_sites()?;
        let message =
            "a new fit is needed, and this build has no sampler (cargo feature `sampler`)";
        Err(Error::parameter("method", message))
    }

    /// The draws of an endpoint by their weights under the patients' outcomes, and the shape of
    /// the weights' tail.
    fn weighted(&self, endpoint: Endpoint, patients: &[TrialPatient]) -> (Option<Draws>, f64) {
        let data = Data {
            registry: &self.registry,
            slopes: &self.slopes,
            patients,
        };
        // The parameters of a new fit, and the rows of the patients in its numbers.
        let density = density(endpoint, data, self.params.prior_scale);
        let n_known = patients
            .iter()
            .filter(|one| one.outcome(endpoint).is_some())
            .count();
        let rows = &density.rows[density.rows.len() - n_known..];
        let n_kept = self.n_kept();
        let n = n_kept * N_COPIES;
        let names = names(&density);
        let columns: Vec<Vec<f64>> = names
            .iter()
            .map(|name| self.extended(endpoint, name, n))
            .collect();
        let mut point = vec![0.0; columns.len()];
        let log_weights: Vec<f64> = (0..n)
            .map(|at| {
                for (value, column) in point.iter_mut().zip(&columns) {
                    *value = column[at];
                }
                rows.iter()
                    .map(|row: &Row| row.log_likelihood(row.linear_predictor(&point)))
                    .sum()
            })
            .collect();
        let smoothed = smooth(&log_weights);
        let start = uniform(derive(self.params.seed, endpoint as u64));
        let taken = resample(&smoothed.weights, n_kept, start);
        let values = names
            .into_iter()
            .zip(columns)
            .map(|(name, column)| (name, taken.iter().map(|&at| column[at]).collect()));
        (Draws::of_values(values.collect()), smoothed.shape)
    }

    /// Values of a parameter, each draw `N_COPIES` times over.
    fn extended(&self, endpoint: Endpoint, name: &str, n: usize) -> Vec<f64> {
        let numbers = DrawNumbers {
            n,
            seed: self.params.seed,
        };
        debug_assert!(
            self.draws(endpoint).get(name).is_some() || group_of(endpoint, name).is_some()
        );
        self.effect(endpoint, name, numbers)
    }
}
