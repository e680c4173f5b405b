//! `donormatch inspect`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Streams, json};
use crate::Result;
use crate::matcher::Matcher;
use crate::persist::{self, FORMAT, ModelHeader, ModelMetric};

/// Show what a model file says of itself: what was checked against the model, and what its writer claims
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch inspect model.dmm")]
pub(super) struct InspectArguments {
    /// Model file; the bundled model where absent
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Write the whole header as JSON: `checked` and `claimed`
    #[arg(long)]
    json: bool,
}

impl InspectArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let header = match &self.model {
            Some(path) => persist::read_header(path)?,
            None => Matcher::bundled_header()?,
        };
        let text = if self.json {
            json(&Told::of(&header))?
        } else {
            table(&header)
        };
        streams.data(&text)
    }
}

/// Entries of a header that follow from the model, and were compared with it.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    kind: &'a str,
    format: u16,
    vocabulary: &'a str,
    units: &'a str,
    feature_names: &'a [String],
    training: &'a [(String, u64)],
    warnings: &'a [String],
    payload_length: u64,
}

/// Entries that nothing in the file can show to be true.
#[derive(Debug, Serialize)]
struct Claimed<'a> {
    name: &'a str,
    written_by: &'a str,
    seed: u64,
    data_digest: &'a str,
    metrics: &'a [ModelMetric],
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    checked: Checked<'a>,
    claimed: Claimed<'a>,
}

impl<'a> Told<'a> {
    fn of(header: &'a ModelHeader) -> Self {
        Self {
            checked: Checked {
                kind: &header.kind,
                format: FORMAT,
                vocabulary: &header.vocabulary,
                units: &header.units,
                feature_names: &header.feature_names,
                training: &header.training,
                warnings: &header.warnings,
                payload_length: header.payload_length,
            },
            claimed: Claimed {
                name: &header.name,
                written_by: &header.written_by,
                seed: header.seed,
                data_digest: &header.data_digest,
                metrics: &header.metrics,
            },
        }
    }
}

/// Three columns: what, value, and whether it was checked or is claimed.
fn table(header: &ModelHeader) -> String {
    let Told { checked, claimed } = Told::of(header);
    let mut text = String::new();
    let mut put = |what: &str, value: &str, by: &str| {
        text.extend([what, "\t", value, "\t", by, "\n"]);
    };
    put("kind", checked.kind, CHECKED);
    put("format", &checked.format.to_string(), CHECKED);
    put("vocabulary", checked.vocabulary, CHECKED);
    put("units", checked.units, CHECKED);
    put(
        "n_features",
        &checked.feature_names.len().to_string(),
        CHECKED,
    );
    put(
        "payload_length",
        &checked.payload_length.to_string(),
        CHECKED,
    );
    for (what, n) in checked.training {
        put(&format!("n_{what}"), &n.to_string(), CHECKED);
    }
    for warning in checked.warnings {
        put("warning", warning, CHECKED);
    }
    put("name", claimed.name, CLAIMED);
    put("written_by", claimed.written_by, CLAIMED);
    put("seed", &claimed.seed.to_string(), CLAIMED);
    put("data_digest", claimed.data_digest, CLAIMED);
    for metric in claimed.metrics {
        let number =
            |value: Option<f64>| value.map_or("?".to_owned(), |value| format!("{value:.3}"));
        put(
            &format!("{} {} {}", metric.model, metric.comparator, metric.metric),
            &format!(
                "{} ({} to {}), n = {}",
                number(metric.value),
                number(metric.lo),
                number(metric.hi),
                metric.n_rows
            ),
            CLAIMED,
        );
    }
    text
}

/// The entry agrees with the model in the file.
const CHECKED: &str = "checked";
/// The entry is what the writer of the file says.
const CLAIMED: &str = "claimed";
