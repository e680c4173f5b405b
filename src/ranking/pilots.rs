//! The recipients for whom every donor is drawn, and what the others owe to them.

use std::collections::HashMap;

use super::agreement::DonorOrders;
use super::part::{ChosenDonors, RankedPart};
use super::prefilter::{PrefilterParams, Prefiltered, StandsFor};
use super::{RankedRecipient, RankingJob, RankingParams};
use crate::cohort::TreatmentContext;
use crate::numeric::random::{Stream, derive};
use crate::profile::{ProfileTable, SubjectId};
use crate::{Error, Result};

/// Keeps the random numbers of the sample apart from those of the draws.
const SAMPLE: u64 = 0x7072_6566_696C_7465;

/// Donors kept for each donor shown, at least.
const LEAST_KEPT: usize = 4;

impl RankingJob<'_> {
    /// All recipients one by one in order, prefiltered where the params say so.
    pub(super) fn rank_all(
        &self,
        orders: &mut DonorOrders,
        visit: impl FnMut(RankedRecipient) -> Result<()>,
    ) -> Result<Option<Prefiltered>> {
        self.params.check()?;
        let all = 0..self.recipients.n_samples();
        let nobody = StandsFor::default();
        let (Some(params), Some(top)) = (&self.params.prefilter, self.params.top) else {
            self.rank_standing(all, &nobody, orders, visit)?;
            return Ok(None);
        };
        if !self.is_prefiltered() {
            self.rank_standing(all, &nobody, orders, visit)?;
            return Ok(Some(Prefiltered::default()));
        }
        let is_pilot = pilots(all.len(), params.n_pilots);
        let (pilots, others) = self.parted(&is_pilot)?;
        let ranked = self.rank_pilots(&pilots, orders)?;
        let choice = Choice::new(self, params, top, &ranked);
        self.rank_others(&choice, &others, ranked, &is_pilot, orders, visit)?;
        Ok(Some(choice.told))
    }

    /// Whether some donors are left out for some recipients, for which the pilots must be ranked
    /// before anyone else.
    pub fn is_prefiltered(&self) -> bool {
        let n_recipients = self.recipients.n_samples();
        self.params
            .prefilter
            .as_ref()
            .is_some_and(|params| n_recipients > 2 * params.n_pilots)
    }

    /// Ranks the pilots and chooses the donors that everyone else is drawn with, for
    /// [`RankingJob::rank_part`]; nothing where the job [is not prefiltered](Self::is_prefiltered).
    ///
    /// # Errors
    /// As [`RankingJob::rank`].
    pub fn choose_donors(&self) -> Result<Option<ChosenDonors>> {
        self.params.check()?;
        let (Some(params), Some(top)) = (&self.params.prefilter, self.params.top) else {
            return Ok(None);
        };
        if !self.is_prefiltered() {
            return Ok(None);
        }
        let is_pilot = pilots(self.recipients.n_samples(), params.n_pilots);
        let mut orders = DonorOrders::numbered(self.donors.ids());
        let (pilots, _) = self.parted(&is_pilot)?;
        let mut ranked = self.rank_pilots(&pilots, &mut orders)?;
        let choice = Choice::new(self, params, top, &ranked);
        for pilot in &mut ranked {
            pilot.keep(self.params.top);
        }
        Ok(Some(ChosenDonors {
            donors: choice.rows,
            stands_for: choice.stands_for,
            told: choice.told,
            pilots: RankedPart::new(self.params, ranked, orders),
        }))
    }

    /// The rows of the pilots and those of the others, with their contexts.
    fn parted(&self, is_pilot: &[bool]) -> Result<(Recipients, Recipients)> {
        let of = |wanted: bool| -> Result<Recipients> {
            let rows: Vec<usize> = (0..is_pilot.len())
                .filter(|&row| is_pilot[row] == wanted)
                .collect();
            let contexts = rows
                .iter()
                .filter_map(|&row| self.contexts.get(row).copied());
            Ok(Recipients {
                contexts: contexts.collect(),
                profiles: self.recipients.select(&rows)?,
            })
        };
        Ok((of(true)?, of(false)?))
    }

    /// Every pilot with every donor, all of them shown.
    fn rank_pilots(
        &self,
        pilots: &Recipients,
        orders: &mut DonorOrders,
    ) -> Result<Vec<RankedRecipient>> {
        let params = RankingParams {
            top: None,
            prefilter: None,
            ..self.params.clone()
        };
        let job = RankingJob {
            recipients: &pilots.profiles,
            contexts: &pilots.contexts,
            params: &params,
            ..*self
        };
        let mut ranked = Vec::with_capacity(pilots.contexts.len());
        let rows = 0..pilots.contexts.len();
        job.rank_standing(rows, &StandsFor::default(), orders, |one| {
            ranked.push(one);
            Ok(())
        })?;
        Ok(ranked)
    }

    /// The other recipients with the donors chosen, the pilots in their places between them.
    fn rank_others(
        &self,
        choice: &Choice,
        others: &Recipients,
        pilots: Vec<RankedRecipient>,
        is_pilot: &[bool],
        orders: &mut DonorOrders,
        mut visit: impl FnMut(RankedRecipient) -> Result<()>,
    ) -> Result<()> {
        let donors = self.donors.select(&choice.rows)?;
        let job = RankingJob {
            donors: &donors,
            recipients: &others.profiles,
            contexts: &others.contexts,
            ..*self
        };
        let mut pilots = pilots.into_iter();
        let mut place = 0;
        let mut visit_pilots = |place: &mut usize, visit: &mut dyn FnMut(_) -> Result<()>| {
            while is_pilot.get(*place) == Some(&true) {
                *place += 1;
                if let Some(mut pilot) = pilots.next() {
                    pilot.keep(self.params.top);
                    visit(pilot)?;
                }
            }
            Ok::<_, Error>(())
        };
        let rows = 0..others.contexts.len();
        job.rank_standing(rows, &choice.stands_for, orders, |one| {
            visit_pilots(&mut place, &mut visit)?;
            place += 1;
            visit(one)
        })?;
        visit_pilots(&mut place, &mut visit)
    }
}

