//! A ranking worked out some recipients at a time, whose rows go elsewhere.

use std::borrow::Cow;
use std::ops::Range;

use super::agreement::DonorOrders;
use super::gate::Gate;
use super::prefilter::StandsFor;
use super::{RankedRecipient, Ranking, RankingParams};
use crate::cohort::{Donors, TreatmentContext};
use crate::matcher::{Matcher, PairPrediction, PredictParams};
use crate::memory;
use crate::profile::ProfileTable;
use crate::{Error, Result};

/// What draws of pairs may take before they are ranked, so that threads have recipients to share.
const PENDING_BYTES: usize = 64 << 20;

/// What a row of a ranking and its standing take, ids included, about.
const BYTES_A_ROW: u128 = 800;

/// What is to be ranked, and how; both tables are in the matcher's vocabulary.
///
/// # Examples
/// ```
/// use donormatch::matcher::{Matcher, PredictParams};
/// use donormatch::ranking::{DonorOrders, RankingJob, RankingParams};
/// use donormatch::taxonomy::{HarmonizeParams, harmonize};
/// use donormatch::trial::SimulationParams;
///
/// # if !Matcher::has_bundled() { return Ok(()); }
/// let cohort = SimulationParams::default().simulate()?;
/// let job = RankingJob {
///     matcher: &Matcher::bundled()?,
///     donors: &harmonize(&cohort.donors, &HarmonizeParams::default())?.0.into(),
///     recipients: &harmonize(&cohort.recipients, &HarmonizeParams::default())?.0,
///     contexts: &cohort.contexts,
///     predict: &PredictParams::default(),
///     params: &RankingParams { top: Some(2), ..RankingParams::default() },
/// };
/// let mut orders = DonorOrders::default();
/// job.rank_rows(0..3, &mut orders, |recipient| {
///     assert_eq!(recipient.rows.len(), 2);
///     Ok(())
/// })?;
/// assert!(orders.agreement().is_some());
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RankingJob<'a> {
    /// What predicts the pairs.
    pub matcher: &'a Matcher,
    /// The donors with their profiles.
    pub donors: &'a Donors,
    /// Profiles of the recipients before the transplant.
    pub recipients: &'a ProfileTable,
    /// How each recipient is treated, in the order of their table.
    pub contexts: &'a [TreatmentContext],
    /// How to predict.
    pub predict: &'a PredictParams,
    /// How to rank.
    pub params: &'a RankingParams,
}

