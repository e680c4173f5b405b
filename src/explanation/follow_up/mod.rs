//! After the transplant: what engrafted, stayed and was lost, against what would have been seen
//! without it, and against what was predicted.
//!
//! 1. All samples are brought to one depth, and every follow-up is observed: [`FollowUpRow`].
//! 2. Mismatched pairs of the same study, and a placebo arm where there is one, say how much of it
//!    would be seen without this donor: [`Background`].
//! 3. The engraftment model's prediction and its interval stand beside: [`PredictedCounts`].
//! 4. [`follow_up`] joins them into a [`FollowUpReport`].

mod background;
mod depth;
mod observe;
mod predicted;
mod report;
mod result;
mod untransplanted;

pub use report::{FollowUpParams, follow_up};
pub use result::{
    Background, Change, FOLLOW_UP_COLUMNS, FollowUpReport, FollowUpRow, PredictedCounts,
    TaxonChange,
};
pub use untransplanted::{Untransplanted, read_untransplanted};
