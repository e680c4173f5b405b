//! Settings of all three models, and the fit that joins them.

use serde::{Deserialize, Serialize};

use super::matcher::Matcher;
use super::response::ResponseParams;
use super::toxicity::ToxicityParams;
use crate::Result;
use crate::cohort::{Cohort, PatientCohort};
use crate::engraftment::EngraftmentParams;

/// Settings of the three models of a [`Matcher`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MatcherParams {
    /// What a transplant leaves.
    pub engraftment: EngraftmentParams,
    /// Response from a profile.
    pub response: ResponseParams,
    /// Severe adverse events and myocarditis.
    pub toxicity: ToxicityParams,
}

impl MatcherParams {
    /// Learns from patients (response, toxicity) and transplants (engraftment), all harmonized to
    /// one vocabulary.
    ///
    /// # Errors
    /// Those of the three fits, and [`Error::Vocabulary`](crate::Error::Vocabulary) where the
    /// vocabularies differ.
    pub fn fit(&self, patients: &PatientCohort, transplants: &[Cohort]) -> Result<Matcher> {
        let patients = self.response.eligible(patients)?;
        let response = self.response.fit(&patients)?;
        let toxicity = self.toxicity.fit(response.schema(), &patients)?;
        Matcher::new(self.engraftment.fit(transplants)?, response, toxicity)
    }
}
