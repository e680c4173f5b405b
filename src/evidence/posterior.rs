//! The joint posterior: what the arms, the cohorts and one's own outcomes say together.

use serde::{Deserialize, Serialize};

use super::draws::Draws;
use super::endpoint::Endpoint;
use super::layout::{Setting, donor_name, group_of, slope_name, terms};
use super::patient::TrialPatient;
use super::registry::Registry;
use super::slope::CohortSlope;
use crate::numeric::distribution::normal_quantile;
use crate::numeric::random::{address, derive, normal};
use crate::{Error, Result};

/// Settings of the joint model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvidenceParams {
    /// Chains of the sampler. Default 4.
    pub n_chains: u32,
    /// Draws of each chain that tune the sampler and are thrown away. Default 1000.
    pub n_tune: u32,
    /// Draws of each chain after tuning. Default 1000.
    pub n_draws: u32,
    /// Draws that are kept, at equal distances. Default 1000.
    pub n_kept: u32,
    /// What the spread of every prior is multiplied by; for sensitivity. Default 1.
    pub prior_scale: f64,
    /// Trials of the registry whose arms are not read, such as one that is being judged. Default
    /// none.
    pub without: Vec<String>,
    /// Seed of the sampler. Default 0.
    pub seed: u64,
}

impl Default for EvidenceParams {
    fn default() -> Self {
        Self {
            n_chains: 4,
            n_tune: 1000,
            n_draws: 1000,
            n_kept: 1000,
            prior_scale: 1.0,
            without: Vec::new(),
            seed: 0,
        }
    }
}

impl EvidenceParams {
    /// Samples the joint posterior of the bundled arms and of the slopes of cohorts.
    ///
    /// # Errors
    /// As [`EvidenceParams::fit`]; [`Error::Parameter`] where the crate was built without the
    /// feature `sampler`.
    #[cfg(feature = "sampler")]
    pub(crate) fn fit_bundled(&self, slopes: &[CohortSlope]) -> Result<Evidence> {
        self.fit(&Registry::bundled()?, slopes)
    }

    #[cfg(not(feature = "sampler"))]
    #[expect(clippy::unused_self, reason = "with a sampler it is used")]
    pub(crate) fn fit_bundled(&self, _: &[CohortSlope]) -> Result<Evidence> {
        let message = "to sample evidence, build with the cargo feature `sampler`";
        Err(Error::parameter("evidence", message))
    }
}

/// The posterior of three endpoints as draws, with what they were made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    pub(crate) registry: Registry,
    pub(crate) slopes: Vec<CohortSlope>,
    pub(crate) params: EvidenceParams,
    pub(crate) response: Draws,
    pub(crate) severe_irae: Draws,
    pub(crate) myocarditis: Draws,
    pub(crate) record: TrialRecord,
}

/// What one's own outcomes were, in counts; no row of a patient.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// The trial; blank where there are no outcomes.
    pub trial: String,
    /// SHA-256 of the table of outcomes; blank where there are none. Behind `sites:` that of the
    /// summaries of other sites, with that of one's own table behind a `+`.
    pub digest: String,
    /// Each donor's counts, by id.
    pub donors: Vec<DonorRecord>,
}

/// The outcomes of one donor's transplants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DonorRecord {
    /// The donor.
    pub donor_id: String,
    /// Transplants in the table.
    pub n_transplants: u32,
    /// Those whose response is known.
    pub n_response: u32,
    /// Responders.
    pub n_responders: u32,
    /// Those of whom it is known whether they had a severe event.
    pub n_severe_known: u32,
    /// Those with a severe event.
    pub n_severe: u32,
    /// Those of whom it is known whether they had myocarditis.
    pub n_myocarditis_known: u32,
    /// Those with myocarditis.
    pub n_myocarditis: u32,
}

/// What the digest of a record begins with where summaries of sites were merged.
const SITES: &str = "sites:";

impl TrialRecord {
    /// Of sites of which summaries are known, and no trial, donor or count.
    pub(super) fn of_sites(digest: &str) -> Self {
        Self {
            digest: format!("{SITES}{digest}"),
            ..Self::default()
        }
    }

    /// Whether summaries of sites were merged.
    pub fn has_sites(&self) -> bool {
        self.digest.starts_with(SITES)
    }

    /// The digest after one's own table was learned from too.
    pub(super) fn digest_with(&self, own: &str) -> String {
        if self.has_sites() {
            format!("{}+{own}", self.digest)
        } else {
            own.to_owned()
        }
    }

