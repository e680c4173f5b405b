//! `donormatch update`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use super::input::{ModelArguments, ProfileArguments, note_metadata};
use crate::Result;
use crate::cohort::MetadataTable;
use crate::matcher::ObservedToxicity;
use crate::persist;

/// Let the toxicity of a matcher learn from outcomes of your own
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch update cohort/donors.tsv cohort/outcomes.tsv --output updated.dmm")]
pub(super) struct UpdateArguments {
    /// Profiles of the donors
    donors: PathBuf,
    /// Table with a row a recipient: `donor_id`, `regimen` and any of `cancer`, `line`,
    /// `severe_irae` and `myocarditis`; blanks are unknown
    outcomes: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// What the new matcher is called [default: the old name, and that it was updated]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    reading: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

impl UpdateArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let (matcher, header) = self.model.load()?;
        let donors = self.reading.read(&self.donors, &matcher, streams)?.table;
        let table = MetadataTable::read(&self.outcomes)?;
        let observed = ObservedToxicity::from_metadata(&table)?;
        let notes = ObservedToxicity::column_notes(&table);
        note_metadata(&self.outcomes, &notes, streams);
        let updated = matcher
            .with_outcomes(&donors, &observed)
            .map_err(|error| error.at_path(&self.outcomes))?;
        let mut header = header.updated(&updated);
        if let Some(name) = &self.name {
            header = header.with_name(name);
        }
        persist::write(&self.output, &updated, &header)?;
        let counts = |of: fn(&ObservedToxicity) -> Option<bool>| {
            let known = observed.iter().filter_map(of);
            (known.clone().filter(|&had| had).count(), known.count())
        };
        let (severe, of_severe) = counts(|one| one.severe_irae);
        let (myocarditis, of_myocarditis) = counts(|one| one.myocarditis);
        streams.note(&format!(
            "{}: {severe} of {of_severe} recipients had a severe immune-related adverse event, \
             {myocarditis} of {of_myocarditis} myocarditis",
            self.output.display()
        ));
        Ok(())
    }
}
