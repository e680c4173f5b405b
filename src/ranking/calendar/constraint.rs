//! The constraints of a calendar, each by its name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cohort::screening::Day;
use crate::profile::{SampleId, SubjectId};

/// One thing that a calendar must keep to; what conflicts is told as a list of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "constraint", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Constraint {
    /// The recipient must be served.
    Served {
        /// Who.
        recipient_id: SampleId,
    },
    /// The recipient's days.
    Window {
        /// Whose.
        recipient_id: SampleId,
    },
    /// The recipient's arm.
    Arm {
        /// Whose.
        recipient_id: SampleId,
    },
    /// The days on which a batch can be given.
    Dates {
        /// The batch.
        batch_id: String,
    },
    /// The doses that a batch holds.
    Doses {
        /// The batch.
        batch_id: String,
    },
    /// A room makes one batch a day.
    Room {
        /// The room.
        room: String,
        /// The day.
        day: Day,
    },
    /// A donor gives one batch a day.
    DonorDay {
        /// The donor.
        donor_id: SubjectId,
        /// The day.
        day: Day,
    },
    /// The transplants that a donor can give over all batches.
    Capacity {
        /// The donor.
        donor_id: SubjectId,
    },
    /// A pair that must not be.
    Forbidden {
        /// The donor.
        donor_id: SubjectId,
        /// The recipient.
        recipient_id: SampleId,
    },
    /// A pair that is decided.
    Locked {
        /// The donor.
        donor_id: SubjectId,
        /// The recipient.
        recipient_id: SampleId,
    },
    /// How many recipients of a block one donor may serve.
    MaxPerBlock {
        /// The block.
        block: String,
    },
    /// The lowest utility of a pair.
    MinUtility,
    /// The spread of mean utility between subgroups.
    MaxUtilitySpread,
    /// The spread of the share served between subgroups.
    MaxServedSpread,
    /// The cost of all doses and screenings.
    MaxCost,
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Served { recipient_id } => write!(f, "recipient `{recipient_id}` is served"),
            Self::Window { recipient_id } => {
                write!(f, "the days of recipient `{recipient_id}`")
            }
            Self::Arm { recipient_id } => write!(f, "the arm of recipient `{recipient_id}`"),
            Self::Dates { batch_id } => write!(f, "the dates of batch `{batch_id}`"),
            Self::Doses { batch_id } => write!(f, "the doses of batch `{batch_id}`"),
            Self::Room { room, day } => write!(f, "one batch in room `{room}` on {day}"),
            Self::DonorDay { donor_id, day } => {
                write!(f, "one batch of donor `{donor_id}` on {day}")
            }
            Self::Capacity { donor_id } => write!(f, "the capacity of donor `{donor_id}`"),
            Self::Forbidden {
                donor_id,
                recipient_id,
            } => write!(
                f,
                "donor `{donor_id}` forbidden for recipient `{recipient_id}`"
            ),
            Self::Locked {
                donor_id,
                recipient_id,
            } => write!(f, "donor `{donor_id}` locked to recipient `{recipient_id}`"),
            Self::MaxPerBlock { block } => {
                write!(f, "`max_per_block` in block `{block}`")
            }
            Self::MinUtility => f.write_str("`min_utility`"),
            Self::MaxUtilitySpread => f.write_str("`max_utility_spread`"),
            Self::MaxServedSpread => f.write_str("`max_served_spread`"),
            Self::MaxCost => f.write_str("`max_cost`"),
        }
    }
}