    pub(super) fn of(patients: &[TrialPatient], digest: &str) -> Self {
        let mut donors: Vec<DonorRecord> = Vec::new();
        for patient in patients {
            let id = patient.donor.as_deref().unwrap_or_default();
            let at = donors.iter().position(|one| one.donor_id == id);
            let at = at.unwrap_or_else(|| {
                donors.push(DonorRecord {
                    donor_id: id.to_owned(),
                    ..DonorRecord::default()
                });
                donors.len() - 1
            });
            let one = &mut donors[at];
            let count = |outcome: Option<bool>| {
                (
                    u32::from(outcome.is_some()),
                    u32::from(outcome == Some(true)),
                )
            };
            one.n_transplants += 1;
            for (outcome, known, events) in [
                (patient.response, &mut one.n_response, &mut one.n_responders),
                (
                    patient.severe_irae,
                    &mut one.n_severe_known,
                    &mut one.n_severe,
                ),
                (
                    patient.myocarditis,
                    &mut one.n_myocarditis_known,
                    &mut one.n_myocarditis,
                ),
            ] {
                let (n, n_events) = count(outcome);
                *known += n;
                *events += n_events;
            }
        }
        donors.sort_by(|a, b| a.donor_id.cmp(&b.donor_id));
        Self {
            trial: patients
                .first()
                .map(|one| one.trial.clone())
                .unwrap_or_default(),
            digest: digest.to_owned(),
            donors,
        }
    }
}

/// Which draws are asked for: how many, and the seed of what has no draw of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawNumbers {
    /// How many draws.
    pub n: usize,
    /// Seed of trials, cells and donors of which no outcome was seen.
    pub seed: u64,
}

impl Evidence {
    /// The arms it was made of.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The slopes of the cohorts without transplants that it was made of.
    pub fn slopes(&self) -> &[CohortSlope] {
        &self.slopes
    }

    /// What it was made with.
    pub fn params(&self) -> &EvidenceParams {
        &self.params
    }

    /// One's own outcomes, in counts.
    pub fn record(&self) -> &TrialRecord {
        &self.record
    }

    /// Draws that are kept.
    pub fn n_kept(&self) -> usize {
        self.response.n_draws()
    }

    pub(crate) fn draws(&self, endpoint: Endpoint) -> &Draws {
        match endpoint {
            Endpoint::Response => &self.response,
            Endpoint::SevereIrae => &self.severe_irae,
            Endpoint::Myocarditis => &self.myocarditis,
        }
    }

    pub(super) fn draws_mut(&mut self, endpoint: Endpoint) -> &mut Draws {
        match endpoint {
            Endpoint::Response => &mut self.response,
            Endpoint::SevereIrae => &mut self.severe_irae,
            Endpoint::Myocarditis => &mut self.myocarditis,
        }
    }

    /// The kept draws of a parameter by its name, such as `transplant`, `trial[TACITO]` or
    /// `sd[trial]`; none where there is no such parameter.
    pub fn parameter(&self, endpoint: Endpoint, name: &str) -> Option<Vec<f64>> {
        self.draws(endpoint)
            .get(name)
            .map(super::draws::Column::values)
    }

    /// Draws of the log-odds of an event.
    ///
    /// The effect of a trial, cell or donor of which no outcome was seen is drawn from its group,
    /// by its name and the seed: the same name has the same effect in every call.
    pub fn log_odds(
        &self,
        endpoint: Endpoint,
        setting: &Setting<'_>,
        numbers: DrawNumbers,
    ) -> Vec<f64> {
        let mut sum = vec![0.0; numbers.n];
        for (_, draws) in self.log_odds_terms(endpoint, setting, numbers) {
            for (sum, effect) in sum.iter_mut().zip(draws) {
                *sum += effect;
            }
        }
        sum
    }

    /// Draws of the terms that [`Evidence::log_odds`] is the sum of, each by the name of its
    /// parameter.
    pub(crate) fn log_odds_terms(
        &self,
        endpoint: Endpoint,
        setting: &Setting<'_>,
        numbers: DrawNumbers,
    ) -> Vec<(String, Vec<f64>)> {
        let draws = |term: super::layout::Term| {
            let mut draws = self.effect(endpoint, &term.name, numbers);
            for effect in &mut draws {
                *effect *= term.by;
            }
            (term.name, draws)
        };
        terms(endpoint, setting).into_iter().map(draws).collect()
    }

    /// The log-odds of an event where the value of every parameter is given by its name.
    pub fn log_odds_at(
        &self,
        endpoint: Endpoint,
        setting: &Setting<'_>,
        value: impl Fn(&str) -> f64,
    ) -> f64 {
        let terms = terms(endpoint, setting).into_iter();
        terms.map(|term| term.by * value(&term.name)).sum()
    }

