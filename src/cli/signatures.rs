//! `donormatch signatures`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::input::ProfileArguments;
use super::{Streams, json_or_tsv, json_rows, tsv};
use crate::Result;
use crate::profile::{ProfileTable, SampleId};
use crate::taxonomy::{Membership, Signature, memberships, signature, signatures};

/// List named signatures of taxa, or measure them in profiles
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch signatures cohort/donors.tsv --signature oral")]
pub(super) struct SignaturesArguments {
    /// Profiles to measure the signatures in; without them the signatures are listed
    profiles: Option<PathBuf>,
    /// A built-in signature; may be repeated [default: all]
    #[arg(long, value_name = "NAME")]
    signature: Vec<String>,
    /// A signature of one's own: a TSV with a column `taxon`; may be repeated
    #[arg(long, value_name = "FILE")]
    signature_file: Vec<PathBuf>,
    /// Write JSON instead of a table; of a list with members and evidence
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ProfileArguments,
}

/// One signature of the list.
#[derive(Debug, Serialize)]
struct SignatureRow<'a> {
    signature: &'a str,
    version: u32,
    n_members: usize,
    title: &'a str,
    source: &'a str,
}

const LISTED: [&str; 5] = ["signature", "version", "n_members", "title", "source"];

/// One signature in one sample; the fraction is of what the table names.
#[derive(Debug, Serialize)]
struct MembershipRow<'a> {
    sample_id: &'a SampleId,
    signature: &'a str,
    version: u32,
    n_members: usize,
    n_not_measurable: usize,
    n_present: usize,
    summed_fraction: f64,
}

const MEASURED: [&str; 7] = [
    "sample_id",
    "signature",
    "version",
    "n_members",
    "n_not_measurable",
    "n_present",
    "summed_fraction",
];

impl SignaturesArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let chosen = self.chosen()?;
        let Some(path) = &self.profiles else {
            return streams.data(&self.listed(&chosen)?);
        };
        let table = self.reading.read_as_written(path, streams)?;
        let laid = memberships(&chosen, &table);
        let rows: Vec<MembershipRow<'_>> =
            laid.iter().flat_map(|one| measured(one, &table)).collect();
        streams.data(&json_or_tsv(self.json, &MEASURED, &rows)?)
    }

    /// The signatures named and read; all built-in ones where neither is asked for.
    fn chosen(&self) -> Result<Vec<Signature>> {
        if self.signature.is_empty() && self.signature_file.is_empty() {
            return Ok(signatures());
        }
        let named = self.signature.iter().map(|name| signature(name));
        let read = self.signature_file.iter().map(Signature::read);
        named.chain(read).collect()
    }

    fn listed(&self, chosen: &[Signature]) -> Result<String> {
        if self.json {
            return json_rows(chosen);
        }
        let rows: Vec<SignatureRow<'_>> = chosen
            .iter()
            .map(|one| SignatureRow {
                signature: &one.name,
                version: one.version,
                n_members: one.members.len(),
                title: &one.title,
                source: &one.source,
            })
            .collect();
        tsv(&LISTED, &rows)
    }
}

fn measured<'a>(membership: &'a Membership, table: &'a ProfileTable) -> Vec<MembershipRow<'a>> {
    let figures = membership
        .n_present(table)
        .into_iter()
        .zip(membership.summed_fraction(table));
    let rows = table.samples().iter().zip(figures);
    rows.map(|(sample_id, (n_present, summed_fraction))| MembershipRow {
        sample_id,
        signature: &membership.signature,
        version: membership.version,
        n_members: membership.members.len(),
        n_not_measurable: membership.n_not_measurable(),
        n_present,
        summed_fraction,
    })
    .collect()
}
