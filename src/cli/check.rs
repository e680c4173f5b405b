//! `donormatch check`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::input::ProfileArguments;
use super::{Streams, json_or_tsv};
use crate::cohort::{CheckParams, ColumnNames, check, check_bytes};
use crate::profile::Decision;
use crate::{Error, Result};

/// Say what a file is taken for, question by question, and do nothing with it
///
/// A file holds profiles, or a table of patients, transplants, outcomes, donors, treatments or
/// screening records, which its columns show. Each is read as every other command reads it; a file
/// that they would refuse is an error here, in the same words.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch check cohort/donors.tsv cohort/metadata.tsv")]
pub(super) struct CheckArguments {
    /// Files of profiles or metadata; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the files hold, where the columns do not show it: profiles, patients, transplants,
    /// outcomes, donors, treatments or screening
    #[arg(long)]
    content: Option<String>,
    /// Column of a table of metadata that plays a role; may be given several times
    #[arg(long = "column", value_name = "ROLE=NAME")]
    columns: Vec<String>,
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
    question: &'static str,
    answer: String,
    reason: String,
}

impl CheckArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let params = CheckParams {
            content: self.content.as_deref().map(str::parse).transpose()?,
            columns: self.column_names()?,
            reading: self.reading.options()?,
        };
        let mut rows = Vec::new();
        let mut refused = Vec::new();
        for path in &self.files {
            match self.decisions(path, &params) {
                Ok(decisions) => rows.extend(decisions.into_iter().map(|one| CheckRow {
                    file: path.display().to_string(),
                    question: one.question.as_str(),
                    answer: one.answer,
                    reason: one.reason,
                })),
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

    fn decisions(&self, path: &Path, params: &CheckParams) -> Result<Vec<Decision>> {
        if path == Path::new("-") {
            return check_bytes(path, &self.reading.standard_input()?, params);
        }
        check(path, params)
    }

    fn column_names(&self) -> Result<ColumnNames> {
        let pairs = self.columns.iter().map(|text| {
            let pair = text.split_once('=');
            let pair = pair.map(|(role, name)| (role.to_owned(), name.to_owned()));
            pair.ok_or_else(|| {
                let message = format!("expected ROLE=NAME, found `{text}`");
                Error::parameter("column", message)
            })
        });
        pairs.collect()
    }
}