/// Some recipients and how they are treated.
struct Recipients {
    profiles: ProfileTable,
    contexts: Vec<TreatmentContext>,
}

/// Which recipients are pilots: so many, spread evenly.
fn pilots(n_recipients: usize, n_pilots: usize) -> Vec<bool> {
    let mut is_pilot = vec![false; n_recipients];
    for pilot in 0..n_pilots.min(n_recipients) {
        is_pilot[(2 * pilot + 1) * n_recipients / (2 * n_pilots)] = true;
    }
    is_pilot
}

/// The donors drawn for those who are no pilots.
struct Choice {
    /// Places among the donors, rising.
    rows: Vec<usize>,
    stands_for: StandsFor,
    told: Prefiltered,
}

impl Choice {
    fn new(
        job: &RankingJob<'_>,
        params: &PrefilterParams,
        top: usize,
        pilots: &[RankedRecipient],
    ) -> Self {
        let donors = job.donors.ids();
        let utilities = utilities(donors, pilots);
        let all: Vec<usize> = (0..pilots.len()).collect();
        let depths: Vec<usize> = all
            .iter()
            .map(|&pilot| {
                let others: Vec<usize> = all.iter().copied().filter(|&one| one != pilot).collect();
                let order = order_by_mean(&utilities, &others);
                let own = order_by_mean(&utilities, &[pilot]);
                let first = &own[..top.min(own.len())];
                let last = order.iter().rposition(|donor| first.contains(donor));
                last.map_or(0, |place| place + 1)
            })
            .collect();
        let deepest = depths.iter().copied().max().unwrap_or(0);
        let n_kept = ((params.margin * deepest as f64).ceil() as usize)
            .max(LEAST_KEPT * top)
            .min(donors.len());
        let order = order_by_mean(&utilities, &all);
        let (kept, rest) = order.split_at(n_kept);
        let (sampled, not_drawn) = sample(rest, params.n_sampled, job.predict.seed);
        let share = rest.len() as f64 / sampled.len().max(1) as f64;
        let id = |&row: &usize| donors[row].clone();
        let stands_for = StandsFor::sampled(sampled.iter().map(id), share);
        let told = Prefiltered {
            pilots: pilots
                .iter()
                .map(|pilot| pilot.summary.recipient_id.clone())
                .collect(),
            depths,
            n_kept,
            n_sampled: sampled.len(),
            not_drawn: not_drawn.iter().map(id).collect(),
        };
        let mut rows = [kept, &sampled].concat();
        rows.sort_unstable();
        Self {
            rows,
            stands_for,
            told,
        }
    }
}

