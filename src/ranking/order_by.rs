//! Orders of donors by something else than the utility: what the order hangs on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::SubjectId;

/// What donors are put in order by, in place of the utility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderBy {
    /// Depletion only: the expected number of the recipient's deleterious taxa lost.
    Depletion,
    /// Engraftment only: the expected number of taxa gained.
    Engraftment,
    /// Diversity only: the expected number of taxa after the transplant, gained and kept.
    Diversity,
    /// Flat evidence: the utility as if type of donor and own record said of every donor what they
    /// say of a random one, so that of the response only the microbiome tells donors apart.
    FlatEvidence,
}

impl OrderBy {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Depletion,
        Self::Engraftment,
        Self::Diversity,
        Self::FlatEvidence,
    ];

    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Depletion => "depletion",
            Self::Engraftment => "engraftment",
            Self::Diversity => "diversity",
            Self::FlatEvidence => "flat_evidence",
        }
    }
}

impl fmt::Display for OrderBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The eligible donors of a recipient put in order by something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderCase {
    /// By what.
    pub by: OrderBy,
    /// Who comes first then, of equals by id; absent where all are equal.
    pub first_donor: Option<SubjectId>,
    /// Kendall τ with the order by utility; absent with fewer than two donors or where all are
    /// equal.
    pub agreement: Option<f64>,
}