impl RankingJob<'_> {
    /// Pairs that are ranked, whether or not their rows are kept.
    pub fn n_pairs(&self) -> u64 {
        self.donors.n_donors() as u64 * self.recipients.n_samples() as u64
    }

    /// The places of the donors that screening lets through: those that a random eligible donor is
    /// drawn from.
    pub(crate) fn eligible_donors(&self) -> Vec<usize> {
        let gate = Gate::new(self.params.screening.as_ref());
        let ids = self.donors.ids().iter().enumerate();
        let eligible = ids.filter(|(_, id)| gate.objection_to(id).is_none());
        eligible.map(|(place, _)| place).collect()
    }

    /// All recipients, in memory.
    ///
    /// # Errors
    /// Those of [`Matcher::predict`] and [`RankingParams::rank`].
    pub fn rank(&self) -> Result<Ranking> {
        self.rank_telling(|_| ())
    }

    /// The same; `told` hears of each recipient that is done.
    ///
    /// # Errors
    /// As [`RankingJob::rank`].
    pub fn rank_telling(&self, mut told: impl FnMut(&RankedRecipient)) -> Result<Ranking> {
        let n_shown = self
            .params
            .top
            .unwrap_or(usize::MAX)
            .min(self.donors.n_donors());
        let n_rows = n_shown as u128 * self.recipients.n_samples() as u128;
        memory::check("the ranking", n_rows, BYTES_A_ROW)?;
        let mut ranked = Vec::with_capacity(self.recipients.n_samples());
        let mut orders = DonorOrders::default();
        let prefilter = self.rank_all(&mut orders, |recipient| {
            told(&recipient);
            ranked.push(recipient);
            Ok(())
        })?;
        self.params.assemble(ranked, &orders, prefilter)
    }

    /// The recipients of these rows of their table, one by one in order; they are the same to the
    /// bit whatever the rows asked for at a time. Those with a donor whose verdict hangs on the draws
    /// get more of them, up to [`RankingParams::max_draws`]. Of the draws, only those of some recipients are
    /// held, so memory does not grow with the number of pairs.
    ///
    /// `orders` learns the order of all donors of each recipient: four bytes a pair.
    ///
    /// # Errors
    /// Those of [`Matcher::predict`] and [`RankingParams::rank`]; those of `visit`, which end it.
    /// [`Error::Table`] where there are not as many recipients, or nobody to rank.
    pub fn rank_rows(
        &self,
        rows: Range<usize>,
        orders: &mut DonorOrders,
        visit: impl FnMut(RankedRecipient) -> Result<()>,
    ) -> Result<()> {
        if self.params.prefilter.is_some() {
            let message = "needs all recipients at once, in memory or in a file";
            return Err(Error::parameter("prefilter", message));
        }
        self.rank_standing(rows, &StandsFor::default(), orders, visit)
    }

    /// The same; a donor may stand for more than itself in what a random one comes to.
    pub(super) fn rank_standing(
        &self,
        rows: Range<usize>,
        stands_for: &StandsFor,
        orders: &mut DonorOrders,
        mut visit: impl FnMut(RankedRecipient) -> Result<()>,
    ) -> Result<()> {
        self.params.check()?;
        let (recipients, contexts) = self.part(rows)?;
        let mut pending = Pending::default();
        let part = RankingJob {
            recipients: &recipients,
            contexts,
            ..*self
        };
        let mut first = 0;
        let mut flush = |pairs: Vec<PairPrediction>| -> Result<()> {
            let ranked = part.rank_surely(first, pairs, stands_for)?;
            first += ranked.len();
            for mut recipient in ranked {
                orders.push(recipient.order());
                recipient.keep(self.params.top);
                visit(recipient)?;
            }
            Ok(())
        };
        let donors = self.donors;
        self.matcher.predict_by_recipient(
            donors,
            &recipients,
            contexts,
            self.predict,
            |pairs| {
                pending.push(pairs);
                if pending.is_enough() {
                    flush(pending.take())?;
                }
                Ok(())
            },
        )?;
        flush(pending.take())
    }

    /// The profiles and contexts of some recipients.
    fn part(&self, rows: Range<usize>) -> Result<(Cow<'_, ProfileTable>, &[TreatmentContext])> {
        let n_recipients = self.recipients.n_samples();
        if self.contexts.len() != n_recipients {
            return Err(Error::table(format!(
                "{} treatment contexts for {n_recipients} recipients",
                self.contexts.len()
            )));
        }
        let Some(contexts) = self.contexts.get(rows.clone()) else {
            return Err(Error::table(format!(
                "recipients {} to {} were asked for, of {n_recipients}",
                rows.start, rows.end
            )));
        };
        if contexts.is_empty() || self.donors.n_donors() == 0 {
            return Err(Error::table(super::order::NOTHING_TO_RANK));
        }
        if contexts.len() == n_recipients {
            return Ok((Cow::Borrowed(self.recipients), contexts));
        }
        let rows: Vec<usize> = rows.collect();
        Ok((Cow::Owned(self.recipients.select(&rows)?), contexts))
    }
}

/// Pairs that were predicted and are not ranked yet.
#[derive(Default)]
struct Pending {
    pairs: Vec<PairPrediction>,
    n_recipients: usize,
    n_bytes: usize,
}

impl Pending {
    /// Takes all pairs of one or more recipients.
    fn push(&mut self, pairs: Vec<PairPrediction>) {
        let is_other = |pair: &[PairPrediction]| pair[0].recipient_id != pair[1].recipient_id;
        self.n_recipients += 1 + pairs.windows(2).filter(|pair| is_other(pair)).count();
        // Three numbers a draw, twice as much again while they are ranked.
        let of_pair = |pair: &PairPrediction| 72 * pair.p_response.len();
        self.n_bytes += pairs.iter().map(of_pair).sum::<usize>();
        self.pairs.extend(pairs);
    }

    fn is_enough(&self) -> bool {
        self.n_recipients >= rayon::current_num_threads() || self.n_bytes >= PENDING_BYTES
    }

    fn take(&mut self) -> Vec<PairPrediction> {
        std::mem::take(self).pairs
    }
}