    /// Draws of the change of the log-odds of response by one standard deviation of the score, in a
    /// trial.
    pub fn slope(&self, trial: &str, numbers: DrawNumbers) -> Vec<f64> {
        let own = self.effect(Endpoint::Response, &slope_name(trial), numbers);
        let mean = self.effect(Endpoint::Response, "slope", numbers);
        mean.iter().zip(own).map(|(mean, own)| mean + own).collect()
    }

    /// Draws of what a donor of a trial adds to the log-odds.
    pub fn donor_effect(
        &self,
        endpoint: Endpoint,
        trial: &str,
        donor: &str,
        numbers: DrawNumbers,
    ) -> Vec<f64> {
        self.effect(endpoint, &donor_name(trial, donor), numbers)
    }

    /// Draws of what a donor's richness in Prevotellaceae of 1 adds to the log-odds.
    pub fn richness_effect(
        &self,
        endpoint: Endpoint,
        is_dual: bool,
        numbers: DrawNumbers,
    ) -> Vec<f64> {
        let mut sum = self.effect(endpoint, "prevotellaceae", numbers);
        if is_dual {
            let dual = self.effect(endpoint, "prevotellaceae_dual", numbers);
            sum.iter_mut()
                .zip(dual)
                .for_each(|(sum, dual)| *sum += dual);
        }
        sum
    }

    /// Draws of a parameter, or of a new member of its group.
    pub(super) fn effect(&self, endpoint: Endpoint, name: &str, numbers: DrawNumbers) -> Vec<f64> {
        let draws = self.draws(endpoint);
        let number = |at: usize| draws.number_of(at, numbers.n);
        if let Some(column) = draws.get(name) {
            return (0..numbers.n).map(|at| column.value(number(at))).collect();
        }
        let group = group_of(endpoint, name).and_then(|group| draws.get(&format!("sd[{group}]")));
        let Some(group) = group else {
            return vec![0.0; numbers.n];
        };
        let own = derive(
            derive(numbers.seed, address(endpoint.as_str())),
            address(name),
        );
        let draw = |at: usize| group.value(number(at)) * normal(derive(own, at as u64));
        (0..numbers.n).map(draw).collect()
    }

    /// Whether outcomes of the very cell were seen.
    pub fn is_studied(&self, endpoint: Endpoint, setting: &Setting<'_>) -> bool {
        let draws = self.draws(endpoint);
        let terms = terms(endpoint, setting);
        let mut cells = terms.iter().filter(|term| term.name.starts_with("cell["));
        cells.all(|term| draws.get(&term.name).is_some())
    }

    /// The same with another slope of response on scores: normal, the same in every trial, and not
    /// below 0, as models of format 2 had it. The draws are the quantiles of that distribution in
    /// an order of the seed.
    pub(crate) fn with_slope(&self, mean: f64, sd: f64) -> Option<Self> {
        let n = self.n_kept();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&at| derive(self.params.seed, at as u64));
        let mut slopes = vec![0.0; n];
        for (rank, at) in order.into_iter().enumerate() {
            let z = normal_quantile((rank as f64 + 0.5) / n as f64);
            slopes[at] = (mean + sd * z).max(0.0);
        }
        let changed = self.response.with_values("slope", &slopes)?;
        Some(Self {
            slopes: Vec::new(),
            response: changed.with_values("sd[slope]", &vec![0.0; n])?,
            ..self.clone()
        })
    }

    /// Checks evidence that was read from a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit.
    pub fn validate(&self) -> Result<()> {
        if !self.slopes.iter().all(CohortSlope::is_sound) {
            return Err(Error::model_file("a slope of the evidence is not usable"));
        }
        for endpoint in Endpoint::ALL {
            let draws = self.draws(endpoint);
            let mut needed = super::layout::always(endpoint).into_iter();
            if let Some(missing) = needed.find(|name| draws.get(name).is_none()) {
                return Err(Error::model_file(format!(
                    "the evidence of `{endpoint}` has no draws of `{missing}`"
                )));
            }
            let mut groups = super::layout::groups(endpoint).iter();
            if let Some(group) = groups.find(|one| draws.get(&format!("sd[{}]", one.0)).is_none()) {
                return Err(Error::model_file(format!(
                    "the evidence of `{endpoint}` has no draws of `sd[{}]`",
                    group.0
                )));
            }
            if draws.n_draws() != self.n_kept() {
                return Err(Error::model_file(
                    "the endpoints of the evidence have different numbers of draws",
                ));
            }
        }
        Ok(())
    }
}
