//! Params + ranking + batches → calendar.

use std::collections::HashSet;

use super::alternative::alternatives;
use super::batch::Batch;
use super::case::Case;
use super::conflict::conflict;
use super::constraint::Constraint;
use super::outcome::{Found, Outcome};
use super::params::{CalendarParams, Prices};
use super::price::{Price, prices};
use super::program::{Chosen, Kept, Pair, Program};
use super::result::{Alternative, BatchUse, Calendar, ChangedPair, SubgroupShare, Transplant};
use super::solve::{best, most_served};
use super::window::RecipientWindow;
use crate::profile::SampleId;
use crate::ranking::assignment::{Coverage, PairUtility};
use crate::ranking::result::Ranking;
use crate::ranking::utilities::RankedUtilities;
use crate::{Error, Result};

/// Members of a conflict that a message names; all are in [`CalendarParams::conflict`].
const NAMED: usize = 12;

impl CalendarParams {
    /// Shares out the doses of the eligible donors of a ranking by mean utility, every verdict
    /// taking part.
    ///
    /// # Errors
    /// As [`CalendarParams::assign_pairs`].
    pub fn assign(
        &self,
        ranking: &Ranking,
        batches: &[Batch],
        windows: &[RecipientWindow],
    ) -> Result<Calendar> {
        self.assign_ranked(&ranking.into(), batches, windows)
    }

    /// The same from what was kept of a ranking.
    ///
    /// # Errors
    /// As [`CalendarParams::assign_pairs`].
    pub fn assign_ranked(
        &self,
        ranked: &RankedUtilities,
        batches: &[Batch],
        windows: &[RecipientWindow],
    ) -> Result<Calendar> {
        self.solve(&self.case_of(ranked, batches, windows)?)
    }

    /// The calendar of highest total utility; a recipient without a window can on any day.
    ///
    /// The best of all within rounding of 1e-6 where [`Calendar::is_optimal`]; else what is left to
    /// a proven bound is its [`Calendar::gap`]. Ties are broken the same way every time.
    ///
    /// # Errors
    /// [`Error::Table`] and [`Error::Parameter`] as in
    /// [`AssignmentParams::assign_pairs`](crate::ranking::AssignmentParams::assign_pairs), and
    /// named `batches` or `recipients` for an unknown id, one that occurs twice, or days in the
    /// wrong order. [`Error::Parameter`] named `coverage` where no calendar keeps to everything,
    /// with a minimal set of constraints that conflict. [`Error::Convergence`] where neither a
    /// calendar nor the want of one was found within the nodes.
    ///
    /// # References
    /// Barahona and Anbil 2000 (the bound); Junker 2004 (the conflict).
    pub fn assign_pairs(
        &self,
        pairs: &[PairUtility],
        batches: &[Batch],
        windows: &[RecipientWindow],
    ) -> Result<Calendar> {
        let known = pairs.iter().map(|pair| &pair.donor_id).collect();
        let recipients = first_met(pairs);
        let case = Case::new(self, pairs, recipients, &known, batches, windows)?;
        self.solve(&case)
    }

    /// A set of constraints that cannot hold together, each of which could be dropped to make the
    /// others hold; `None` where all hold.
    ///
    /// # Errors
    /// As [`CalendarParams::assign_pairs`], but for the conflict itself.
    pub fn conflict(
        &self,
        ranking: &Ranking,
        batches: &[Batch],
        windows: &[RecipientWindow],
    ) -> Result<Option<Vec<Constraint>>> {
        let ranked = RankedUtilities::from(ranking);
        conflict(&self.case_of(&ranked, batches, windows)?)
    }

    /// The same for pairs.
    ///
    /// # Errors
    /// As [`CalendarParams::conflict`].
    pub fn conflict_of_pairs(
        &self,
        pairs: &[PairUtility],
        batches: &[Batch],
        windows: &[RecipientWindow],
    ) -> Result<Option<Vec<Constraint>>> {
        let known = pairs.iter().map(|pair| &pair.donor_id).collect();
        let recipients = first_met(pairs);
        conflict(&Case::new(
            self, pairs, recipients, &known, batches, windows,
        )?)
    }

    fn case_of<'a>(
        &'a self,
        ranked: &'a RankedUtilities,
        batches: &'a [Batch],
        windows: &'a [RecipientWindow],
    ) -> Result<Case<'a>> {
        let known = ranked.donors.iter().collect();
        let recipients = ranked.recipients.iter().collect();
        Case::new(self, &ranked.pairs, recipients, &known, batches, windows)
    }

    fn solve(&self, case: &Case<'_>) -> Result<Calendar> {
        let mut program = Program::new(case, Kept::All);
        let mut serves_most = true;
        if self.coverage == Coverage::Most
            && let Outcome::Found(served) = most_served(&program, self.max_nodes)?
        {
            let n_served = served.chosen.iter().flatten().count();
            serves_most = served.bound < n_served as f64 + 1.0 - 1e-6;
            program = program.serving(n_served);
        }
        match best(&program, self.max_nodes)? {
            Outcome::Found(found) => self.calendar(case, &program, &found, serves_most),
            Outcome::Impossible => Err(no_calendar(case)?),
            Outcome::Unknown => Err(Error::convergence(format!(
                "no calendar was found within `max_nodes` {}, and none was ruled out: raise it",
                self.max_nodes
            ))),
        }
    }

    fn calendar(
        &self,
        case: &Case<'_>,
        program: &Program,
        found: &Found,
        serves_most: bool,
    ) -> Result<Calendar> {
        let prices = match self.prices {
            Prices::Skip => vec![None; program.lots.len()],
            Prices::OfEachBatch => prices(program, self.coverage, &found.chosen, self.max_nodes)?,
        };
        let next = alternatives(program, &found.chosen, self.n_alternatives, self.max_nodes)?;
        let batches = batch_uses(case, program, &found.chosen, &prices);
        let unserved = found.chosen.iter().zip(&case.recipients);
        Ok(Calendar {
            transplants: transplants(case, program, &found.chosen),
            unassigned: unserved
                .filter(|(pair, _)| pair.is_none())
                .map(|(_, id)| (*id).clone())
                .collect(),
            total_utility: program.value(&found.chosen),
            upper_bound: found.bound,
            serves_most,
            total_cost: batches.iter().map(|batch| batch.cost).sum(),
            batches,
            subgroups: subgroup_shares(case, program, &found.chosen),
            alternatives: next
                .iter()
                .map(|one| alternative(case, program, &found.chosen, one))
                .collect(),
        })
    }
}

