//! `donormatch evaluate`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::input::note_skipped;
use super::{Streams, json, tsv};
use crate::Result;
use crate::evaluation::{
    CountRow, ReportParams, ReportRow, TrialSummary, evaluate_engraftment, evaluate_response,
    evaluate_trial,
};
use crate::matcher::{MatcherConfig, PredictParams};
use crate::output::{Access, write_bytes};
use crate::taxonomy::Target;

/// Judge the models on what they did not learn from, beside naive rules
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch evaluate models/default/config.toml --data data --what engraftment")]
pub(super) struct EvaluateArguments {
    /// Configuration of the models
    #[arg(default_value = "models/default/config.toml")]
    config: PathBuf,
    /// Folder that the paths of the configuration start from
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What to judge; everything where absent
    #[arg(long)]
    what: Option<What>,
    /// Write everything as JSON too
    #[arg(long, value_name = "FILE.json")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Response,
    Engraftment,
    EngraftmentGenus,
    Trials,
}

const ALL: [What; 4] = [
    What::Response,
    What::Engraftment,
    What::EngraftmentGenus,
    What::Trials,
];

const COLUMNS: [&str; 15] = [
    "what",
    "comparator",
    "scope",
    "cohort",
    "metric",
    "value",
    "lo",
    "hi",
    "prediction_lo",
    "prediction_hi",
    "n_rows",
    "n_groups",
    "n_events",
    "n_cohorts",
    "reason",
];

/// A row of results beside what it is about.
#[derive(Debug, Serialize)]
struct Judged {
    what: What,
    #[serde(flatten)]
    row: ReportRow,
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
struct Results {
    rows: Vec<Judged>,
    /// Numbers of taxa gained and kept, by study.
    counts: Vec<JudgedCounts>,
    trials: Vec<TrialSummary>,
}

/// Counts of a study beside what they are about.
#[derive(Debug, Serialize)]
struct JudgedCounts {
    what: What,
    #[serde(flatten)]
    row: CountRow,
}

impl EvaluateArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let config = MatcherConfig::read(&self.config)?;
        let mut results = Results::default();
        for what in ALL
            .into_iter()
            .filter(|&one| self.what.is_none_or(|what| what == one))
        {
            let rows = self.judge(what, &config, &mut results, streams)?;
            results
                .rows
                .extend(rows.into_iter().map(|row| Judged { what, row }));
        }
        if let Some(path) = &self.output {
            write_bytes(path, json(&results)?.as_bytes(), Access::Shared)?;
        }
        streams.data(&tsv(&COLUMNS, &results.rows)?)
    }

    fn judge(
        &self,
        what: What,
        config: &MatcherConfig,
        results: &mut Results,
        streams: &mut Streams<'_>,
    ) -> Result<Vec<ReportRow>> {
        let _progress = streams.progress("learning without each cohort in turn");
        let report = ReportParams {
            min_patients: config.evaluation.min_patients,
            ..ReportParams::default()
        };
        match what {
            What::Response => {
                let patients = config.read_patients(&self.data)?;
                let published = &config.evaluation.cohorts;
                let judged =
                    evaluate_response(&config.matcher.response, &patients, published, &report)?;
                streams.note(&format!(
                    "response: {} learned statistics audited, {} leaks",
                    judged.audit.entries().len(),
                    judged.audit.leaks().count()
                ));
                Ok(judged.rows)
            }
            What::Engraftment | What::EngraftmentGenus => {
                let target = match what {
                    What::EngraftmentGenus => Target::Genus,
                    _ => Target::Species,
                };
                let cohorts = config.read_transplants(&self.data, target)?;
                note_skipped(&cohorts, streams);
                let params = &config.matcher.engraftment;
                let judged = evaluate_engraftment(params, &cohorts, &report.bootstrap)?;
                for row in judged.counts {
                    streams.note(&counts_told(&row));
                    results.counts.push(JudgedCounts { what, row });
                }
                Ok(judged.rows)
            }
            What::Trials => {
                let patients = config.read_patients(&self.data)?;
                let cohorts = config.read_transplants(&self.data, Target::Species)?;
                let mut rows = Vec::new();
                for trial in &config.evaluation.trials {
                    let judged = evaluate_trial(
                        &config.matcher,
                        &patients,
                        &cohorts,
                        trial,
                        &PredictParams::default(),
                        &report,
                    )?;
                    rows.extend(judged.rows.iter().cloned());
                    results.trials.push(judged.summary());
                }
                Ok(rows)
            }
        }
    }
}

fn counts_told(row: &CountRow) -> String {
    format!(
        "{}: {} {:.1} of {:.1} taxa, expected {:.1} (90 % interval {:.0} to {:.0}, {:.0} % of {} \
         follow-ups inside)",
        row.study,
        row.count,
        row.observed,
        row.n_possible,
        row.expected,
        row.lo,
        row.hi,
        100.0 * row.coverage,
        row.n_rows
    )
}
