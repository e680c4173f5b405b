//! A patient of one's own trial, as the joint model sees one.

use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::layout::{Given, Setting};
use crate::cohort::TreatmentContext;
use crate::cohort::screening::DonorType;
use crate::{Error, Result};

/// A recipient of a transplant whose outcome is known or awaited. It carries numbers, not a
/// profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialPatient {
    /// The trial.
    pub trial: String,
    /// The donor; outcomes of one donor inform each other.
    pub donor: Option<String>,
    /// Where the stool comes from, where known.
    pub donor_type: Option<DonorType>,
    /// Regimen, cancer, line and partner.
    pub context: TreatmentContext,
    /// Standardized score of the microbiome after the transplant.
    pub score: f64,
    /// Richness of the donor in Prevotellaceae.
    pub richness: f64,
    /// Objective response; none is not yet known.
    pub response: Option<bool>,
    /// A severe immune-related adverse event; none is not yet known.
    pub severe_irae: Option<bool>,
    /// Myocarditis; none is not yet known.
    pub myocarditis: Option<bool>,
}

impl TrialPatient {
    /// The outcome of an endpoint; none where it is not yet known.
    pub fn outcome(&self, endpoint: Endpoint) -> Option<bool> {
        match endpoint {
            Endpoint::Response => self.response,
            Endpoint::SevereIrae => self.severe_irae,
            Endpoint::Myocarditis => self.myocarditis,
        }
    }

    /// Whether anything is known of it.
    pub fn is_known(&self) -> bool {
        Endpoint::ALL
            .iter()
            .any(|&endpoint| self.outcome(endpoint).is_some())
    }

    /// What its log-odds depend on.
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting {
            cancer: self.context.cancer,
            regimen: self.context.regimen,
            line: Some(self.context.line),
            partner: self.context.partner,
            trial: &self.trial,
            transplant: Some(Given {
                donor_type: self.donor_type,
                donor: self.donor.as_deref(),
                is_uncontrolled: false,
                score: self.score,
                richness: self.richness,
            }),
            any_ae: false,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.score.is_finite() && self.richness.is_finite() && self.richness >= 0.0 {
            return Ok(());
        }
        Err(Error::table(format!(
            "a patient of `{}`: the score or the richness in Prevotellaceae is not usable",
            self.trial
        )))
    }
}
