//! Outcomes of several sites, of which no patient leaves a site.

use serde::{Deserialize, Serialize};

use super::matcher::{Matcher, PredictParams};
use crate::cohort::Donors;
use crate::cohort::TrialOutcomes;
use crate::digest::Digest;
use crate::engraftment::align_to_fractions;
use crate::evidence::{MergedEndpoint, SiteSummary, UpdateMethod};
use crate::profile::ProfileTable;
use crate::{Error, Result};

/// What a site tells, and from how many patients on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SiteParams {
    /// The name of the site, another one at each. No default.
    pub site: String,
    /// Nothing is told of an endpoint of which fewer patients are known. Default 5.
    pub min_patients: u32,
    /// How each transplant is predicted, for the score of its microbiome.
    pub predict: PredictParams,
}

impl Default for SiteParams {
    fn default() -> Self {
        Self {
            site: String::new(),
            min_patients: 5,
            predict: PredictParams::default(),
        }
    }
}

/// A matcher that has learned from sites, and how well that went.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedMatcher {
    /// The matcher. It carries draws and a digest of the summaries.
    pub matcher: Matcher,
    /// One entry an endpoint that any site told of.
    pub endpoints: Vec<MergedEndpoint>,
}

impl Matcher {
    /// What a site tells of its outcomes so far, for [`Matcher::with_sites`] elsewhere: how likely
    /// they are at every draw of this matcher's posterior, and no row of a patient. Tables as for
    /// [`Matcher::with_outcomes`]; every site needs the very same matcher and settings.
    ///
    /// # Errors
    /// As [`Matcher::with_outcomes`]; [`Error::Parameter`] where `site` is blank, or fewer patients
    /// than `min_patients` are known of every endpoint; [`Error::Table`] where the matcher has
    /// learned from outcomes already.
    pub fn site_summary(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        outcomes: &TrialOutcomes,
        params: &SiteParams,
    ) -> Result<SiteSummary> {
        if params.site.trim().is_empty() {
            return Err(Error::parameter("site", "expected a name, found a blank"));
        }
        params.predict.check()?;
        self.check_vocabulary("donors", donors.profiles())?;
        self.check_vocabulary("recipients", recipients)?;
        let (profiles, recipients) = align_to_fractions(donors.profiles(), recipients)?;
        let donors = donors.with_profiles(profiles)?;
        let named = (params.site.as_str(), &params.predict);
        let patients = self.trial_patients(&donors, recipients, outcomes, named)?;
        let digest = self.digest()?;
        self.evidence
            .site_summary(&patients, &digest, params.min_patients)
    }

    /// The same matcher, with the outcomes of all these sites: what treatments, a transplant and
    /// the score of the microbiome do. Donors of a site stay with it: a site that wants both merges
    /// the summaries of the others and then learns from its own table, by
    /// [`UpdateMethod::Fast`].
    ///
    /// # Errors
    /// Those of [`Evidence::with_sites`](crate::evidence::Evidence::with_sites).
    pub fn with_sites(&self, sites: &[SiteSummary], method: UpdateMethod) -> Result<MergedMatcher> {
        let merged = self.evidence.with_sites(sites, &self.digest()?, method)?;
        Ok(MergedMatcher {
            matcher: Self {
                evidence: merged.evidence,
                ..self.clone()
            },
            endpoints: merged.endpoints,
        })
    }

    /// SHA-256 of everything it learned: equal where two matchers predict the same.
    ///
    /// # Errors
    /// [`Error::ModelFile`] where it holds a number that is not finite.
    pub fn digest(&self) -> Result<String> {
        let text =
            serde_json::to_vec(self).map_err(|error| Error::model_file(error.to_string()))?;
        let mut digest = Digest::default();
        digest.add(&text);
        Ok(digest.finish())
    }
}
