//! `donormatch toposcore`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::input::ProfileArguments;
use super::{Streams, json_or_tsv};
use crate::Result;
use crate::feature::{self, AkkermansiaScope, CutOff, ToposcoreParams};

/// Compute the TOPOSCORE of profiles, with bounds where the table was filtered
///
/// It counts species of two published lists and has no skill in melanoma that could be shown.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch toposcore cohort/donors.tsv")]
pub(super) struct ToposcoreArguments {
    /// Species profiles, as read: with all their taxa
    profiles: PathBuf,
    /// Which published cut-offs decide; they differ for one pair of counts
    #[arg(long, value_enum, default_value_t = CutOffWord::Round3)]
    cut_off: CutOffWord,
    /// Which Akkermansia counts
    #[arg(long, value_enum, default_value_t = AkkermansiaWord::Sgb9226)]
    akkermansia: AkkermansiaWord,
    /// Samples with fewer taxa get no call
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_richness: usize,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ProfileArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum CutOffWord {
    /// The current app: the score rounded to 3 decimals
    Round3,
    /// The unrounded points of Youden's index
    ExactRoc,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum AkkermansiaWord {
    /// SGB9226 as published, where the table tells it apart
    Sgb9226,
    /// All that MetaPhlAn calls A. muciniphila
    SpeciesLabel,
}

const COLUMNS: [&str; 10] = [
    "sample_id",
    "n_sig1",
    "n_sig2",
    "score",
    "score_lo",
    "score_hi",
    "akkermansia",
    "akkermansia_class",
    "class",
    "call",
];

impl ToposcoreArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let table = self.reading.read_as_written(&self.profiles, streams)?;
        let scores = feature::toposcore(&table, &self.params())
            .map_err(|error| error.at_path(&self.profiles))?;
        let (n_sig1, n_sig2) = (
            scores.sig1.n_not_measurable(),
            scores.sig2.n_not_measurable(),
        );
        if n_sig1 + n_sig2 > 0 {
            streams.note(&format!(
                "warning: {n_sig1} of 37 members of SIG1 and {n_sig2} of 45 of SIG2 cannot be \
                 measured in this table; the bounds allow for them"
            ));
        }
        let rows = scores.records();
        streams.data(&json_or_tsv(self.json, &COLUMNS, &rows)?)
    }

    fn params(&self) -> ToposcoreParams {
        ToposcoreParams::default()
            .with_cut_off(match self.cut_off {
                CutOffWord::Round3 => CutOff::Round3,
                CutOffWord::ExactRoc => CutOff::ExactRoc,
            })
            .with_akkermansia(match self.akkermansia {
                AkkermansiaWord::Sgb9226 => AkkermansiaScope::Sgb9226,
                AkkermansiaWord::SpeciesLabel => AkkermansiaScope::SpeciesLabel,
            })
            .with_min_richness(self.min_richness)
    }
}
