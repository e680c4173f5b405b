//! `donormatch predict`

use std::path::PathBuf;

use clap::Args;

use super::input::{ModelArguments, PosteriorArguments, ProfileArguments, TreatmentArguments};
use super::{Streams, json_or_tsv};
use crate::Result;

/// Predict the response of patients from their own profile, without a transplant
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch predict cohort/recipients.tsv --regimen anti-pd-1 --cancer melanoma")]
pub(super) struct PredictArguments {
    /// Profiles of the patients
    profiles: PathBuf,
    #[command(flatten)]
    treatment: TreatmentArguments,
    #[command(flatten)]
    draws: PosteriorArguments,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

const COLUMNS: [&str; 7] = [
    "sample_id",
    "p_response_baseline",
    "p_response_baseline_lo",
    "p_response_baseline_hi",
    "score",
    "in_domain",
    "domain_reason",
];

impl PredictArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        self.treatment.check()?;
        let (matcher, _) = self.model.load()?;
        let profiles = self.reading.read(&self.profiles, &matcher, streams)?.table;
        let contexts = self.treatment.contexts(&profiles, streams)?;
        let rows = matcher.predict_baseline(&profiles, &contexts, &self.draws.params())?;
        streams.data(&json_or_tsv(self.json, &COLUMNS, &rows)?)
    }
}
