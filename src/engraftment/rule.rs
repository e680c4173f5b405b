//! Rules that need no learning: the comparators of the engraftment model.

use serde::{Deserialize, Serialize};

use super::pair::PairProfile;

/// A rule that orders the taxa of a pair by how likely they are to be present after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NaiveRule {
    /// The abundance in the donor.
    DonorOnly,
    /// The abundance in the recipient before.
    RecipientOnly,
    /// The larger of the two.
    Maximum,
    /// Their mean.
    Mean,
}

impl NaiveRule {
    /// All rules, in the order of the report.
    pub const ALL: [Self; 4] = [
        Self::DonorOnly,
        Self::RecipientOnly,
        Self::Maximum,
        Self::Mean,
    ];

    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DonorOnly => "donor_only",
            Self::RecipientOnly => "recipient_only",
            Self::Maximum => "maximum",
            Self::Mean => "mean",
        }
    }

    /// The score of each taxon of the pair; only its order means something.
    pub fn scores(self, pair: &PairProfile) -> Vec<f64> {
        let score = |(&donor, &recipient): (&f64, &f64)| match self {
            Self::DonorOnly => donor,
            Self::RecipientOnly => recipient,
            Self::Maximum => donor.max(recipient),
            Self::Mean => f64::midpoint(donor, recipient),
        };
        pair.donor.iter().zip(&pair.recipient).map(score).collect()
    }
}
