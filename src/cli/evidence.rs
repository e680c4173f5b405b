//! `donormatch evidence`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Streams;
use super::input::ModelArguments;
use super::table::{json_or_tsv, json_rows};
use crate::Result;
use crate::evidence::{Evidence, EvidenceReading, Registry, conflicts};

/// Show what is known before a trial: published arms, the joint posterior, conflicts
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch evidence cells --without TACITO")]
pub(super) struct EvidenceArguments {
    /// What to show
    #[arg(value_enum, default_value_t = Subject::Cells)]
    subject: Subject,
    /// Table of further arms, which are read together with those that ship; a new fit
    #[arg(long, value_name = "FILE")]
    arms: Option<PathBuf>,
    /// Leave out the arms of a trial, by its name; a new fit. May be given again
    #[arg(long, value_name = "TRIAL")]
    without: Vec<String>,
    /// Multiply the spread of every prior; a new fit
    #[arg(long, value_name = "FACTOR")]
    prior_scale: Option<f64>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArguments,
}

/// What there is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// The posterior of every cell: cancer, regimen, line and partner
    Cells,
    /// The published arms
    Arms,
    /// Every parameter, prior beside posterior
    Parameters,
    /// The slope of response on out-of-fold scores, cohort by cohort
    Slopes,
    /// How well the sampler did
    Quality,
    /// What the own record of each donor adds, after `update`
    Donors,
    /// Each trial predicted without its arms, beside simpler ways; a new fit a trial
    LeftOut,
    /// What sources say against each other
    Conflicts,
}

const CELL_COLUMNS: [&str; 12] = [
    "endpoint",
    "cancer",
    "regimen",
    "line",
    "partner",
    "transplant",
    "probability",
    "probability_lo",
    "probability_hi",
    "n_arms",
    "n_patients",
    "borrowed",
];
const PARAMETER_COLUMNS: [&str; 10] = [
    "endpoint",
    "parameter",
    "prior_mean",
    "prior_sd",
    "mean",
    "sd",
    "lo",
    "hi",
    "r_hat",
    "effective_size",
];
const SLOPE_COLUMNS: [&str; 4] = ["cohort", "estimate", "error", "n_patients"];
const QUALITY_COLUMNS: [&str; 4] = [
    "endpoint",
    "max_r_hat",
    "min_effective_size",
    "n_divergences",
];
pub(super) const DONOR_COLUMNS: [&str; 9] = [
    "donor_id",
    "n_transplants",
    "n_response",
    "n_responders",
    "n_severe",
    "n_myocarditis",
    "donor_effect",
    "donor_effect_lo",
    "donor_effect_hi",
];
#[cfg(feature = "sampler")]
const LEFT_OUT_COLUMNS: [&str; 14] = [
    "endpoint",
    "trial",
    "arm",
    "donor",
    "transplant",
    "n",
    "events",
    "events_lo",
    "events_hi",
    "is_inside",
    "log_score",
    "log_score_complete_pooling",
    "log_score_no_pooling",
    "log_score_constants",
];
const CONFLICT_COLUMNS: [&str; 4] = ["subject", "evidence_for", "evidence_against", "grade"];

impl EvidenceArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        if self.subject == Subject::Conflicts {
            return streams.data(&json_or_tsv(self.json, &CONFLICT_COLUMNS, &conflicts()?)?);
        }
        let (matcher, _) = self.model.load()?;
        let reading = self.reading()?;
        if self.subject == Subject::Arms {
            let registry = reading.registry(matcher.evidence())?;
            return streams.data(&if self.json {
                json_rows(registry.arms())?
            } else {
                registry.to_tsv()
            });
        }
        let evidence = {
            let _progress =
                (!reading.is_the_same()).then(|| streams.progress("sampling the joint posterior"));
            matcher.evidence().read_anew(&reading)?
        };
        let is_json = self.json;
        streams.data(&match self.subject {
            Subject::Cells => json_or_tsv(is_json, &CELL_COLUMNS, &evidence.cells()),
            Subject::Parameters => json_or_tsv(is_json, &PARAMETER_COLUMNS, &evidence.parameters()),
            Subject::Slopes => json_or_tsv(is_json, &SLOPE_COLUMNS, evidence.slopes()),
            Subject::Quality => json_or_tsv(is_json, &QUALITY_COLUMNS, &evidence.quality()),
            Subject::Donors => json_or_tsv(is_json, &DONOR_COLUMNS, &evidence.donors()),
            Subject::LeftOut => {
                let _progress = streams.progress("leaving out one trial at a time");
                self.left_out(&evidence)
            }
            Subject::Arms | Subject::Conflicts => Ok(String::new()),
        }?)
    }

    fn reading(&self) -> Result<EvidenceReading> {
        Ok(EvidenceReading {
            arms: self.arms.as_ref().map(Registry::read).transpose()?,
            without: self.without.clone(),
            prior_scale: self.prior_scale,
        })
    }

    #[cfg(feature = "sampler")]
    fn left_out(&self, evidence: &Evidence) -> Result<String> {
        let rows = crate::evaluation::evaluate_published(evidence)?;
        json_or_tsv(self.json, &LEFT_OUT_COLUMNS, &rows)
    }

    #[cfg(not(feature = "sampler"))]
    #[expect(clippy::unused_self, reason = "with a sampler it is used")]
    fn left_out(&self, _: &Evidence) -> Result<String> {
        let message = "a new fit needs the cargo feature `sampler`, which this build lacks";
        Err(crate::Error::parameter("evidence", message))
    }
}
