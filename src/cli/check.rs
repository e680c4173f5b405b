//! `donormatch check`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::input::ProfileArguments;
use super::{Streams, json_or_tsv};
use crate::{Error, Result};

/// Say what a file is taken for, question by question, and do nothing with it
///
/// Each file is read as every other command reads it; a file that they would refuse is an error
/// here, in the same words.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch check cohort/donors.tsv")]
pub(super) struct CheckArguments {
    /// Files of profiles
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ProfileArguments,
}

const COLUMNS: [&str; 4] = ["file", "question", "answer", "reason"];

/// What was decided about a file.
#[derive(Debug, Serialize)]
struct CheckRow {
    file: String,
    question: String,
    answer: String,
    reason: String,
}

impl CheckArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let mut rows = Vec::new();
        let mut refused = Vec::new();
        for path in &self.files {
            match self.profiles(path, streams) {
                Ok(of_file) => rows.extend(of_file),
                Err(error) => refused.push(error),
            }
        }
        if !rows.is_empty() {
            streams.data(&json_or_tsv(self.json, &COLUMNS, &rows)?)?;
        }
        let n_refused = refused.len();
        match refused.into_iter().next() {
            Some(first) if n_refused == 1 => Err(first),
            Some(first) => {
                streams.note(&format!("{n_refused} files cannot be used; the first:"));
                Err(first)
            }
            None => Ok(()),
        }
    }

    /// The decisions about a file of profiles.
    fn profiles(
        &self,
        path: &std::path::Path,
        streams: &mut Streams<'_>,
    ) -> Result<Vec<CheckRow>, Error> {
        let (table, decisions) = self.reading.inspect(path, streams)?;
        let row = |question: &str, answer: String, reason: String| CheckRow {
            file: path.display().to_string(),
            question: question.to_owned(),
            answer,
            reason,
        };
        let (n_samples, n_taxa) = (table.n_samples(), table.n_taxa());
        let size = format!("{n_samples} samples, {n_taxa} taxa");
        let mut rows = vec![row("content", "profiles".to_owned(), size)];
        rows.extend(
            decisions
                .into_iter()
                .map(|one| row(one.question.as_str(), one.answer, one.reason)),
        );
        Ok(rows)
    }
}