fn first_met(pairs: &[PairUtility]) -> Vec<&SampleId> {
    let mut seen = HashSet::new();
    let ids = pairs.iter().map(|pair| &pair.recipient_id);
    ids.filter(|id| seen.insert(*id)).collect()
}

fn no_calendar(case: &Case<'_>) -> Result<Error> {
    let members = conflict(case)?.unwrap_or_default();
    let mut named: Vec<String> = members
        .iter()
        .take(NAMED)
        .map(Constraint::to_string)
        .collect();
    if members.len() > NAMED {
        named.push(format!("{} more", members.len() - NAMED));
    }
    let message = if members.is_empty() {
        "no calendar keeps to everything".to_owned()
    } else if members.len() == 1 {
        format!(
            "no calendar is possible: {} alone cannot hold; drop it",
            named.join("")
        )
    } else {
        format!(
            "no calendar is possible: these {} cannot hold together, and would without any one of \
             them: {}; drop one, or ask for `most` instead of `every`",
            members.len(),
            named.join("; ")
        )
    };
    Ok(Error::parameter("coverage", message))
}

fn transplants(case: &Case<'_>, program: &Program, chosen: &Chosen) -> Vec<Transplant> {
    let given = chosen.iter().flatten().map(|&at| &program.pairs[at]);
    let mut transplants: Vec<Transplant> = given.map(|pair| transplant(case, pair)).collect();
    transplants.sort_by(|a, b| {
        let key = |one: &Transplant| (one.day, one.batch_id.clone());
        key(a).cmp(&key(b))
    });
    transplants
}

fn transplant(case: &Case<'_>, pair: &Pair) -> Transplant {
    let batch = &case.batches[pair.batch];
    let window = case.windows[pair.recipient];
    let (first, last) = case.window(pair.recipient);
    let latest_day = match (batch.expires_on, last) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    };
    Transplant {
        day: batch.made_on.max(first),
        donor_id: batch.donor_id.clone(),
        batch_id: batch.batch_id.clone(),
        room: batch.room.clone(),
        recipient_id: case.recipients[pair.recipient].clone(),
        utility: pair.utility,
        locked: case.locked[pair.recipient].is_some(),
        latest_day,
        arm: window.and_then(|one| one.arm.clone()),
        block: window.and_then(|one| one.block.clone()),
        subgroup: window.and_then(|one| one.subgroup.clone()),
        dose_cost: batch.dose_cost,
    }
}

fn batch_uses(
    case: &Case<'_>,
    program: &Program,
    chosen: &Chosen,
    prices: &[Option<Price>],
) -> Vec<BatchUse> {
    let n_given = program.used(chosen);
    let batches = case.batches.iter().zip(n_given).zip(prices);
    batches
        .filter(|((batch, n_given), _)| *n_given > 0 || batch.room.is_none())
        .map(|((batch, n_given), price)| BatchUse {
            donor_id: batch.donor_id.clone(),
            batch_id: batch.batch_id.clone(),
            room: batch.room.clone(),
            made_on: batch.made_on,
            expires_on: batch.expires_on,
            doses: batch.doses,
            n_given,
            cost: if n_given == 0 {
                0.0
            } else {
                n_given as f64 * batch.dose_cost + batch.screening_cost
            },
            price: price.map(|price| price.utility),
            n_more_served: price.map(|price| price.n_more_served),
        })
        .collect()
}

fn subgroup_shares(case: &Case<'_>, program: &Program, chosen: &Chosen) -> Vec<SubgroupShare> {
    let subgroups = case.subgroups().into_iter();
    subgroups
        .map(|(name, members)| {
            let served: Vec<f64> = members
                .iter()
                .filter_map(|&recipient| Some(program.pairs[chosen[recipient]?].utility))
                .collect();
            SubgroupShare {
                subgroup: name.to_owned(),
                n_recipients: members.len(),
                n_served: served.len(),
                mean_utility: served.iter().sum::<f64>() / members.len() as f64,
            }
        })
        .collect()
}

fn alternative(case: &Case<'_>, program: &Program, chosen: &Chosen, other: &Found) -> Alternative {
    let donor = |pair: &Option<usize>| pair.map(|at| program.pairs[at].donor);
    let id = |donor: Option<usize>| donor.map(|donor| case.donors[donor].clone());
    let both = chosen.iter().zip(&other.chosen).zip(&case.recipients);
    Alternative {
        total_utility: program.value(&other.chosen),
        upper_bound: other.bound,
        changes: both
            .filter(|((own, other), _)| donor(own) != donor(other))
            .map(|((own, other), recipient)| ChangedPair {
                donor_id: id(donor(other)),
                recipient_id: (*recipient).clone(),
                instead_of: id(donor(own)),
            })
            .collect(),
        transplants: transplants(case, program, &other.chosen),
    }
}
