//! `donormatch merge-sites`

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Streams;
use super::input::ModelArguments;
use super::table::json_or_tsv;
use crate::evidence::{SiteSummary, UpdateMethod};
use crate::persist;
use crate::{Error, Result};

/// Columns of the table that says how well the sites were merged.
const COLUMNS: [&str; 6] = [
    "endpoint",
    "n_sites",
    "n_patients",
    "pareto_k",
    "n_effective",
    "error",
];

/// Let a matcher learn from the summaries of several sites
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch merge-sites north.json --output merged.dmm")]
pub(super) struct MergeSitesArguments {
    /// What `site-summary` wrote, the latest of each site
    #[arg(required = true)]
    summaries: Vec<PathBuf>,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// By weights where these can be trusted, or (`fast`) however heavy their tail
    #[arg(long, value_enum, default_value_t = UpdateMethod::Auto)]
    method: UpdateMethod,
    /// What the new matcher is called [default: the old name, and that it was updated]
    #[arg(long)]
    name: Option<String>,
    /// Write how well the sites were merged as JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArguments,
}

impl MergeSitesArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let summaries = self.summaries.iter().map(|path| read(path));
        let summaries = summaries.collect::<Result<Vec<_>>>()?;
        let (matcher, header) = self.model.load()?;
        let merged = matcher.with_sites(&summaries, self.method)?;
        let mut header = header.updated(&merged.matcher);
        if let Some(name) = &self.name {
            header = header.with_name(name);
        }
        persist::write(&self.output, &merged.matcher, &header)?;
        streams.data(&json_or_tsv(self.json, &COLUMNS, &merged.endpoints)?)
    }
}

fn read(path: &Path) -> Result<SiteSummary> {
    let text = fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
    SiteSummary::from_json(&text).map_err(|error| error.at_path(path))
}
