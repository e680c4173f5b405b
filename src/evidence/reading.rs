//! The evidence read again: with further arms, without trials, under other priors.

use super::posterior::Evidence;
use super::registry::Registry;
use crate::Result;

/// What to read otherwise than a matcher did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EvidenceReading {
    /// Arms to read together with those of the matcher.
    pub arms: Option<Registry>,
    /// Trials whose arms are left out.
    pub without: Vec<String>,
    /// What the spread of every prior is multiplied by; none leaves it as it is.
    pub prior_scale: Option<f64>,
}

impl EvidenceReading {
    /// Whether nothing changes, so that no new fit is needed.
    pub fn is_the_same(&self) -> bool {
        self.arms.is_none() && self.without.is_empty() && self.prior_scale.is_none()
    }

    /// The arms that are then read.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming a trial of `without` of which there is no arm; [`Error::Table`]
    /// where an arm stands twice.
    ///
    /// [`Error::Parameter`]: crate::Error::Parameter
    /// [`Error::Table`]: crate::Error::Table
    pub fn registry(&self, evidence: &Evidence) -> Result<Registry> {
        let registry = evidence.registry();
        let registry = match &self.arms {
            Some(arms) => registry.clone().with_arms(arms.clone())?,
            None => registry.clone(),
        };
        registry.without_trials(&self.without)
    }
}

impl Evidence {
    /// The evidence of this reading, by a new fit where anything changes; what was learned from own
    /// outcomes is then left out.
    ///
    /// # Errors
    /// Those of [`EvidenceReading::registry`]; [`Error::Convergence`] where the sampler does not
    /// settle; [`Error::Parameter`] where a new fit is needed and the crate was built without the
    /// feature `sampler`.
    ///
    /// [`Error::Convergence`]: crate::Error::Convergence
    /// [`Error::Parameter`]: crate::Error::Parameter
    pub fn read_anew(&self, reading: &EvidenceReading) -> Result<Self> {
        if reading.is_the_same() {
            return Ok(self.clone());
        }
        let registry = reading.registry(self)?;
        self.fit_anew(&registry, reading.prior_scale)
    }

    #[cfg(feature = "sampler")]
    fn fit_anew(&self, registry: &Registry, prior_scale: Option<f64>) -> Result<Self> {
        let mut params = self.params().clone();
        params.without = Vec::new();
        params.prior_scale = prior_scale.unwrap_or(params.prior_scale);
        params.fit(registry, self.slopes())
    }

    #[cfg(not(feature = "sampler"))]
    #[expect(clippy::unused_self, reason = "with a sampler it is used")]
    fn fit_anew(&self, _: &Registry, _: Option<f64>) -> Result<Self> {
        let message =
            "a new fit is needed, and this build has no sampler (cargo feature `sampler`)";
        Err(crate::Error::parameter("without", message))
    }
}
