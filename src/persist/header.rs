//! What a model file says of itself in plain JSON.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::evaluation::Metric;
use crate::matcher::Matcher;
use crate::model::{BoostingModel, LogisticModel};
use crate::{Error, Result};

/// Fewer patients than these are warned of: what was learned may tell of one of them.
const FEW_PATIENTS: u32 = 50;

/// Entry of [`ModelHeader::training`] where the toxicity model learned from outcomes of one's own.
const OWN_OUTCOMES: &str = "own_outcomes";

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

impl ModelMetric {
    /// # Errors
    /// [`Error::ModelFile`] where the value or its interval cannot be of this metric.
    fn check(&self) -> Result<()> {
        let named = Metric::ALL.into_iter().find(|m| m.name() == self.metric);
        let (lowest, highest) = named.map_or((f64::NEG_INFINITY, f64::INFINITY), Metric::range);
        // An interval by Student's distribution may end beyond the range of the metric.
        let beyond = highest - lowest;
        let wrong = |what: &str, value: f64| {
            Err(Error::model_file(format!(
                "`metrics` of its header: {what} of the {} of `{}` is {value}, expected a number \
                 from {lowest} to {highest}",
                self.metric, self.model
            )))
        };
        match self.value {
            Some(value) if !(lowest..=highest).contains(&value) || !value.is_finite() => {
                return wrong("the value", value);
            }
            _ => {}
        }
        for (what, end) in [("the lower end", self.lo), ("the upper end", self.hi)] {
            if let Some(end) = end
                && (!end.is_finite() || end < lowest - beyond || end > highest + beyond)
            {
                return wrong(what, end);
            }
        }
        match (self.lo, self.hi) {
            (Some(lo), Some(hi)) if lo > hi => wrong("the lower end", lo),
            _ if self.n_groups > self.n_rows => Err(Error::model_file(format!(
                "`metrics` of its header: {} groups of {} rows",
                self.n_groups, self.n_rows
            ))),
            _ => Ok(()),
        }
    }
}

/// Enough of an entry to tell which it is.
fn shortened(entry: &dyn Debug) -> String {
    const MOST: usize = 80;
    let text = format!("{entry:?}");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// What to beware of in a matcher.
fn warnings(matcher: &Matcher) -> Vec<String> {
    let (n_patients, _) = matcher.response().n_training();
    let (n_exploratory, n_severe) = matcher.toxicity().n_exploratory();
    let (_, n_recipients) = matcher.engraftment().n_training();
    let mut warnings = Vec::new();
    let mut warn_of = |model: &str, n: u32, whom: &str| {
        if n < FEW_PATIENTS {
            warnings.push(format!(
                "the {model} model learned from {n} {whom}: with fewer than {FEW_PATIENTS} it may \
                 tell of one of them; do not hand it on without their consent"
            ));
        }
    };
    warn_of("response", n_patients, "patients");
    warn_of("engraftment", n_recipients, "recipients");
    if matcher.toxicity().exploratory.is_some() {
        let whom = format!("patients ({n_severe} events)");
        warn_of("exploratory toxicity", n_exploratory, &whom);
    }
    warnings
}

/// The readable head of a model file.
///
/// `kind`, `feature_names`, `units`, `vocabulary`, `training` and `warnings` of a matcher follow from
/// the model; they are set when a file is written, and one that says otherwise is refused. The rest
/// is what the writer of the file claims: nothing in the file can show that it is true.
///
/// Unknown entries are ignored, so that a later release may add some without a new format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelHeader {
    /// What the payload is: `matcher`, `boosting` or `logistic`.
    pub kind: String,
    /// The name of the model.
    pub name: String,
    /// The program that wrote it, with its version.
    pub written_by: String,
    /// Columns that the response model reads of a profile; of a single model, what its writer calls
    /// its features, or none.
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
    /// What to beware of, such as a model of few patients.
    pub warnings: Vec<String>,
    /// Figures on rows it did not learn from.
    pub metrics: Vec<ModelMetric>,
    /// Bytes of the payload; set by [`to_bytes`](super::to_bytes).
    pub payload_length: u64,
    /// Bytes that the payload expands to; set by [`to_bytes`](super::to_bytes).
    pub expanded_length: u64,
}

