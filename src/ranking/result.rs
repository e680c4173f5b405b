//! What a ranking holds: one row per pair, one summary per recipient.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::order_by::OrderCase;
use super::prefilter::Prefiltered;
use super::verdict::{Term, Verdict};
use super::{RankingParams, Weights};
use crate::profile::{SampleId, SubjectId};
use crate::{Error, Result};

/// One donor for one recipient: a row of the table that all doors return.
///
/// A probability without suffix is the mean over the draws; `_lo` and `_hi` are quantiles at
/// [`RankingParams::level`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingRow {
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// The donor.
    pub donor_id: SubjectId,
    /// Place by mean utility, from 1; donors that may not be ranked come last.
    pub rank: usize,
    /// What may be said of this donor against a random eligible one.
    pub verdict: Verdict,
    /// The term of the utility that adds most to a `prefer` or `avoid`, by the means; absent
    /// otherwise.
    pub carried_by: Option<Term>,
    /// Probability of objective response after this transplant.
    pub p_response: f64,
    /// Lower end of its interval.
    pub p_response_lo: f64,
    /// Upper end of its interval.
    pub p_response_hi: f64,
    /// Probability of objective response from the recipient's own baseline, without transplant.
    pub p_response_baseline: f64,
    /// Lower end of its interval.
    pub p_response_baseline_lo: f64,
    /// Upper end of its interval.
    pub p_response_baseline_hi: f64,
    /// Probability of a severe (grade 3 or more) immune-related adverse event.
    pub p_severe_irae: f64,
    /// Lower end of its interval.
    pub p_severe_irae_lo: f64,
    /// Upper end of its interval.
    pub p_severe_irae_hi: f64,
    /// Probability of myocarditis.
    pub p_myocarditis: f64,
    /// Lower end of its interval.
    pub p_myocarditis_lo: f64,
    /// Upper end of its interval.
    pub p_myocarditis_hi: f64,
    /// `p_response` minus the mean of all eligible donors: the gain over a random one of them.
    pub delta_response: f64,
    /// `p_severe_irae` minus the mean of all eligible donors.
    pub delta_severe_irae: f64,
    /// `p_myocarditis` minus the mean of all eligible donors.
    pub delta_myocarditis: f64,
    /// Weighted gain minus weighted toxicity, see [`Weights`]; 0 is a random eligible donor.
    pub utility: f64,
    /// Share of draws in which this donor has the highest utility of the eligible ones.
    pub p_best: f64,
    /// Share of draws in which its utility lies above the mean of the eligible donors.
    pub p_better_than_random: f64,
    /// Standard error of that share, because the draws are finitely many.
    pub p_better_than_random_se: f64,
    /// Transplants of the donor in the matcher's own trial so far.
    pub n_transplants: u32,
    /// Responders among them.
    pub n_responders: u32,
    /// Mean of what the donor's record adds to the log-odds of response.
    pub donor_effect: f64,
    /// Lower end of its 90 % interval.
    pub donor_effect_lo: f64,
    /// Upper end of its 90 % interval.
    pub donor_effect_hi: f64,
    /// Number of taxa gained: absent in the recipient before, present after.
    pub n_gained: f64,
    /// Lower end of its interval: what one transplant may do, not the mean of many.
    pub n_gained_lo: f64,
    /// Upper end of its interval.
    pub n_gained_hi: f64,
    /// Number of the recipient's taxa kept.
    pub n_kept: f64,
    /// Lower end of its interval: what one transplant may do, not the mean of many.
    pub n_kept_lo: f64,
    /// Upper end of its interval.
    pub n_kept_hi: f64,
    /// Number of the recipient's taxa lost.
    pub n_lost: f64,
    /// Lower end of its interval: what one transplant may do, not the mean of many.
    pub n_lost_lo: f64,
    /// Upper end of its interval.
    pub n_lost_hi: f64,
    /// Expected number of the recipient's deleterious taxa lost.
    pub deleterious_lost: f64,
    /// Fraction of Prevotellaceae in the donor, where its profile was read. Carriage by itself moves
    /// no figure; what lies above the median of the training patients counts as richness.
    pub donor_prevotellaceae: Option<f64>,
    /// Warnings in words of a fixed list; `not_eligible` stands first for a donor that may not be
    /// ranked.
    pub flags: Vec<String>,
    /// Whether both profiles lie inside what the models know.
    pub in_domain: bool,
    /// Why the verdict is `abstain`, or why there is no other, in plain words; often empty.
    pub reason: String,
}

/// Whether a share, where there is one, lies from 0 to 1.
fn is_share(share: Option<f64>) -> bool {
    share.is_none_or(|share| (0.0..=1.0).contains(&share))
}

