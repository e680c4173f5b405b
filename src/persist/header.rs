//! What a model file says of itself in plain JSON.

use serde::{Deserialize, Serialize};

use crate::matcher::Matcher;

/// Entry of [`ModelHeader::training`] where the toxicity model learned from outcomes of one's own.
const OWN_OUTCOMES: &str = "toxicity_outcomes";

/// A figure of the model on rows it did not learn from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelMetric {
    /// Which model: `response`, `engraftment`, or the name of a trial.
    pub model: String,
    /// Which comparator: `model`, `shannon`, `base_rate` ….
    pub comparator: String,
    /// Which metric, such as `roc_auc`.
    pub metric: String,
    /// Its value.
    pub value: Option<f64>,
    /// Lower end of its interval.
    pub lo: Option<f64>,
    /// Upper end of its interval.
    pub hi: Option<f64>,
    /// Rows behind it.
    pub n_rows: u64,
    /// Groups (subjects, recipients) behind it.
    pub n_groups: u64,
}

/// The readable head of a model file.
///
/// Unknown entries are ignored, so that a later release may add some without a new format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelHeader {
    /// What the payload is: `matcher`.
    pub kind: String,
    /// The name of the model.
    pub name: String,
    /// The program that wrote it, with its version.
    pub written_by: String,
    /// Columns that the response model reads of a profile.
    pub feature_names: Vec<String>,
    /// The unit that profiles are turned into before they are read.
    pub units: String,
    /// The vocabulary that profiles must be harmonized to.
    pub vocabulary: String,
    /// The seed it was fitted with.
    pub seed: u64,
    /// SHA-256 of the training data in hexadecimal; empty where not known.
    pub data_digest: String,
    /// What it learned from, in words and numbers: patients, responders, transplants.
    pub training: Vec<(String, u64)>,
    /// Figures on rows it did not learn from.
    pub metrics: Vec<ModelMetric>,
    /// Bytes of the payload; set by [`to_bytes`](super::to_bytes).
    pub payload_length: u64,
}

impl ModelHeader {
    /// The kind of the only payload there is.
    pub const MATCHER: &'static str = "matcher";

    /// The header of a matcher, without name, seed, digest and metrics.
    pub fn of(matcher: &Matcher) -> Self {
        let (n_patients, n_responders) = matcher.response().n_training();
        let (n_follow_ups, n_recipients) = matcher.engraftment().n_training();
        let n_outcomes = matcher.toxicity().n_updates();
        let mut training = vec![
            ("patients", n_patients),
            ("responders", n_responders),
            ("follow_ups", n_follow_ups),
            ("recipients", n_recipients),
        ];
        if n_outcomes > 0 {
            training.push((OWN_OUTCOMES, n_outcomes));
        }
        Self {
            kind: Self::MATCHER.to_owned(),
            written_by: concat!("donormatch ", env!("CARGO_PKG_VERSION")).to_owned(),
            feature_names: matcher.response().schema().feature_names(),
            units: "fraction".to_owned(),
            vocabulary: matcher.vocabulary().as_str().to_owned(),
            training: training
                .into_iter()
                .map(|(what, n)| (what.to_owned(), u64::from(n)))
                .collect(),
            ..Self::default()
        }
    }

    /// Of the matcher that one with this header became by outcomes of one's own: the name says so,
    /// and `training` how many there are.
    #[must_use]
    pub fn updated(mut self, matcher: &Matcher) -> Self {
        if self.training.iter().all(|(what, _)| what != OWN_OUTCOMES) {
            self.name += ", toxicity updated";
        }
        self.training = Self::of(matcher).training;
        self
    }

    /// Names the model.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// States the seed it was fitted with.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// States the digest of the training data.
    #[must_use]
    pub fn with_data_digest(self, data_digest: impl Into<String>) -> Self {
        Self {
            data_digest: data_digest.into(),
            ..self
        }
    }

    /// Adds figures.
    #[must_use]
    pub fn with_metrics(self, metrics: Vec<ModelMetric>) -> Self {
        Self { metrics, ..self }
    }
}
