//! `donormatch plan value`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::Result;
use crate::cli::{Streams, json, json_or_tsv};
use crate::cohort::MetadataTable;
use crate::trial::off_policy::{OffPolicyParams, OffPolicyValue, ValueEstimate};
use crate::trial::read_log;

/// What another policy would have been worth in a trial that is over
///
/// LOG has a row for each recipient and each donor it could have had: `recipient_id`, `donor_id`,
/// `probability` (by which the trial chose the donor), `given`, `outcome` (1 for a response),
/// `target` (the probability under the other policy, 1 for the first of a ranking) and, where there
/// is a model, `predicted`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan value log.tsv")]
pub(super) struct ValueArguments {
    /// Log of the trial
    log: PathBuf,
    /// Level of the intervals
    #[arg(long, default_value_t = 0.9)]
    level: f64,
    /// Seed of the resamples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// An estimate by its name.
#[derive(Debug, Serialize)]
struct EstimateRow {
    estimate: &'static str,
    value: Option<f64>,
    lo: Option<f64>,
    hi: Option<f64>,
}

impl ValueArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let log = read_log(&MetadataTable::read(&self.log)?)?;
        let params = OffPolicyParams {
            level: self.level,
            seed: self.seed,
            ..OffPolicyParams::default()
        };
        let value = params.value(&log)?;
        if self.json {
            return streams.data(&json(&value)?);
        }
        streams.note(&note(&value));
        let columns = ["estimate", "value", "lo", "hi"];
        streams.data(&json_or_tsv(false, &columns, &rows(&value))?)
    }
}

fn note(value: &OffPolicyValue) -> String {
    let share = 100.0 * value.unsupported;
    let n = value.n_recipients;
    let size = value.effective_size;
    if value.unsupported > 0.0 {
        return format!(
            "{n} recipients; for {share:.0} % of them the other policy chooses what the trial never \
             did: bounds, and no number"
        );
    }
    format!("{n} recipients, which count as {size:.1} under the other policy")
}

fn rows(value: &OffPolicyValue) -> Vec<EstimateRow> {
    let row = |estimate, found: Option<ValueEstimate>| EstimateRow {
        estimate,
        value: found.map(|one| one.value),
        lo: found.map(|one| one.lo),
        hi: found.map(|one| one.hi),
    };
    vec![
        row("observed", Some(value.observed)),
        row("inverse_propensity", value.inverse_propensity),
        row("self_normalized", value.self_normalized),
        row("doubly_robust", value.doubly_robust),
        EstimateRow {
            value: None,
            ..row("bounds", Some(value.bounds))
        },
    ]
}