/// The utility of every donor for every pilot, by the rows of their tables.
fn utilities(donors: &[SubjectId], pilots: &[RankedRecipient]) -> Vec<Vec<f64>> {
    let places: HashMap<&str, usize> = donors.iter().map(SubjectId::as_str).zip(0..).collect();
    let of_pilot = |pilot: &RankedRecipient| {
        let mut utilities = vec![f64::NEG_INFINITY; donors.len()];
        for row in &pilot.rows {
            // A donor that may not be ranked comes after all others.
            let place = places.get(row.donor_id.as_str());
            if let Some(&place) = place.filter(|_| row.is_eligible()) {
                utilities[place] = row.utility;
            }
        }
        utilities
    };
    pilots.iter().map(of_pilot).collect()
}

/// Donors by their mean utility over some pilots, best first, ties by row.
fn order_by_mean(utilities: &[Vec<f64>], pilots: &[usize]) -> Vec<usize> {
    let n_donors = utilities.first().map_or(0, Vec::len);
    let sum = |donor: usize| -> f64 { pilots.iter().map(|&pilot| utilities[pilot][donor]).sum() };
    let sums: Vec<f64> = (0..n_donors).map(sum).collect();
    let mut order: Vec<usize> = (0..n_donors).collect();
    order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
    order
}

/// So many of these at random, and the others, rising.
fn sample(rest: &[usize], n_sampled: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut rest = rest.to_vec();
    let n_sampled = n_sampled.min(rest.len());
    let mut stream = Stream::new(derive(seed, SAMPLE));
    for place in 0..n_sampled {
        let other = place + stream.below(rest.len() - place);
        rest.swap(place, other);
    }
    let mut others = rest.split_off(n_sampled);
    others.sort_unstable();
    (rest, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pilots_are_spread_evenly() {
        let at = |n, n_pilots| -> Vec<usize> {
            let is_pilot = pilots(n, n_pilots);
            (0..n).filter(|&row| is_pilot[row]).collect()
        };
        assert_eq!(at(100, 4), [12, 37, 62, 87]);
        assert_eq!(at(7, 3), [1, 3, 5]);
    }

    #[test]
    fn donors_are_ordered_by_their_mean_over_the_pilots() {
        let utilities = vec![vec![0.3, 0.1, 0.2, 0.1], vec![0.0, 0.5, 0.2, 0.5]];
        assert_eq!(order_by_mean(&utilities, &[0, 1]), [1, 3, 2, 0]);
        assert_eq!(order_by_mean(&utilities, &[0]), [0, 2, 1, 3]);
    }

    #[test]
    fn a_sample_and_its_rest_are_all_of_them_and_hang_on_the_seed() {
        let rest: Vec<usize> = (10..60).collect();
        let (sampled, others) = sample(&rest, 20, 1);
        assert_eq!((sampled.len(), others.len()), (20, 30));
        let mut all = [sampled.clone(), others].concat();
        all.sort_unstable();
        assert_eq!(all, rest);
        assert_ne!(sampled, sample(&rest, 20, 2).0);
        assert_eq!(sample(&rest[..3], 20, 1).0.len(), 3);
    }
}
