//! A ranking worked out in parts, in several processes or on several machines, and joined.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::agreement::DonorOrders;
use super::prefilter::{Prefiltered, StandsFor};
use super::{RankedRecipient, Ranking, RankingJob, RankingParams, RankingRow};
use crate::cohort::TreatmentContext;
use crate::profile::{SampleId, SubjectId};
use crate::{Error, Result};

/// The recipients of one part of a job, ranked; it travels as bytes
/// ([`to_transfer`](crate::persist::to_transfer)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankedPart {
    /// The recipients of the part as a ranking by themselves.
    ranking: Ranking,
    /// The order of all eligible donors of each recipient, by their places among the job's donors.
    orders: Vec<Vec<u32>>,
}

/// Which donors are drawn for whom, as the pilots say: what every part of a prefiltered job needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChosenDonors {
    /// Places among the job's donors, rising.
    pub(super) donors: Vec<usize>,
    pub(super) stands_for: StandsFor,
    pub(super) told: Prefiltered,
    /// The pilots with every donor, ranked.
    pub(super) pilots: RankedPart,
}

impl RankedPart {
    /// Recipients with the orders of their donors, in the same order.
    pub(super) fn new(
        params: &RankingParams,
        recipients: Vec<RankedRecipient>,
        orders: DonorOrders,
    ) -> Self {
        let mut ranking = Ranking {
            rows: Vec::new(),
            summaries: Vec::with_capacity(recipients.len()),
            donor_order_agreement: None,
            // Whoever joins has all of them; a record of screening a donor need not travel back.
            params: RankingParams {
                screening: None,
                prefilter: None,
                ..params.clone()
            },
            prefilter: None,
        };
        for one in recipients {
            ranking.rows.extend(one.rows);
            ranking.summaries.push(one.summary);
        }
        Self {
            ranking,
            orders: orders.into_places(),
        }
    }

    /// Its recipients, their rows and summaries.
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// Checks a part that came from elsewhere.
    ///
    /// # Errors
    /// Those of the check of a ranking; [`Error::Table`] where there is not one order a recipient.
    pub(crate) fn check(&self) -> Result<()> {
        self.ranking.check()?;
        if self.orders.len() != self.ranking.summaries.len() {
            return Err(Error::table(format!(
                "{} orders of donors for {} recipients",
                self.orders.len(),
                self.ranking.summaries.len()
            )));
        }
        Ok(())
    }

    fn into_recipients(self) -> impl Iterator<Item = (RankedRecipient, Vec<u32>)> {
        let rows: Vec<usize> = self
            .ranking
            .by_recipient()
            .map(|(_, rows)| rows.len())
            .collect();
        let mut rest = self.ranking.rows.into_iter();
        let summaries = self.ranking.summaries.into_iter();
        let both = summaries.zip(rows).zip(self.orders);
        both.map(move |((summary, n_rows), order)| {
            let rows = rest.by_ref().take(n_rows).collect();
            (RankedRecipient { rows, summary }, order)
        })
    }
}

impl ChosenDonors {
    /// Checks a choice that came from elsewhere.
    ///
    /// # Errors
    /// Those of [`RankedPart::check`].
    pub(crate) fn check(&self) -> Result<()> {
        self.pilots.check()
    }

    fn is_pilot(&self, recipient: &SampleId) -> bool {
        self.told.pilots.contains(recipient)
    }
}

