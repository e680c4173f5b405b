//! More draws for the recipients whose verdicts hang on them.

use rayon::prelude::*;

use super::draws::Share;
use super::prefilter::StandsFor;
use super::verdict::is_open;
use super::{RankedRecipient, RankingJob, RankingParams};
use crate::cohort::TreatmentContext;
use crate::matcher::{PairPrediction, PredictParams};
use crate::numeric::random::{address, derive};
use crate::{Error, Result};

/// Donors × draws of a recipient at most: about a second of one core.
const MAX_CELLS: usize = 1 << 18;

/// Donors × draws that are held at a time: about 100 MB.
const CELLS_AT_ONCE: usize = 1 << 21;

/// Draws that are worked out together at most, so that the random numbers of all taxa stay small.
const DRAWS_AT_ONCE: usize = 1600;

impl RankingJob<'_> {
    /// Ranks the recipients of the table from row `first` on, whose pairs these are; doubles the
    /// draws of each until no verdict hangs on them or there may be no more.
    ///
    /// The draws of a recipient depend on nothing but the seed and their number, so that neither
    /// the other recipients nor how many are ranked at a time can change a result.
    pub(super) fn rank_surely(
        &self,
        first: usize,
        pairs: Vec<PairPrediction>,
        stands_for: &StandsFor,
    ) -> Result<Vec<RankedRecipient>> {
        let mut ranked = self.params.rank_recipients(&pairs, stands_for)?;
        let n_donors = ranked.first().map_or(1, |one| one.summary.n_donors.max(1));
        let most = self.params.max_draws.min(MAX_CELLS / n_donors);
        let mut rest = pairs.into_iter();
        let mut waiting: Vec<Recipient> = ranked
            .iter()
            .enumerate()
            .map(|(at, one)| Recipient {
                at,
                pairs: rest.by_ref().take(one.summary.n_donors).collect(),
            })
            .collect();
        waiting.retain(|one| self.params.hangs_on_draws(&ranked[one.at], most));
        let at_once = (CELLS_AT_ONCE / (n_donors * most.max(1))).max(1);
        while !waiting.is_empty() {
            let mut some: Vec<Recipient> = waiting.drain(..at_once.min(waiting.len())).collect();
            let mut schedule = Schedule::new(self.predict);
            while !some.is_empty() {
                schedule.double(|params| self.add(first, params, &mut some))?;
                let again = some.par_iter().map(|one| {
                    let again = self.params.rank_recipients(&one.pairs, stands_for)?;
                    Ok((one.at, again))
                });
                for (at, again) in again.collect::<Result<Vec<_>>>()? {
                    ranked.splice(at..=at, again);
                }
                some.retain(|one| self.params.hangs_on_draws(&ranked[one.at], most));
            }
        }
        Ok(ranked)
    }

    /// Adds the draws of these params to all pairs of some recipients.
    fn add(&self, first: usize, params: &PredictParams, some: &mut [Recipient]) -> Result<()> {
        let rows: Vec<usize> = some.iter().map(|one| first + one.at).collect();
        let recipients = self.recipients.select(&rows)?;
        let contexts: Vec<TreatmentContext> = rows.iter().map(|&row| self.contexts[row]).collect();
        let mut more = self
            .matcher
            .predict(self.donors, &recipients, &contexts, params)?
            .into_iter();
        for pair in some.iter_mut().flat_map(|one| &mut one.pairs) {
            if let Some(more) = more.next() {
                append(pair, more);
            }
        }
        Ok(())
    }
}

impl RankingParams {
    /// Whether twice as many draws are allowed and could change a verdict.
    fn hangs_on_draws(&self, ranked: &RankedRecipient, most: usize) -> bool {
        let n_draws = ranked.summary.n_draws;
        let left = most as f64 / n_draws as f64;
        let mut judged = ranked
            .rows
            .iter()
            .filter(|row| row.is_eligible() && row.in_domain);
        ranked.summary.reason.is_empty()
            && left >= 2.0
            && judged.any(|row| {
                let share = Share {
                    value: row.p_better_than_random,
                    se: row.p_better_than_random_se,
                };
                is_open(share, self.prefer_above, left)
            })
    }
}

/// A recipient that waits for draws.
struct Recipient {
    /// Its place among the recipients that are ranked together.
    at: usize,
    pairs: Vec<PairPrediction>,
}

/// Which draws come after those of the seed itself: blocks of seeds derived from it, of nearly
/// equal size.
struct Schedule {
    params: PredictParams,
    seed: u64,
    n_draws: usize,
    n_blocks: u64,
}

impl Schedule {
    fn new(params: &PredictParams) -> Self {
        Self {
            params: params.clone(),
            seed: derive(params.seed, address("more draws")),
            n_draws: params.n_draws as usize,
            n_blocks: 0,
        }
    }

    /// As many draws again as there are.
    fn double(&mut self, mut draw: impl FnMut(&PredictParams) -> Result<()>) -> Result<()> {
        let wanted = 2 * self.n_draws;
        while self.n_draws < wanted {
            let left = wanted - self.n_draws;
            let n_more = left.div_ceil(left.div_ceil(DRAWS_AT_ONCE));
            self.params.seed = derive(self.seed, self.n_blocks);
            self.params.n_draws = u32::try_from(n_more)
                .map_err(|_| Error::parameter("max_draws", format!("{n_more} at a time")))?;
            draw(&self.params)?;
            (self.n_draws, self.n_blocks) = (self.n_draws + n_more, self.n_blocks + 1);
        }
        Ok(())
    }
}

/// Adds the draws of the same pair; what is a mean over draws becomes one over all of them.
fn append(pair: &mut PairPrediction, more: PairPrediction) {
    let (n, n_more) = (pair.p_response.len(), more.p_response.len());
    let share = n_more as f64 / (n + n_more) as f64;
    let joined = |mean: f64, more: f64| mean + share * (more - mean);
    pair.p_severe_irae_exploratory = pair
        .p_severe_irae_exploratory
        .zip(more.p_severe_irae_exploratory)
        .map(|(mean, more)| joined(mean, more));
    pair.p_response.extend(more.p_response);
    pair.p_severe_irae.extend(more.p_severe_irae);
    pair.p_myocarditis.extend(more.p_myocarditis);
    pair.p_response_baseline.extend(more.p_response_baseline);
    pair.n_gained.extend(more.n_gained);
    pair.n_kept.extend(more.n_kept);
    pair.n_lost.extend(more.n_lost);
}