impl ModelHeader {
    /// The kind of a [`Matcher`].
    pub const MATCHER: &'static str = "matcher";
    /// The kind of a [`BoostingModel`].
    pub const BOOSTING: &'static str = "boosting";
    /// The kind of a [`LogisticModel`].
    pub const LOGISTIC: &'static str = "logistic";

    /// The header of a matcher, without name, seed, digest and metrics.
    pub fn of(matcher: &Matcher) -> Self {
        let (n_patients, n_responders) = matcher.response().n_training();
        let (n_follow_ups, n_recipients) = matcher.engraftment().n_training();
        let donors = matcher.evidence().record().donors.iter();
        let n_outcomes = donors.map(|donor| donor.n_transplants).sum();
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
            feature_names: matcher.response().schema().feature_names(),
            units: "fraction".to_owned(),
            vocabulary: matcher.vocabulary().as_str().to_owned(),
            training: training
                .into_iter()
                .map(|(what, n)| (what.to_owned(), u64::from(n)))
                .collect(),
            warnings: warnings(matcher),
            ..Self::of_kind(Self::MATCHER)
        }
    }

    /// The header of a boosted model, without names, seed, digest and metrics.
    pub fn of_boosting(_: &BoostingModel) -> Self {
        Self::of_kind(Self::BOOSTING)
    }

    /// The header of a logistic model, without names, seed, digest and metrics.
    pub fn of_logistic(_: &LogisticModel) -> Self {
        Self::of_kind(Self::LOGISTIC)
    }

    fn of_kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            written_by: concat!("donormatch ", env!("CARGO_PKG_VERSION")).to_owned(),
            ..Self::default()
        }
    }

    /// Of the matcher that one with this header became by outcomes of one's own: the name says so,
    /// and `training` how many there are.
    #[must_use]
    pub fn updated(mut self, matcher: &Matcher) -> Self {
        if self.training.iter().all(|(what, _)| what != OWN_OUTCOMES) {
            self.name += ", updated by outcomes";
        }
        self.training = Self::of(matcher).training;
        self
    }

    /// This header with the entries that follow from the model, which `derived` holds.
    ///
    /// # Errors
    /// [`Error::ModelFile`] where the names of features are not as many as the model has.
    pub(super) fn with_derived(self, derived: Self, n_features: usize) -> Result<Self> {
        let whole = Self {
            kind: derived.kind,
            feature_names: if derived.feature_names.is_empty() {
                self.feature_names
            } else {
                derived.feature_names
            },
            units: derived.units,
            vocabulary: derived.vocabulary,
            training: derived.training,
            warnings: derived.warnings,
            written_by: derived.written_by,
            ..self
        };
        whole.check_names(n_features)?;
        Ok(whole)
    }

    fn check_names(&self, n_features: usize) -> Result<()> {
        match self.feature_names.len() {
            0 => Ok(()),
            n if n == n_features => Ok(()),
            n => Err(Error::model_file(format!(
                "`feature_names` of its header: expected {n_features} names, found {n}"
            ))),
        }
    }

    /// Checks a header that was read against what follows from the model.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming the entry that differs, or the metric out of its range.
    pub(super) fn check_against(&self, derived: &Self, n_features: usize) -> Result<()> {
        let differs = |entry: &str, claimed: &dyn Debug, found: &dyn Debug| {
            Err(Error::model_file(format!(
                "`{entry}` of its header is not that of its model: the header says {}, the model \
                 {}; the file was edited, get it again",
                shortened(claimed),
                shortened(found)
            )))
        };
        let is_matcher = derived.kind == Self::MATCHER;
        if is_matcher && self.feature_names != derived.feature_names {
            return differs("feature_names", &self.feature_names, &derived.feature_names);
        }
        self.check_names(n_features)?;
        if self.units != derived.units {
            return differs("units", &self.units, &derived.units);
        }
        if self.vocabulary != derived.vocabulary {
            return differs("vocabulary", &self.vocabulary, &derived.vocabulary);
        }
        if self.training != derived.training {
            return differs("training", &self.training, &derived.training);
        }
        if self.warnings != derived.warnings {
            return differs("warnings", &self.warnings, &derived.warnings);
        }
        self.metrics.iter().try_for_each(ModelMetric::check)
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
