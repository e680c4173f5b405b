//! `donormatch inspect`

use std::path::PathBuf;

use clap::Args;

use super::{Streams, json};
use crate::Result;
use crate::matcher::Matcher;
use crate::persist::{self, FORMAT, ModelHeader};

/// Show what a model file says of itself
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch inspect model.dmm")]
pub(super) struct InspectArguments {
    /// Model file; the bundled model where absent
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Write the whole header as JSON
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
            json(&header)?
        } else {
            table(&header)
        };
        streams.data(&text)
    }
}

/// Two columns: what, value.
fn table(header: &ModelHeader) -> String {
    let mut rows = vec![
        ("name".to_owned(), header.name.clone()),
        ("kind".to_owned(), header.kind.clone()),
        ("format".to_owned(), FORMAT.to_string()),
        ("written_by".to_owned(), header.written_by.clone()),
        ("vocabulary".to_owned(), header.vocabulary.clone()),
        ("units".to_owned(), header.units.clone()),
        (
            "n_features".to_owned(),
            header.feature_names.len().to_string(),
        ),
        ("seed".to_owned(), header.seed.to_string()),
        ("data_digest".to_owned(), header.data_digest.clone()),
        (
            "payload_length".to_owned(),
            header.payload_length.to_string(),
        ),
    ];
    rows.extend(
        header
            .training
            .iter()
            .map(|(what, n)| (format!("n_{what}"), n.to_string())),
    );
    for metric in &header.metrics {
        let number =
            |value: Option<f64>| value.map_or("?".to_owned(), |value| format!("{value:.3}"));
        rows.push((
            format!("{} {} {}", metric.model, metric.comparator, metric.metric),
            format!(
                "{} ({} to {}), n = {}",
                number(metric.value),
                number(metric.lo),
                number(metric.hi),
                metric.n_rows
            ),
        ));
    }
    let mut text = String::new();
    for (what, value) in rows {
        text.extend([what.as_str(), "\t", value.as_str(), "\n"]);
    }
    text
}