impl RankingJob<'_> {
    /// The recipients of these rows of their table, as [`RankingJob::rank`] ranks them, to the bit:
    /// a recipient depends on the donors, the settings and itself, never on who else is in the
    /// part. Pilots, which `chosen` holds already, are passed over.
    ///
    /// # Errors
    /// Those of [`RankingJob::rank_rows`]; [`Error::Parameter`] where the job is prefiltered and
    /// `chosen` lacks, see [`RankingJob::choose_donors`].
    pub fn rank_part(&self, rows: &[usize], chosen: Option<&ChosenDonors>) -> Result<RankedPart> {
        self.params.check()?;
        if chosen.is_none() && self.is_prefiltered() {
            let message = "a part needs what `choose_donors` chose for the whole job";
            return Err(Error::parameter("prefilter", message));
        }
        let samples = self.recipients.samples();
        let is_pilot = |row: usize| match (chosen, samples.get(row)) {
            (Some(chosen), Some(sample)) => chosen.is_pilot(sample),
            _ => false,
        };
        let rows: Vec<usize> = rows.iter().copied().filter(|&row| !is_pilot(row)).collect();
        let mut orders = DonorOrders::numbered(self.donors.ids());
        let mut recipients = Vec::with_capacity(rows.len());
        if !rows.is_empty() {
            let keep = |recipient| {
                recipients.push(recipient);
                Ok(())
            };
            self.rank_some(&rows, chosen, &mut orders, keep)?;
        }
        Ok(RankedPart::new(self.params, recipients, orders))
    }

    /// The rows of the recipients of these rows of their table, in the order given, pilots among
    /// them: for engines that keep rows and nothing else.
    ///
    /// # Errors
    /// As [`RankingJob::rank_part`].
    pub fn rows_of(
        &self,
        rows: &[usize],
        chosen: Option<&ChosenDonors>,
    ) -> Result<Vec<RankingRow>> {
        let mut once = rows.to_vec();
        once.sort_unstable();
        once.dedup();
        let part = self.rank_part(&once, chosen)?;
        let pilots = chosen.map(|chosen| &chosen.pilots);
        let found: HashMap<&SampleId, &[RankingRow]> = [Some(&part), pilots]
            .into_iter()
            .flatten()
            .flat_map(|part| part.ranking.by_recipient())
            .map(|(summary, rows)| (&summary.recipient_id, rows))
            .collect();
        let samples = self.recipients.samples();
        let of = |&row: &usize| samples.get(row).and_then(|id| found.get(id));
        Ok(rows
            .iter()
            .filter_map(of)
            .flat_map(|rows| rows.iter().cloned())
            .collect())
    }

    fn rank_some(
        &self,
        rows: &[usize],
        chosen: Option<&ChosenDonors>,
        orders: &mut DonorOrders,
        visit: impl FnMut(RankedRecipient) -> Result<()>,
    ) -> Result<()> {
        let contexts = rows.iter().map(|&row| self.contexts.get(row).copied());
        let contexts: Option<Vec<TreatmentContext>> = contexts.collect();
        let Some(contexts) = contexts else {
            let message = format!("a recipient of a part is not among {}", self.contexts.len());
            return Err(Error::table(message));
        };
        let recipients = self.recipients.select(rows)?;
        let selected = chosen
            .map(|chosen| self.donors.select(&chosen.donors))
            .transpose()?;
        let nobody = StandsFor::default();
        let job = RankingJob {
            donors: selected.as_ref().unwrap_or(self.donors),
            recipients: &recipients,
            contexts: &contexts,
            ..*self
        };
        let stands_for = chosen.map_or(&nobody, |chosen| &chosen.stands_for);
        job.rank_standing(0..rows.len(), stands_for, orders, visit)
    }

    /// The ranking of all recipients from parts that hold each of them once, in any order: the same
    /// bits as [`RankingJob::rank`].
    ///
    /// # Errors
    /// [`Error::Table`] naming a recipient that no part holds, or several do, or that is not of
    /// this job.
    pub fn join(&self, parts: Vec<RankedPart>, chosen: Option<ChosenDonors>) -> Result<Ranking> {
        let mut orders = DonorOrders::default();
        let mut found = HashMap::new();
        let (pilots, told) = match chosen {
            Some(chosen) => (Some(chosen.pilots), Some(chosen.told)),
            None => (
                None,
                self.params
                    .prefilter
                    .as_ref()
                    .map(|_| Prefiltered::default()),
            ),
        };
        // The orders of the pilots come first, as where they are ranked here.
        for (recipient, order) in pilots.into_iter().flat_map(RankedPart::into_recipients) {
            self.push(&order, &mut orders)?;
            found.insert(recipient.summary.recipient_id.clone(), (recipient, None));
        }
        for (recipient, order) in parts.into_iter().flat_map(RankedPart::into_recipients) {
            let id = recipient.summary.recipient_id.clone();
            if found.insert(id.clone(), (recipient, Some(order))).is_some() {
                return Err(Error::table(format!("recipient `{id}` was ranked twice")));
            }
        }
        let mut ranked = Vec::with_capacity(found.len());
        for id in self.recipients.samples() {
            let Some((recipient, order)) = found.remove(id) else {
                return Err(Error::table(format!("no part holds recipient `{id}`")));
            };
            if let Some(order) = order {
                self.push(&order, &mut orders)?;
            }
            ranked.push(recipient);
        }
        match found.into_keys().min() {
            Some(id) => Err(Error::table(format!("recipient `{id}` is not of this job"))),
            None => self.params.assemble(ranked, &orders, told),
        }
    }

    /// Adds an order of donors by their places.
    fn push(&self, order: &[u32], orders: &mut DonorOrders) -> Result<()> {
        let ids = self.donors.ids();
        let of = |&place: &u32| ids.get(place as usize);
        let Some(donors) = order.iter().map(of).collect::<Option<Vec<_>>>() else {
            let message = format!("an order of donors names one beyond {}", ids.len());
            return Err(Error::table(message));
        };
        orders.push(donors.into_iter().map(SubjectId::as_str));
        Ok(())
    }
}
