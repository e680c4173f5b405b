//! Tables as people have them → a ranking: harmonize, predict, rank, in one call for every door.

use serde::{Deserialize, Serialize};

use super::{Ranking, RankingJob, RankingParams};
use crate::cohort::{Donors, TreatmentContext};
use crate::matcher::{Matcher, PredictParams};
use crate::profile::ProfileTable;
use crate::taxonomy::{HarmonizationReport, HarmonizeParams, Target, harmonize};
use crate::{Error, Result};

/// A ranking, and what became of the names of both tables on the way to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankedDonors {
    /// The donors of every recipient in order.
    pub ranking: Ranking,
    /// What harmonization did to the donors.
    pub donors: HarmonizationReport,
    /// What harmonization did to the recipients.
    pub recipients: HarmonizationReport,
}

/// Ranks every donor for every recipient: brings both tables into the matcher's vocabulary,
/// predicts each transplant and its result, and orders the donors.
///
/// `contexts` holds one entry a recipient, in the order of the table. For tables in memory, from
/// Rust or Python; the command line harmonizes file by file, to name the file in a note.
///
/// # Errors
/// Those of [`harmonize`], [`Matcher::predict`] and [`RankingParams::rank`].
pub fn rank_donors(
    matcher: &Matcher,
    donors: &Donors,
    recipients: &ProfileTable,
    contexts: &[TreatmentContext],
    predict: &PredictParams,
    params: &RankingParams,
) -> Result<RankedDonors> {
    params.check()?;
    let target = HarmonizeParams::new(target_of(matcher)?);
    let (profiles, donors_report) = harmonize(donors.profiles(), &target)?;
    let donors = donors.with_profiles(profiles)?;
    let (recipients, recipients_report) = harmonize(recipients, &target)?;
    Ok(RankedDonors {
        ranking: rank_harmonized(matcher, &donors, &recipients, contexts, predict, params)?,
        donors: donors_report,
        recipients: recipients_report,
    })
}

/// The same for tables that are in the matcher's vocabulary.
///
/// A recipient with a donor whose verdict hangs on the draws gets more of them, up to
/// [`RankingParams::max_draws`]. Of the draws, only those of some recipients are held at a time, so
/// that a million pairs need little more memory than their rows of the ranking; see [`RankingJob`] where those are too many.
///
/// # Errors
/// Those of [`Matcher::predict`] and [`RankingParams::rank`].
pub fn rank_harmonized(
    matcher: &Matcher,
    donors: &Donors,
    recipients: &ProfileTable,
    contexts: &[TreatmentContext],
    predict: &PredictParams,
    params: &RankingParams,
) -> Result<Ranking> {
    let job = RankingJob {
        matcher,
        donors,
        recipients,
        contexts,
        predict,
        params,
    };
    job.rank()
}

/// The rank whose vocabulary the matcher speaks: what tables are to be harmonized to for it.
///
/// # Errors
/// [`Error::ModelFile`] where this version does not know that vocabulary.
pub fn target_of(matcher: &Matcher) -> Result<Target> {
    [Target::Species, Target::Genus]
        .into_iter()
        .find(|target| target.vocabulary() == *matcher.vocabulary())
        .ok_or_else(|| {
            Error::model_file(format!(
                "the matcher speaks of `{}`, which this version cannot harmonize to",
                matcher.vocabulary()
            ))
        })
}