impl DonorStanding {
    fn numbers_are_sound(&self) -> bool {
        self.expected_regret.is_finite()
            && is_share(Some(self.p_on_front))
            && is_share(self.p_severe_irae_exploratory)
    }
}

impl RankingRow {
    fn is_sound(&self) -> bool {
        let probabilities = [
            self.p_response,
            self.p_response_lo,
            self.p_response_hi,
            self.p_response_baseline,
            self.p_response_baseline_lo,
            self.p_response_baseline_hi,
            self.p_severe_irae,
            self.p_severe_irae_lo,
            self.p_severe_irae_hi,
            self.p_myocarditis,
            self.p_myocarditis_lo,
            self.p_myocarditis_hi,
            self.p_best,
            self.p_better_than_random,
            self.p_better_than_random_se,
        ];
        let numbers = [
            self.delta_response,
            self.delta_severe_irae,
            self.delta_myocarditis,
            self.utility,
            self.donor_effect,
            self.donor_effect_lo,
            self.donor_effect_hi,
            self.n_gained,
            self.n_gained_lo,
            self.n_gained_hi,
            self.n_kept,
            self.n_kept_lo,
            self.n_kept_hi,
            self.n_lost,
            self.n_lost_lo,
            self.n_lost_hi,
            self.deleterious_lost,
        ];
        self.rank >= 1
            && probabilities.map(Some).into_iter().all(is_share)
            && numbers.iter().all(|number| number.is_finite())
            && is_share(self.donor_prevotellaceae)
    }

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
    /// The donor.
    pub donor_id: SubjectId,
    /// Best place. The intervals of all donors of a recipient hold together at
    /// [`RankingParams::level`]: the chance that any of them misses is 1 − level.
    pub rank_lo: usize,
    /// Worst place.
    pub rank_hi: usize,
    /// Mean over draws of the best donor's utility minus this one's: what taking this donor is
    /// expected to cost against knowing the truth.
    pub expected_regret: f64,
    /// Tiers, from 1, are told apart: the chance that any donor of any tier truly stands among
    /// those of another is at most 1 − [`RankingParams::level`].
    pub tier: usize,
    /// Whether no other donor has a response as high and a severe toxicity as low, one of them
    /// better, by the means.
    pub on_front: bool,
    /// Share of draws in which this donor lies on that Pareto front.
    pub p_on_front: f64,
    /// Severe toxicity by the exploratory boosted model; shown, never ranked on.
    pub p_severe_irae_exploratory: Option<f64>,
}

/// What a choice is expected to cost against knowing the truth: a mean over the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Regret {
    /// The highest utility of a draw minus that of the choice.
    pub utility: f64,
    /// The highest response of a draw minus that of the choice, in responses of 100 transplants.
    pub responses_per_100: f64,
}

/// Which donor comes first under other weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightCase {
    /// The weights tried.
    pub weights: Weights,
    /// The donor that then comes first.
    pub first_donor: SubjectId,
}

/// What the draws say about the order of one recipient's donors as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipientSummary {
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// Donors that were compared.
    pub n_donors: usize,
    /// Donors that took part in the ranking.
    pub n_eligible: usize,
    /// Draws behind every number.
    pub n_draws: usize,
    /// Donors by verdict, each in the order of the ranking: those better than a random eligible
    /// one.
    pub prefer: Vec<SubjectId>,
    /// Those worse.
    pub avoid: Vec<SubjectId>,
    /// Those of which neither can be said.
    pub no_preference: Vec<SubjectId>,
    /// Those of which nothing can be said.
    pub abstain: Vec<SubjectId>,
    /// What stands against a verdict on any donor, in plain words; empty where nothing does.
    pub reason: String,
    /// Share of draws in which the first donor beats the second; absent with fewer than two.
    pub p_first_beats_second: Option<f64>,
    /// What the first donor of the order is expected to cost against knowing the truth; absent
    /// without an eligible donor.
    pub regret_of_first: Option<Regret>,
    /// The same of a random eligible donor.
    pub regret_of_random: Option<Regret>,
    /// The eligible donors in the order of the ranking, as many as are shown.
    pub standings: Vec<DonorStanding>,
    /// The first donor when both toxicity weights are multiplied by 0, ½, 1 and 2, each with each.
    pub weight_cases: Vec<WeightCase>,
    /// The eligible donors in order by depletion, engraftment or diversity alone and under flat
    /// evidence: what the order hangs on beside the weights.
    #[serde(default)]
    pub order_cases: Vec<OrderCase>,
    /// Share of [`RecipientSummary::weight_cases`] that put the same donor first as the ranking
    /// does; absent without an eligible donor.
    pub first_donor_stability: Option<f64>,
}

impl RecipientSummary {
    /// Whether any donor is to be preferred or avoided.
    pub fn has_verdict(&self) -> bool {
        !(self.prefer.is_empty() && self.avoid.is_empty())
    }

