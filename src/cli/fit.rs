//! `donormatch fit`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::Streams;
use super::input::note_skipped;
use crate::cohort::Cohort;
use crate::matcher::MatcherConfig;
use crate::persist::{self, ModelHeader, ModelMetric};
use crate::profile::read_held;
use crate::taxonomy::Target;
use crate::{Error, Result};

/// Fit a matcher from a configuration and the tables that it names
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch fit models/default/config.toml --data data --output model.dmm")]
pub(super) struct FitArguments {
    /// Configuration, such as models/default/config.toml
    config: PathBuf,
    /// Folder that the paths of the configuration start from
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Model file to write; in a folder it is named model.dmm
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Results of `donormatch evaluate --output`, whose means go into the head of the model file
    #[arg(long, value_name = "FILE.json")]
    metrics: Option<PathBuf>,
}

impl FitArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let config = MatcherConfig::read(&self.config)?;
        let metrics = self.metrics.as_deref().map(read_metrics).transpose()?;
        let matcher = {
            let _progress = streams.progress("fitting");
            let patients = config.read_patients(&self.data)?;
            let transplants = config.read_transplants(&self.data, Target::Species)?;
            note_skipped(&transplants, streams);
            let notes = patients.notes().iter();
            for note in notes.chain(transplants.iter().flat_map(Cohort::notes)) {
                streams.note(&note.to_string());
            }
            config.matcher.fit(&patients, &transplants)?
        };
        let header = ModelHeader::of(&matcher)
            .with_name(&config.name)
            .with_metrics(metrics.unwrap_or_default())
            .with_seed(config.matcher.response.seed)
            .with_data_digest(config.data_digest(&self.data, Target::Species)?);
        let path = if self.output.is_dir() {
            self.output.join("model.dmm")
        } else {
            self.output.clone()
        };
        persist::write(&path, &matcher, &header)?;
        let (n_patients, n_responders) = matcher.response().n_training();
        let (n_follow_ups, n_recipients) = matcher.engraftment().n_training();
        streams.note(&format!(
            "{}: {n_patients} patients ({n_responders} responders), {n_follow_ups} follow-ups of \
             {n_recipients} recipients",
            path.display()
        ));
        Ok(())
    }
}

/// What is taken from a row of `donormatch evaluate`.
#[derive(Debug, Deserialize)]
struct Judged {
    what: String,
    scope: String,
    cohort: String,
    comparator: String,
    metric: String,
    value: Option<f64>,
    lo: Option<f64>,
    hi: Option<f64>,
    n_rows: u64,
    n_groups: u64,
}

#[derive(Debug, Deserialize)]
struct Results {
    rows: Vec<Judged>,
}

/// Bytes of results at most; those of the shipped model have a hundredth of it.
const MAX_METRICS: u64 = 16 << 20;

/// The means over cohorts; of the trials, each by its name.
fn read_metrics(path: &Path) -> Result<Vec<ModelMetric>> {
    let text = read_held(path, MAX_METRICS)?;
    let results: Results = serde_json::from_slice(&text).map_err(|source| Error::File {
        path: path.to_path_buf(),
        line: Some(source.line() as u64),
        message: "not the results of `donormatch evaluate --output`".to_owned(),
        source: Some(Box::new(source)),
    })?;
    let is_trial = |row: &Judged| row.what == "trials";
    let told = results.rows.into_iter().filter(|row| {
        let scope = if is_trial(row) { "cohort" } else { "mean" };
        row.scope == scope
    });
    let metric = |row: Judged| ModelMetric {
        model: if is_trial(&row) { row.cohort } else { row.what },
        comparator: row.comparator,
        metric: row.metric,
        value: row.value,
        lo: row.lo,
        hi: row.hi,
        n_rows: row.n_rows,
        n_groups: row.n_groups,
    };
    Ok(told.map(metric).collect())
}
