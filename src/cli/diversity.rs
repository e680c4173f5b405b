//! `donormatch diversity`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::input::ProfileArguments;
use super::{Streams, json_or_tsv};
use crate::Result;
use crate::feature::{Diversity, LogBase, Phylogeny, diversity};
use crate::profile::{ProfileTable, SampleId, Unit};

/// Measure the diversity of each sample
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch diversity cohort/donors.tsv")]
pub(super) struct DiversityArguments {
    /// Profiles, as read
    profiles: PathBuf,
    /// Newick tree whose tips are the taxa, for Faith's phylogenetic diversity
    #[arg(long, value_name = "FILE")]
    tree: Option<PathBuf>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ProfileArguments,
}

/// The measures of one sample; absent what the table does not allow.
#[derive(Debug, Serialize)]
struct DiversityRow<'a> {
    sample_id: &'a SampleId,
    richness: f64,
    shannon: f64,
    simpson: f64,
    inverse_simpson: f64,
    pielou: f64,
    chao1: Option<f64>,
    faith_pd: Option<f64>,
}

const COLUMNS: [&str; 8] = [
    "sample_id",
    "richness",
    "shannon",
    "simpson",
    "inverse_simpson",
    "pielou",
    "chao1",
    "faith_pd",
];

impl DiversityArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let table = self.reading.read_as_written(&self.profiles, streams)?;
        let limits = self.reading.limits()?;
        let tree = self
            .tree
            .as_ref()
            .map(|path| Phylogeny::read(path, &limits))
            .transpose()?;
        let rows = rows(&table, tree.as_ref()).map_err(|error| error.at_path(&self.profiles))?;
        streams.data(&json_or_tsv(self.json, &COLUMNS, &rows)?)
    }
}

/// Shannon in nats, Chao1 of counts only, Faith's PD where there is a tree.
fn rows<'a>(table: &'a ProfileTable, tree: Option<&Phylogeny>) -> Result<Vec<DiversityRow<'a>>> {
    let richness = diversity(table, Diversity::Richness)?;
    let shannon = diversity(table, Diversity::Shannon(LogBase::Natural))?;
    let simpson = diversity(table, Diversity::Simpson)?;
    let inverse_simpson = diversity(table, Diversity::InverseSimpson)?;
    let pielou = diversity(table, Diversity::Pielou)?;
    let chao1 = (table.unit() == Unit::Count)
        .then(|| diversity(table, Diversity::Chao1))
        .transpose()?;
    let faith_pd = tree
        .map(|tree| diversity(table, Diversity::FaithPd(tree)))
        .transpose()?;
    let samples = table.samples().iter().enumerate();
    Ok(samples
        .map(|(row, sample_id)| DiversityRow {
            sample_id,
            richness: richness[row],
            shannon: shannon[row],
            simpson: simpson[row],
            inverse_simpson: inverse_simpson[row],
            pielou: pielou[row],
            chao1: chao1.as_ref().map(|values| values[row]),
            faith_pd: faith_pd.as_ref().map(|values| values[row]),
        })
        .collect())
}
