//! One recipient of a ranking by itself.

use super::result::{RankingRow, RecipientSummary};

/// The donors of one recipient in order, and what is known about that order.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedRecipient {
    /// One row a donor shown, by rank.
    pub rows: Vec<RankingRow>,
    /// What the draws say about the order of all donors; standings are those of the donors shown.
    pub summary: RecipientSummary,
}

impl RankedRecipient {
    /// The eligible donors, best first.
    pub(super) fn order(&self) -> impl Iterator<Item = &str> {
        let standings = self.summary.standings.iter();
        standings.map(|standing| standing.donor_id.as_str())
    }

    /// Shows the first donors only, where that is asked for.
    pub(super) fn keep(&mut self, top: Option<usize>) {
        if let Some(top) = top {
            self.rows.truncate(top);
            self.summary.standings.truncate(top);
        }
    }
}
