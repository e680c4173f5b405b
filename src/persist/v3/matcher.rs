//! A fitted matcher: response, engraftment, toxicity, evidence.

use serde::{Deserialize, Serialize};

use super::evidence::StoredEvidence;
use crate::matcher::{Matcher, ToxicityModel};
use crate::persist::v2::{Engraftment, Forest, Response, check_community, one_or_none};
use crate::{Error, Result};

/// The payload of a file of the kind `matcher`.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::persist) struct StoredMatcher {
    response: Response,
    score_sd: f64,
    engraftment: Engraftment,
    toxicity: Toxicity,
    evidence: StoredEvidence,
}

#[derive(Debug, Serialize, Deserialize)]
struct Toxicity {
    community: Vec<String>,
    median: f64,
    rich: f64,
    /// One model or none.
    exploratory: Forest,
    n_exploratory: u32,
    n_severe: u32,
}

impl StoredMatcher {
    pub fn of(matcher: &Matcher) -> Result<Self> {
        Ok(Self {
            response: Response::of(matcher.response())?,
            score_sd: matcher.response().score_sd(),
            engraftment: Engraftment::of(matcher.engraftment())?,
            toxicity: Toxicity::of(matcher.toxicity())?,
            evidence: StoredEvidence::of(matcher.evidence()),
        })
    }

    pub fn into_matcher(self) -> Result<Matcher> {
        let mut response = self.response.into_model()?;
        response.score_sd = self.score_sd;
        let matcher = Matcher::new(
            self.engraftment.into_model()?,
            response,
            self.toxicity.into_model()?,
            self.evidence.into_evidence()?,
        )
        .map_err(|error| Error::model_file(error.to_string()))?;
        matcher.validate()?;
        Ok(matcher)
    }
}

impl Toxicity {
    fn of(model: &ToxicityModel) -> Result<Self> {
        Ok(Self {
            community: model.feature_names.clone(),
            median: model.median,
            rich: model.rich,
            exploratory: Forest::of(&model.exploratory.iter().collect::<Vec<_>>())?,
            n_exploratory: model.n_exploratory,
            n_severe: model.n_severe,
        })
    }

    fn into_model(self) -> Result<ToxicityModel> {
        check_community(&self.community)?;
        let model = ToxicityModel {
            median: self.median,
            rich: self.rich,
            feature_names: self.community,
            exploratory: one_or_none(self.exploratory)?,
            n_exploratory: self.n_exploratory,
            n_severe: self.n_severe,
        };
        model.validate()?;
        Ok(model)
    }
}
