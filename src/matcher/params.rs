//! Settings of all models, and the fit that joins them.

use serde::{Deserialize, Serialize};

use super::matcher::Matcher;
use super::response::ResponseParams;
use super::toxicity::ToxicityParams;
use crate::Result;
use crate::cohort::{Cohort, PatientCohort};
use crate::engraftment::EngraftmentParams;
use crate::evidence::EvidenceParams;

/// Settings of the models of a [`Matcher`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MatcherParams {
    /// What a transplant leaves.
    pub engraftment: EngraftmentParams,
    /// Response from a profile.
    pub response: ResponseParams,
    /// What is read of toxicity from a profile.
    pub toxicity: ToxicityParams,
    /// The joint posterior of published arms.
    pub evidence: EvidenceParams,
}

impl MatcherParams {
    /// Learns from patients (response, toxicity) and transplants (engraftment), all harmonized to
    /// one vocabulary, and samples the joint posterior of the bundled arms and of how the response
    /// of each cohort goes with out-of-fold scores.
    ///
    /// # Errors
    /// Those of the fits; [`Error::Vocabulary`](crate::Error::Vocabulary) where the vocabularies
    /// differ; [`Error::Parameter`](crate::Error::Parameter) where the crate was built without the
    /// feature `sampler`.
    pub fn fit(&self, patients: &PatientCohort, transplants: &[Cohort]) -> Result<Matcher> {
        let patients = self.response.eligible(patients)?;
        let (response, slopes) = self.response.fit_with_slopes(&patients)?;
        let toxicity = self.toxicity.fit(response.schema(), &patients)?;
        let evidence = self.evidence.fit_bundled(&slopes)?;
        Matcher::new(
            self.engraftment.fit(transplants)?,
            response,
            toxicity,
            evidence,
        )
    }
}
