//! The matcher: fitted models and evidence that fit together.

use serde::{Deserialize, Serialize};

use super::response::ResponseModel;
use super::toxicity::ToxicityModel;
use crate::engraftment::{EngraftmentModel, TransplantContext};
use crate::evidence::Evidence;
use crate::profile::{ProfileTable, Vocabulary};
use crate::{Error, Result};

/// Predicts the transplant, the response and the toxicity of any donor and recipient.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matcher {
    pub(crate) engraftment: EngraftmentModel,
    pub(crate) response: ResponseModel,
    pub(crate) toxicity: ToxicityModel,
    pub(crate) evidence: Evidence,
}

/// How to predict, as opposed to what was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PredictParams {
    /// Draws from the posterior, each with one realized transplant. Default 200.
    pub n_draws: u32,
    /// Days after the transplant at which its result is judged. Default 28.
    pub day: f64,
    /// Antibiotics before the transplant; unknown by default.
    pub antibiotics: Option<bool>,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for PredictParams {
    fn default() -> Self {
        Self {
            n_draws: 200,
            day: TransplantContext::DEFAULT_DAY,
            antibiotics: None,
            seed: 0,
        }
    }
}

impl PredictParams {
    pub(super) fn check(&self) -> Result<()> {
        if !(20..=100_000).contains(&self.n_draws) {
            return Err(Error::parameter(
                "n_draws",
                format!("expected 20 to 100000, found {}", self.n_draws),
            ));
        }
        if !(self.day.is_finite() && self.day >= 0.0) {
            return Err(Error::parameter(
                "day",
                format!("expected a number of days of 0 or more, found {}", self.day),
            ));
        }
        Ok(())
    }

    pub(super) fn transplant(&self) -> TransplantContext {
        TransplantContext {
            day: self.day,
            antibiotics: self.antibiotics,
        }
    }
}

impl Matcher {
    /// A matcher of fitted models and a joint posterior.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where engraftment and response speak of different vocabularies.
    pub fn new(
        engraftment: EngraftmentModel,
        response: ResponseModel,
        toxicity: ToxicityModel,
        evidence: Evidence,
    ) -> Result<Self> {
        if engraftment.vocabulary() != response.schema().vocabulary() {
            return Err(Error::vocabulary(format!(
                "the engraftment model speaks of `{}`, the response model of `{}`",
                engraftment.vocabulary(),
                response.schema().vocabulary()
            )));
        }
        Ok(Self {
            engraftment,
            response,
            toxicity,
            evidence,
        })
    }

    /// Checks a matcher that was read from a file, model by model.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit together.
    pub fn validate(&self) -> Result<()> {
        self.engraftment.validate()?;
        self.response.validate()?;
        self.toxicity.validate()?;
        self.evidence.validate()?;
        if self.engraftment.vocabulary() != self.response.schema().vocabulary() {
            return Err(Error::model_file(
                "its models speak of different vocabularies",
            ));
        }
        Ok(())
    }

    /// The vocabulary that profiles must be harmonized to.
    pub fn vocabulary(&self) -> &Vocabulary {
        self.engraftment.vocabulary()
    }

    /// The model of what a transplant leaves.
    pub fn engraftment(&self) -> &EngraftmentModel {
        &self.engraftment
    }

    /// The model of response.
    pub fn response(&self) -> &ResponseModel {
        &self.response
    }

    /// What is read of toxicity from a profile.
    pub fn toxicity(&self) -> &ToxicityModel {
        &self.toxicity
    }

    /// The joint posterior that intercepts, slope, donors and toxicity are drawn from.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    pub(super) fn check_vocabulary(&self, what: &str, table: &ProfileTable) -> Result<()> {
        if table.vocabulary() == self.vocabulary() {
            return Ok(());
        }
        Err(Error::vocabulary(format!(
            "the {what} are named in `{}`, the models in `{}`; harmonize them first",
            table.vocabulary(),
            self.vocabulary()
        )))
    }
}
