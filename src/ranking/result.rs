//! What a ranking holds: one row per pair, one summary per recipient.

use serde::{Deserialize, Serialize};

use super::{RankingParams, Weights};
use crate::profile::SampleId;

/// One donor for one recipient: a row of the table that all doors return.
///
/// A probability without suffix is the mean over the draws; `_lo` and `_hi` are quantiles at
/// [`RankingParams::level`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingRow {
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// The donor's sample.
    pub donor_id: SampleId,
    /// Place by mean utility, from 1; donors that may not be ranked come last.
    pub rank: usize,
    /// Probability of objective response after this transplant.
    pub p_response: f64,
    /// Lower end of its interval.
    pub p_response_lo: f64,
    /// Upper end of its interval.
    pub p_response_hi: f64,
    /// Probability of objective response from the recipient's own baseline, without transplant.
    pub p_response_baseline: f64,
    /// Probability of a severe (grade 3 or more) immune-related adverse event.
    pub p_severe_irae: f64,
    /// Lower end of its interval.
    pub p_severe_irae_lo: f64,
    /// Upper end of its interval.
    pub p_severe_irae_hi: f64,
    /// Probability of myocarditis.
    pub p_myocarditis: f64,
    /// `p_response` minus the mean of all eligible donors: the gain over a random one of them.
    pub delta_response: f64,
    /// Weighted gain minus weighted toxicity, see [`Weights`].
    pub utility: f64,
    /// Share of draws in which this donor has the highest utility of the eligible ones.
    pub p_best: f64,
    /// Share of draws in which its utility lies above the mean of the eligible donors.
    pub p_better_than_random: f64,
    /// Expected number of taxa gained.
    pub n_gained: f64,
    /// Expected number of the recipient's taxa kept.
    pub n_kept: f64,
    /// Expected number of the recipient's taxa lost.
    pub n_lost: f64,
    /// Expected number of the recipient's deleterious taxa lost.
    pub deleterious_lost: f64,
    /// Warnings in words of a fixed list; `not_eligible` stands first for a donor that may not be
    /// ranked.
    pub flags: Vec<String>,
    /// Whether both profiles lie inside what the models know.
    pub in_domain: bool,
    /// Whether nothing should be read into the place of this row.
    pub abstain: bool,
    /// Why not, in plain words; empty where `abstain` is false.
    pub reason: String,
}

impl RankingRow {
    /// Whether the donor took part in the ranking, or is only shown.
    pub fn is_eligible(&self) -> bool {
        !self.flags.iter().any(|flag| flag == NOT_ELIGIBLE)
    }

    /// The part of the reason that is not the recipient's as a whole, often empty.
    pub(crate) fn own_reason(&self, summary: &RecipientSummary) -> &str {
        self.reason
            .strip_suffix(summary.reason.as_str())
            .unwrap_or(&self.reason)
            .trim_end_matches("; ")
    }
}

/// The flag of a donor that screening does not let through.
pub const NOT_ELIGIBLE: &str = "not_eligible";

/// How sure the place of one eligible donor is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DonorStanding {
    /// The donor's sample.
    pub donor_id: SampleId,
    /// Best place at [`RankingParams::level`].
    pub rank_lo: usize,
    /// Worst place at [`RankingParams::level`].
    pub rank_hi: usize,
    /// Mean over draws of the best donor's utility minus this one's: what taking this donor is
    /// expected to cost against knowing the truth.
    pub expected_regret: f64,
    /// Donors of one tier cannot be told apart from its first; from 1.
    pub tier: usize,
    /// Whether no other donor has a response as high and a severe toxicity as low, one of them
    /// better, by the means.
    pub on_front: bool,
    /// Share of draws in which this donor lies on that Pareto front.
    pub p_on_front: f64,
    /// Severe toxicity by the exploratory boosted model; shown, never ranked on.
    pub p_severe_irae_exploratory: Option<f64>,
}

/// Which donor comes first under other weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightCase {
    /// The weights tried.
    pub weights: Weights,
    /// The donor that then comes first.
    pub first_donor: SampleId,
}

/// What the draws say about the order of one recipient's donors as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipientSummary {
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// Donors shown.
    pub n_donors: usize,
    /// Donors that took part in the ranking.
    pub n_eligible: usize,
    /// Draws behind every number.
    pub n_draws: usize,
    /// Share of draws in which the first donor beats the second; absent with fewer than two.
    pub p_first_beats_second: Option<f64>,
    /// Whether the order as a whole says nothing.
    pub abstain: bool,
    /// Why, in plain words; empty where `abstain` is false.
    pub reason: String,
    /// The eligible donors in the order of the ranking.
    pub standings: Vec<DonorStanding>,
    /// The first donor when both toxicity weights are multiplied by 0, ½, 1 and 2, each with each.
    pub weight_cases: Vec<WeightCase>,
    /// Share of [`RecipientSummary::weight_cases`] that put the same donor first as the ranking
    /// does; absent without an eligible donor.
    pub first_donor_stability: Option<f64>,
}

/// The donors of every recipient in order, with what is known about that order.
///
/// Recipients stand in the order in which they were first met, donors by rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// One row a pair.
    pub rows: Vec<RankingRow>,
    /// One summary a recipient, in the order of the rows.
    pub summaries: Vec<RecipientSummary>,
    /// Mean Kendall τ between the donor orders of any two recipients, see
    /// [`donor_order_agreement`](super::donor_order_agreement).
    pub donor_order_agreement: Option<f64>,
    /// How it was ranked.
    pub params: RankingParams,
}

impl Ranking {
    /// The rows of each recipient beside its summary, in order.
    pub fn by_recipient(&self) -> impl Iterator<Item = (&RecipientSummary, &[RankingRow])> {
        let mut rest = self.rows.as_slice();
        self.summaries.iter().map(move |summary| {
            let n = rest
                .iter()
                .take_while(|row| row.recipient_id == summary.recipient_id)
                .count();
            let (rows, after) = rest.split_at(n);
            rest = after;
            (summary, rows)
        })
    }

    /// The rows of one recipient, empty where it is unknown.
    pub fn rows_of(&self, recipient: &SampleId) -> Vec<&RankingRow> {
        self.rows
            .iter()
            .filter(|row| row.recipient_id == *recipient)
            .collect()
    }
}
