//! `donormatch update`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use super::evidence::DONOR_COLUMNS;
use super::input::{
    DonorArguments, DrawArguments, ModelArguments, ProfileArguments, note_metadata,
};
use super::table::json_or_tsv;
use crate::Result;
use crate::cohort::{MetadataTable, TrialOutcomes};
use crate::evidence::UpdateMethod;
use crate::matcher::{UpdateParams, UpdatedMatcher};
use crate::persist;

/// Let a matcher learn from the outcomes of your own trial, donor by donor
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch update cohort/donors.tsv cohort/recipients.tsv cohort/outcomes.tsv --output updated.dmm")]
pub(super) struct UpdateArguments {
    /// Profiles of the donors
    donors: PathBuf,
    /// Profiles of the recipients before the transplant
    recipients: PathBuf,
    /// Table with a row a transplant, always the whole of it: `donor_id`, `recipient_id`, `regimen`
    /// and any of `date`, `donor_type`, `cancer`, `line`, `partner`, `response`, `severe_irae`,
    /// `irae_grade`, `myocarditis`, `antibiotics`, and with `--follow-ups` `follow_up` (sample ids)
    /// and `day`, several parted by `;`; blank outcomes are not yet known
    outcomes: PathBuf,
    /// Profiles of the recipients after the transplant, from which the matcher learns how far the
    /// transplants of this trial engraft
    #[arg(long, value_name = "FILE")]
    follow_ups: Option<PathBuf>,
    #[command(flatten)]
    donor_ids: DonorArguments,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// What the trial is called
    #[arg(long, default_value = "own")]
    trial: String,
    /// Leave out the published arms of a trial whose patients the table holds; a new fit. May be
    /// given again
    #[arg(long, value_name = "TRIAL")]
    without: Vec<String>,
    /// By weights on the draws there are, by a new fit, or by weights where these can be trusted
    #[arg(long, value_enum, default_value_t = UpdateMethod::Auto)]
    method: UpdateMethod,
    /// What the new matcher is called [default: the old name, and that it was updated]
    #[arg(long)]
    name: Option<String>,
    /// Write the record of each donor as JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    draws: DrawArguments,
    #[command(flatten)]
    reading: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

impl UpdateArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let table = MetadataTable::read(&self.outcomes)?;
        let outcomes = TrialOutcomes::from_metadata(&table)?;
        note_metadata(&self.outcomes, outcomes.notes(), streams);
        let (matcher, header) = self.model.load()?;
        let donors = self.reading.read(&self.donors, &matcher, streams)?.table;
        let donors = self.donor_ids.donors(donors, streams)?;
        let recipients = self
            .reading
            .read(&self.recipients, &matcher, streams)?
            .table;
        let follow_ups = match &self.follow_ups {
            Some(path) => Some(self.reading.read(path, &matcher, streams)?.table),
            None => None,
        };
        if follow_ups.is_none() && outcomes.n_follow_ups() > 0 {
            streams.note(&format!(
                "{}: follow-ups are named and not read: give their profiles by --follow-ups",
                self.outcomes.display()
            ));
        }
        let updated = {
            let _progress = streams.progress("learning from outcomes");
            matcher
                .with_outcomes(
                    &donors,
                    &recipients,
                    follow_ups.as_ref(),
                    &outcomes,
                    &self.params(),
                )
                .map_err(|error| error.at_path(&self.outcomes))?
        };
        let mut header = header.updated(&updated.matcher);
        if let Some(name) = &self.name {
            header = header.with_name(name);
        }
        persist::write(&self.output, &updated.matcher, &header)?;
        streams.note(&self.told(&updated));
        let donors = updated.matcher.evidence().donors();
        streams.data(&json_or_tsv(self.json, &DONOR_COLUMNS, &donors)?)
    }

    fn params(&self) -> UpdateParams {
        UpdateParams {
            trial: self.trial.clone(),
            method: self.method,
            without: self.without.clone(),
            predict: self.draws.params(),
        }
    }

    fn told(&self, updated: &UpdatedMatcher) -> String {
        let donors = &updated.matcher.evidence().record().donors;
        let n: u32 = donors.iter().map(|one| one.n_transplants).sum();
        let how = match updated.method {
            UpdateMethod::Fast => "weights on the draws",
            UpdateMethod::Auto | UpdateMethod::Exact => "a new fit",
        };
        let tail = updated.pareto_k.map_or(String::new(), |k| {
            format!(" (tail of the weights: k = {k:.2})")
        });
        let engrafted = match updated.n_follow_ups {
            0 => String::new(),
            n => format!("; engraftment from {n} follow-ups"),
        };
        format!(
            "{}: {n} transplants of {} donors, learned by {how}{tail}{engrafted}",
            self.output.display(),
            donors.len()
        )
    }
}
