//! `donormatch explain`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use super::input::{
    DonorArguments, DrawArguments, ModelArguments, ProfileArguments, TreatmentArguments,
};
use super::screen::screened;
use crate::Result;
use crate::explanation::explain;
use crate::profile::{SampleId, SubjectId};
use crate::ranking::{RankingJob, RankingParams};

/// Say what speaks for a donor of a recipient, part by part, against a random eligible donor or one
/// other
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch explain cohort/donors.tsv cohort/recipients.tsv --regimen anti-pd-1 --cancer melanoma \
  --recipient synthetic_recipient_01 --donor synthetic_donor_01 \
  --against synthetic_donor_02")]
pub(super) struct ExplainArguments {
    /// Profiles of the donors
    donors: PathBuf,
    /// Profiles of the recipients before the transplant
    recipients: PathBuf,
    /// The recipient
    #[arg(long, value_name = "ID")]
    recipient: SampleId,
    /// The donor
    #[arg(long, value_name = "ID")]
    donor: SubjectId,
    /// Another donor to compare with [default: the mean of the eligible donors]
    #[arg(long, value_name = "ID")]
    against: Option<SubjectId>,
    #[command(flatten)]
    donor_ids: DonorArguments,
    #[command(flatten)]
    treatment: TreatmentArguments,
    /// Weights of response gained, severe toxicity and myocarditis
    #[arg(long, default_value = "1,0.5,3")]
    weights: String,
    #[command(flatten)]
    draws: DrawArguments,
    /// Records of the donors: those that do not pass screening on the day of `--on` are no part of
    /// the mean
    #[arg(long, value_name = "RECORDS", requires = "on")]
    screening: Option<PathBuf>,
    /// The day on which the donors are to be used
    #[arg(long, value_name = "YYYY-MM-DD", requires = "screening")]
    on: Option<String>,
    /// A screening panel of one's own, as TOML [default: the one that ships]
    #[arg(long, value_name = "FILE", requires = "screening")]
    panel: Option<PathBuf>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profiles: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

impl ExplainArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let screening = match (&self.screening, &self.on) {
            (Some(records), Some(on)) => {
                Some(screened(records, on, self.panel.as_deref(), streams)?.2)
            }
            _ => None,
        };
        let params = RankingParams {
            weights: self.weights.parse()?,
            screening,
            ..RankingParams::default()
        };
        self.treatment.check()?;
        let (matcher, _) = self.model.load()?;
        let donors = self.profiles.read(&self.donors, &matcher, streams)?;
        let bank = self.donor_ids.donors(donors.table, streams)?;
        let recipients = self.profiles.read(&self.recipients, &matcher, streams)?;
        let contexts = self.treatment.contexts(&recipients.table, streams)?;
        let job = RankingJob {
            matcher: &matcher,
            donors: &bank,
            recipients: &recipients.table,
            contexts: &contexts,
            predict: &self.draws.params(),
            params: &params,
        };
        let progress = streams.progress("explaining");
        let why = explain(&job, &self.donor, self.against.as_ref(), &self.recipient)?;
        drop(progress);
        if self.json {
            return streams.data(&(why.to_json()? + "\n"));
        }
        if streams.is_read_by_a_person() {
            return streams.data(&why.to_text());
        }
        streams.data(&why.to_tsv()?)
    }
}
