//! `donormatch engraft`

use std::path::PathBuf;

use clap::Args;

use super::input::{DonorArguments, ModelArguments, ProfileArguments, TransplantArguments};
use super::{Streams, json_or_tsv};
use crate::cohort::Donors;
use crate::engraftment::TaxonCounts;
use crate::profile::{ProfileTable, SampleId, SubjectId};
use crate::{Error, Result};

/// Predict, taxon by taxon, what a transplant leaves
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch engraft cohort/donors.tsv cohort/recipients.tsv --donor-id synthetic_donor_01 --recipient-id synthetic_recipient_01")]
pub(super) struct EngraftArguments {
    /// Profiles of the donor; several samples of one donor are averaged
    donor: PathBuf,
    /// The donor, where the file has several; without `--donor-metadata`, its sample
    #[arg(long, value_name = "ID")]
    donor_id: Option<String>,
    #[command(flatten)]
    donor_ids: DonorArguments,
    /// Profile of the recipient before the transplant
    recipient: PathBuf,
    /// The recipient's sample, where the file has several
    #[arg(long, value_name = "ID")]
    recipient_id: Option<String>,
    #[command(flatten)]
    transplant: TransplantArguments,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profiles: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

const COLUMNS: [&str; 6] = [
    "taxon",
    "donor",
    "recipient",
    "p_present",
    "expected_fraction",
    "fate",
];

/// Draws behind the intervals of counts.
const COUNT_DRAWS: usize = 1000;

impl EngraftArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let (matcher, _) = self.model.load()?;
        let samples = self.profiles.read(&self.donor, &matcher, streams)?.table;
        let donor = self.one_donor(samples, streams)?;
        let recipient = self
            .profiles
            .read(&self.recipient, &matcher, streams)?
            .table;
        let recipient = one_recipient(&recipient, self.recipient_id.as_deref())?;
        let params = self.transplant.params();
        let (prediction, table) = matcher.predict_transplant(&donor, &recipient, &params)?;
        streams.note(&Self::told(&prediction.counts(COUNT_DRAWS, params.seed)));
        let rows = prediction.records(table.taxa());
        streams.data(&json_or_tsv(self.json, &COLUMNS, &rows)?)
    }
}

impl EngraftArguments {
    /// The donor that is meant: all samples of the file where nothing else is said.
    fn one_donor(&self, samples: ProfileTable, streams: &mut Streams<'_>) -> Result<Donors> {
        if self.donor_id.is_none() && !self.donor_ids.is_given() {
            return Donors::one(samples, &SubjectId::new("donor"));
        }
        let donors = self.donor_ids.donors(samples, streams)?;
        let place = match (&self.donor_id, donors.ids()) {
            (Some(id), _) => donors.place_of(&SubjectId::new(id))?,
            (None, [_]) => 0,
            (None, ids) => {
                return Err(Error::parameter(
                    "donor-id",
                    format!(
                        "the file has {} donors, `{}` the first; name the one meant",
                        ids.len(),
                        ids[0]
                    ),
                ));
            }
        };
        donors.select(&[place])
    }

    /// Numbers of taxa with their intervals.
    fn told(counts: &TaxonCounts) -> String {
        format!(
            "{:.0} taxa gained ({:.0} to {:.0}), {:.0} kept ({:.0} to {:.0}), {:.0} lost ({:.0} to \
             {:.0}); 90 % intervals of one transplant",
            counts.n_gained,
            counts.n_gained_lo,
            counts.n_gained_hi,
            counts.n_kept,
            counts.n_kept_lo,
            counts.n_kept_hi,
            counts.n_lost,
            counts.n_lost_lo,
            counts.n_lost_hi,
        )
    }
}

fn one_recipient(table: &ProfileTable, id: Option<&str>) -> Result<ProfileTable> {
    match (id, table.n_samples()) {
        (Some(id), _) => table.select_samples(&[SampleId::new(id)]),
        (None, 1) => Ok(table.clone()),
        (None, n) => Err(Error::parameter(
            "recipient-id",
            format!(
                "the file has {n} samples, `{}` the first; name the one meant",
                table.samples()[0]
            ),
        )),
    }
}
