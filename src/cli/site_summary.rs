//! `donormatch site-summary`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use super::input::{
    DonorArguments, DrawArguments, ModelArguments, ProfileArguments, note_metadata,
};
use crate::Result;
use crate::cohort::MetadataTable;
use crate::cohort::TrialOutcomes;
use crate::matcher::SiteParams;
use crate::output::{Access, write_bytes};

/// Say what the outcomes of one site teach, for `merge-sites` elsewhere; no row of a patient
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch site-summary cohort/donors.tsv cohort/recipients.tsv cohort/outcomes.tsv --site north --min-patients 1 --output north.json")]
pub(super) struct SiteSummaryArguments {
    /// Profiles of the donors
    donors: PathBuf,
    /// Profiles of the recipients before the transplant
    recipients: PathBuf,
    /// Table with a row a transplant, always the whole of it, as for `update`
    outcomes: PathBuf,
    #[command(flatten)]
    donor_ids: DonorArguments,
    /// What the site is called, another name at each
    #[arg(long)]
    site: String,
    /// Tell nothing of an outcome that is known of fewer patients
    #[arg(long, default_value_t = SiteParams::default().min_patients)]
    min_patients: u32,
    /// Summary to write, JSON: the whole of what leaves the site
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    draws: DrawArguments,
    #[command(flatten)]
    reading: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

impl SiteSummaryArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let outcomes = TrialOutcomes::from_metadata(&MetadataTable::read(&self.outcomes)?)?;
        note_metadata(&self.outcomes, outcomes.notes(), streams);
        let (matcher, _) = self.model.load()?;
        let donors = self.reading.read(&self.donors, &matcher, streams)?.table;
        let donors = self.donor_ids.donors(donors, streams)?;
        let recipients = self
            .reading
            .read(&self.recipients, &matcher, streams)?
            .table;
        let params = SiteParams {
            site: self.site.clone(),
            min_patients: self.min_patients,
            predict: self.draws.params(),
        };
        let summary = {
            let _progress = streams.progress("working out what the outcomes say");
            matcher
                .site_summary(&donors, &recipients, &outcomes, &params)
                .map_err(|error| error.at_path(&self.outcomes))?
        };
        write_bytes(&self.output, summary.to_json()?.as_bytes(), Access::Private)?;
        for endpoint in &summary.withheld {
            streams.note(&format!(
                "{}: `{endpoint}` is known of fewer than {} patients and not told",
                self.output.display(),
                self.min_patients
            ));
        }
        streams.data(&format!("{}\n", self.output.display()))
    }
}
