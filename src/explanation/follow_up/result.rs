//! What is known of transplants afterwards.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::cohort::UNNAMED_STUDY;
use crate::profile::{SampleId, StudyId, SubjectId};
use crate::ranking::text::json_with_notice;
use crate::text::rows_as_tsv;
use crate::{Error, Result};

/// Numbers of taxa that the engraftment model expected, over the taxa of donor and recipient, with
/// the 90 % intervals of one transplant; and what was seen of the same taxa.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictedCounts {
    /// Expected number gained.
    pub n_gained: f64,
    /// Lower end of its interval.
    pub n_gained_lo: f64,
    /// Upper end of its interval.
    pub n_gained_hi: f64,
    /// Number gained, by the presence that the model speaks of.
    pub n_gained_seen: usize,
    /// Expected number of the recipient's own kept.
    pub n_kept: f64,
    /// Lower end of its interval.
    pub n_kept_lo: f64,
    /// Upper end of its interval.
    pub n_kept_hi: f64,
    /// Number kept, by the presence that the model speaks of.
    pub n_kept_seen: usize,
}

/// One follow-up of one transplant: a row of the table that all doors return.
///
/// D, R and P are the taxa detected in donor, recipient before and recipient after, at one depth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUpRow {
    /// The trial.
    pub study: StudyId,
    /// The recipient.
    pub recipient_id: SubjectId,
    /// The donor.
    pub donor_id: SubjectId,
    /// The recipient's sample before.
    pub baseline: SampleId,
    /// The recipient's sample after.
    pub follow_up: SampleId,
    /// Days since the transplant, where known.
    pub day: Option<f64>,
    /// `|R|`.
    pub n_baseline: usize,
    /// `|P|`.
    pub n_follow_up: usize,
    /// `|P − R|`.
    pub n_gained: usize,
    /// `|(D ∩ P) − R|`; of several samples of a donor, any counts.
    pub n_gained_from_donor: usize,
    /// `|R ∩ P|`.
    pub n_kept: usize,
    /// `|R − P|`.
    pub n_lost: usize,
    /// `|D ∩ P| / |D|`, the mean over the samples of the donor.
    pub peds: f64,
    /// `|R ∩ P| / |R|`.
    pub pprs: f64,
    /// Of the taxa gained from the donor at the recipient's first follow-up, the share present at
    /// this one; absent at the first, and where none was gained.
    pub persistence: Option<f64>,
    /// Mean PEDS of the study's mismatched pairs; absent where it has one donor.
    pub peds_mismatched: Option<f64>,
    /// `peds` less that.
    pub peds_over_mismatched: Option<f64>,
    /// Share of mismatched pairs with as high a PEDS; at the first follow-up of a recipient alone,
    /// since later ones are not independent.
    pub p_value: Option<f64>,
    /// The same, corrected for the number of recipients (Benjamini and Hochberg).
    pub q_value: Option<f64>,
    /// Mean PEDS of this donor's samples in the follow-ups of those who had no transplant.
    pub peds_placebo: Option<f64>,
    /// `peds` less that.
    pub peds_over_placebo: Option<f64>,
    /// Mean PPRS of those who had no transplant.
    pub pprs_placebo: Option<f64>,
    /// `pprs` less that: below 0 where more was lost than without a transplant.
    pub pprs_over_placebo: Option<f64>,
    /// Expected and seen, where a model was given.
    pub predicted: Option<PredictedCounts>,
    /// What became of each taxon of the three.
    pub taxa: Vec<TaxonChange>,
}

/// What became of a taxon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxonChange {
    /// The taxon.
    pub taxon: String,
    /// Gained, kept or lost.
    pub change: Change,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Detected after and in the donor, not before.
    GainedFromDonor,
    /// Detected after, neither before nor in the donor.
    Gained,
    /// Detected before and after.
    Kept,
    /// Detected before, not after.
    Lost,
}

/// What would be seen without the transplants of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// The trial.
    pub study: StudyId,
    /// Mismatched pairs of donor and follow-up.
    pub n_mismatched: usize,
    /// Their mean PEDS.
    pub peds_mismatched: Option<f64>,
    /// One test of all recipients' first follow-ups (Stouffer).
    pub global_p: Option<f64>,
    /// Those without a transplant that were followed up.
    pub n_placebo: usize,
    /// Their mean PPRS, each one's follow-ups averaged first.
    pub pprs_placebo: Option<f64>,
}

/// Transplants followed up. Research use only: associations, not effects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUpReport {
    /// One row a follow-up, by study, recipient and day.
    pub rows: Vec<FollowUpRow>,
    /// One a study.
    pub backgrounds: Vec<Background>,
    /// Reads that every sample was brought to; absent for relative abundances.
    pub depth: Option<u64>,
    /// Fraction below which a taxon counts as not detected.
    pub min_fraction: f64,
    /// Samples with fewer reads, whose rows are left out.
    pub too_shallow: Vec<SampleId>,
}

/// Columns of the table, in order.
pub const FOLLOW_UP_COLUMNS: [&str; 22] = [
    "study",
    "recipient_id",
    "donor_id",
    "baseline",
    "follow_up",
    "day",
    "n_baseline",
    "n_follow_up",
    "n_gained",
    "n_gained_from_donor",
    "n_kept",
    "n_lost",
    "peds",
    "pprs",
    "persistence",
    "peds_mismatched",
    "peds_over_mismatched",
    "p_value",
    "q_value",
    "peds_over_placebo",
    "pprs_placebo",
    "pprs_over_placebo",
];

impl FollowUpReport {
    /// One row a follow-up, with [`FOLLOW_UP_COLUMNS`], safe to open in a spreadsheet.
    ///
    /// # Errors
    /// [`Error::Table`] only if the text could not be formed.
    pub fn to_tsv(&self) -> Result<String> {
        rows_as_tsv(&FOLLOW_UP_COLUMNS, &self.rows).map_err(|error| Error::table(error.to_string()))
    }

    /// How many were followed up and what was found, in a line.
    pub fn verdict(&self) -> String {
        let mut recipients: Vec<_> = self
            .rows
            .iter()
            .map(|row| (&row.study, &row.recipient_id))
            .collect();
        recipients.dedup();
        let n_rows = self.rows.len();
        let mean =
            |of: fn(&FollowUpRow) -> f64| self.rows.iter().map(of).sum::<f64>() / n_rows as f64;
        let mut text = format!(
            "{n_rows} follow-ups of {} recipients: mean PEDS {:.3}, PPRS {:.3}",
            recipients.len(),
            mean(|row| row.peds),
            mean(|row| row.pprs)
        );
        for one in &self.backgrounds {
            if let (Some(peds), Some(p)) = (one.peds_mismatched, one.global_p) {
                let study = match one.study.as_str() {
                    UNNAMED_STUDY => String::new(),
                    study => format!(" of {study}"),
                };
                let _ = write!(text, "; mismatched pairs{study} {peds:.3} (p {p:.3})");
            }
        }
        text
    }

    /// Everything as JSON.
    ///
    /// # Errors
    /// [`Error::Table`] only if the text could not be formed.
    pub fn to_json(&self) -> Result<String> {
        json_with_notice(self)
    }
}