    /// The donors of each verdict.
    pub(crate) fn by_verdict(&self) -> [(Verdict, &[SubjectId]); 4] {
        [
            (Verdict::Prefer, &self.prefer),
            (Verdict::Avoid, &self.avoid),
            (Verdict::NoPreference, &self.no_preference),
            (Verdict::Abstain, &self.abstain),
        ]
    }

    /// Of the rows, which may be the first of more.
    fn verdicts_are_those_of(&self, rows: &[RankingRow]) -> bool {
        let sets = self.by_verdict();
        let n_donors: usize = sets.iter().map(|(_, donors)| donors.len()).sum();
        n_donors == self.n_donors
            && sets.into_iter().all(|(verdict, donors)| {
                let rows = rows.iter().filter(|row| row.verdict == verdict);
                let mut donors = donors.iter();
                rows.map(|row| &row.donor_id)
                    .all(|donor| donors.next() == Some(donor))
            })
    }

    fn regrets_are_sound(&self) -> bool {
        let regrets = [self.regret_of_first, self.regret_of_random];
        regrets.into_iter().flatten().all(|regret| {
            let numbers = [regret.utility, regret.responses_per_100];
            numbers.iter().all(|n| n.is_finite() && *n >= 0.0)
        })
    }
}

/// The donors of every recipient in order, with what is known about that order.
///
/// Recipients stand in the order in which they were first met, donors by rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// One row a pair; of each recipient as many as [`RankingParams::top`] says.
    pub rows: Vec<RankingRow>,
    /// One summary a recipient, in the order of the rows.
    pub summaries: Vec<RecipientSummary>,
    /// Mean Kendall τ between the donor orders of any two recipients, see
    /// [`donor_order_agreement`](super::donor_order_agreement).
    pub donor_order_agreement: Option<f64>,
    /// How it was ranked.
    pub params: RankingParams,
    /// Which donors were not drawn for whom, where [`RankingParams::prefilter`] asked for that.
    pub prefilter: Option<Prefiltered>,
}

impl Ranking {
    /// Checks a ranking that came from elsewhere: rows and summaries of the same recipients, donors
    /// that are there, probabilities from 0 to 1, settings in range.
    ///
    /// # Errors
    /// [`Error::Table`] naming the recipient that does not fit; those of [`RankingParams::check`].
    pub(crate) fn check(&self) -> Result<()> {
        self.params.check()?;
        let mut n_rows = 0;
        for (summary, rows) in self.by_recipient() {
            n_rows += rows.len();
            let donors: HashSet<&SubjectId> = rows.iter().map(|row| &row.donor_id).collect();
            let n_donors = summary.n_donors;
            let shown = |n: usize| self.params.top.map_or(n, |top| top.min(n));
            let counts = rows.len() == shown(n_donors)
                && summary.standings.len() == shown(summary.n_eligible)
                && summary.n_eligible <= n_donors
                && donors.len() == rows.len();
            let standings = summary.standings.iter().all(|standing| {
                donors.contains(&standing.donor_id)
                    && (1..=standing.rank_hi).contains(&standing.rank_lo)
                    && standing.rank_hi <= n_donors
                    && (1..=n_donors).contains(&standing.tier)
                    && standing.numbers_are_sound()
            });
            // Under other weights a donor may be first that is not shown.
            let is_there = |donor| rows.len() < n_donors || donors.contains(donor);
            let cases = summary
                .weight_cases
                .iter()
                .all(|case| is_there(&case.first_donor) && case.weights.check().is_ok());
            let others = summary.order_cases.iter().all(|case| {
                case.first_donor.as_ref().is_none_or(is_there)
                    && case.agreement.is_none_or(|tau| (-1.0..=1.0).contains(&tau))
            });
            let cases = cases && others;
            let sound = rows
                .iter()
                .all(|row| row.is_sound() && row.rank <= n_donors);
            let shares = [summary.p_first_beats_second, summary.first_donor_stability];
            let shares = shares.into_iter().all(is_share);
            let verdicts = summary.verdicts_are_those_of(rows) && summary.regrets_are_sound();
            if !(counts && standings && cases && sound && shares && verdicts) {
                return Err(Error::table(format!(
                    "the rows and the summary of recipient `{}` do not fit together",
                    summary.recipient_id
                )));
            }
        }
        if n_rows != self.rows.len() {
            return Err(Error::table(format!(
                "{} rows belong to no recipient of the summaries",
                self.rows.len() - n_rows
            )));
        }
        match self.donor_order_agreement {
            Some(tau) if !(-1.0..=1.0).contains(&tau) => Err(Error::table(format!(
                "the agreement of the orders of donors is {tau}"
            ))),
            _ => Ok(()),
        }
    }

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
