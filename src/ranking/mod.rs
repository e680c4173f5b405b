//! Probabilities → donors in order, with uncertainty, Pareto front and assignment.
//!
//! 1. [`RankingParams`] + [`PairPrediction`](crate::matcher::PairPrediction)s → [`Ranking`]: what
//!    each donor gains over a random eligible one, minus weighted toxicity, draw by draw, and the
//!    [`Verdict`] that follows. [`rank_donors`] draws on until no verdict hangs on the draws.
//! 2. [`RecipientSummary`]: whom to prefer and to avoid, tiers, rank intervals, regret, Pareto
//!    front, other weights; [`donor_order_agreement`]: whether everyone gets the same order.
//! 3. [`AssignmentParams`] + [`Ranking`] → [`Assignment`]: many recipients, limited donors.
//!    [`CalendarParams`] + [`Batch`]es → [`Calendar`]: the same by days, doses and rooms.
//! 4. [`RankingJob`]: the same some recipients at a time, for more pairs than memory holds;
//!    [`RankingJob::write`] puts them into a file as they are ready; [`RankingJob::rank_part`] and
//!    [`RankingJob::join`] do it on several machines.
//! 5. [`Ranking::to_tsv`], [`Ranking::to_json`], [`Ranking::to_text`]: for machines and for reading.

mod agreement;
mod assignment;
mod calendar;
mod check;
mod donors;
mod draws;
mod file;
mod flow;
mod front;
mod gate;
mod job;
mod order;
mod order_by;
mod params;
#[cfg(feature = "containers")]
mod parquet;
mod part;
mod pilots;
mod precision;
mod prefilter;
mod recipient;
mod result;
mod scored;
mod table;
pub(crate) mod text;
mod utilities;
mod verdict;

pub use agreement::{DonorOrders, donor_order_agreement};
pub use assignment::{AssignedPair, Assignment, AssignmentParams, Coverage, DonorUse, PairUtility};
pub use calendar::{
    Alternative, Batch, BatchUse, Calendar, CalendarParams, ChangedPair, Constraint, Prices,
    RecipientWindow, SubgroupShare, TRANSPLANT_COLUMNS, Transplant, read_batches, read_windows,
};
pub use donors::{RankedDonors, rank_donors, rank_harmonized, target_of};
pub use file::WrittenRanking;
pub use job::RankingJob;
pub use order_by::{OrderBy, OrderCase};
pub use params::{RankingParams, Weights};
pub use part::{ChosenDonors, RankedPart};
pub use prefilter::{PrefilterParams, Prefiltered};
pub use recipient::RankedRecipient;
pub use result::{
    DonorStanding, NOT_ELIGIBLE, Ranking, RankingRow, RecipientSummary, Regret, WeightCase,
};
pub use table::{COLUMNS, Column, columns};
pub use text::{RESEARCH_USE, same_order_warning};
pub use utilities::RankedUtilities;
pub use verdict::{Term, Verdict};

#[cfg(test)]
mod assignment_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
pub(crate) mod synthetic;
