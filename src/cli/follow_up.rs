//! `donormatch follow-up`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use super::input::{ModelArguments, ProfileArguments, note_metadata};
use crate::cohort::{Cohort, ColumnNames, MetadataTable};
use crate::explanation::follow_up::{FollowUpParams, follow_up, read_untransplanted};
use crate::explanation::report::follow_up_page;
use crate::output::{Access, write_bytes};
use crate::{Error, Result};

/// Say what became of transplants: what engrafted, stayed and was lost, and how much of it would
/// be seen without this donor
///
/// PEDS and PPRS as q2-fmt defines them, at one depth, beside mismatched pairs of the same study
/// and a placebo arm where there is one, over time, beside what the model predicted. Research use
/// only: associations, not effects.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch follow-up data/profiles.tsv data/transplants.tsv --min-fraction 0.0001")]
pub(super) struct FollowUpArguments {
    /// Profiles of donors, baselines and follow-ups
    #[arg(value_name = "PROFILES")]
    table: PathBuf,
    /// Table of transplants: `donor`, `donor_samples` (several joined by `;`), `recipient`,
    /// `baseline`, `follow_up`, and, where they are known, `study`, `day`, `antibiotics`, and `arm`:
    /// rows of the arms `placebo` and `autologous` are what is seen without a transplant
    #[arg(value_name = "TRANSPLANTS")]
    transplants: PathBuf,
    /// Columns that play a role under another name
    #[arg(long, value_name = "ROLE=COLUMN")]
    columns: Vec<String>,
    /// Reads that every sample of counts is brought to [default: the fewest that one has]
    #[arg(long, value_name = "READS")]
    depth: Option<u64>,
    /// Fraction below which a taxon counts as not detected
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0)]
    min_fraction: f64,
    /// Mismatched pairs drawn for each test
    #[arg(long, value_name = "N", default_value_t = FollowUpParams::default().n_resamples)]
    n_resamples: usize,
    /// Seed of rarefaction, mismatched pairs and predictions
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Put beside what came what the engraftment model expected (in JSON and the report)
    #[arg(long)]
    predicted: bool,
    /// Write a page too, one HTML file with a section a recipient
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Who may read a new file, which holds ids of patients; an old file keeps its mode
    #[arg(long, value_enum, default_value_t = Access::Private, requires = "report")]
    access: Access,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profiles: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

impl FollowUpArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let params = FollowUpParams {
            depth: self.depth,
            min_fraction: self.min_fraction,
            n_resamples: self.n_resamples,
            seed: self.seed,
        };
        let metadata = MetadataTable::read(&self.transplants)?.with_names(self.names()?);
        let untransplanted = read_untransplanted(&metadata)?;
        let table = self.profiles.read_as_written(&self.table, streams)?;
        let cohort = Cohort::from_metadata(&metadata, table)?;
        note_metadata(&self.transplants, cohort.notes(), streams);
        let matcher = self.predicted.then(|| self.model.load()).transpose()?;
        let expected = match &matcher {
            None => None,
            Some((matcher, _)) => {
                let profiles = self.profiles.read(&self.table, matcher, streams)?.table;
                Some((matcher, profiles))
            }
        };
        let expected = expected.as_ref().map(|(matcher, table)| (*matcher, table));
        let report = follow_up(&cohort, &untransplanted, expected, &params)?;
        if let Some(path) = &self.report {
            write_bytes(path, follow_up_page(&report).as_bytes(), self.access)?;
        }
        streams.note(&report.verdict());
        if self.json {
            return streams.data(&(report.to_json()? + "\n"));
        }
        streams.data(&report.to_tsv()?)
    }

    fn names(&self) -> Result<ColumnNames> {
        let name = |text: &String| {
            let (role, column) = text.split_once('=').ok_or_else(|| {
                Error::parameter("columns", format!("expected `ROLE=COLUMN`, found `{text}`"))
            })?;
            Ok((role.to_owned(), column.to_owned()))
        };
        self.columns.iter().map(name).collect()
    }
}
