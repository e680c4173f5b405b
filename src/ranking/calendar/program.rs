//! The case as sums: which dose may go to whom, and what must hold of all of them together.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::case::{Case, Span};
use super::constraint::Constraint;
use crate::cohort::screening::Day;
use crate::profile::SubjectId;

/// A dose of a batch for a recipient: 1 where it is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) recipient: usize,
    pub(super) batch: usize,
    pub(super) donor: usize,
    pub(super) utility: f64,
}

/// A batch: 1 where it is made, or screened.
#[derive(Debug, Clone)]
pub(super) struct Lot {
    pub(super) doses: usize,
    /// Its room and day: of each such group, one batch is made at most.
    pub(super) group: Option<usize>,
    /// Whether a yes or no hangs on it, beside the doses.
    pub(super) is_switched: bool,
}

/// What a term of a [`Row`] counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Term {
    Pair(usize),
    Lot(usize),
}

/// Σ coefficient · term ≤ `at_most`.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) terms: Vec<(Term, f64)>,
    pub(super) at_most: f64,
}

impl Row {
    pub(super) fn counts_lots(&self) -> bool {
        let mut terms = self.terms.iter();
        terms.any(|(term, _)| matches!(term, Term::Lot(_)))
    }
}

/// Highest Σ utility over pairs given: one dose a recipient (exactly one where it must be served),
/// no more doses than a lot has, one lot a group, and the rows.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) pairs: Vec<Pair>,
    pub(super) lots: Vec<Lot>,
    pub(super) n_groups: usize,
    pub(super) must: Vec<bool>,
    pub(super) rows: Vec<Row>,
}

/// The pair that each recipient gets.
pub(super) type Chosen = Vec<Option<usize>>;

/// Rounding that a row of sums may hold.
const TOLERANCE: f64 = 1e-6;

/// Which constraints are kept: all, or these.
#[derive(Clone, Copy)]
pub(super) enum Kept<'a> {
    All,
    Only(&'a HashSet<&'a Constraint>),
}

impl Kept<'_> {
    fn keeps(self, constraint: &Constraint) -> bool {
        match self {
            Self::All => true,
            Self::Only(kept) => kept.contains(constraint),
        }
    }
}

impl Program {
    pub(super) fn new(case: &Case<'_>, kept: Kept<'_>) -> Self {
        let must = must_serve(case, kept);
        let (groups, n_groups) = groups(case, kept);
        let n_recipients = case.recipients.len();
        let lots = case.batches.iter().zip(groups).map(|(batch, group)| {
            let batch_id = batch.batch_id.clone();
            let keeps = kept.keeps(&Constraint::Doses { batch_id });
            Lot {
                doses: if keeps { batch.doses } else { n_recipients },
                group,
                is_switched: group.is_some(),
            }
        });
        let mut program = Self {
            pairs: pairs(case, kept),
            lots: lots.collect(),
            n_groups,
            must,
            rows: Vec::new(),
        };
        program.add_donor_days(case, kept);
        program.add_capacities(case, kept);
        program.add_blocks(case, kept);
        program.add_spreads(case, kept);
        program.add_cost(case, kept);
        program
    }

    fn add_row(&mut self, terms: Vec<(Term, f64)>, at_most: f64) {
        if !terms.is_empty() {
            self.rows.push(Row { terms, at_most });
        }
    }

    /// A donor that could come to two rooms on one day comes to one.
    fn add_donor_days(&mut self, case: &Case<'_>, kept: Kept<'_>) {
        let mut days: BTreeMap<(&SubjectId, Day), Vec<usize>> = BTreeMap::new();
        for (at, batch) in case.batches.iter().enumerate() {
            if let (Some(_), Some(day)) = (&batch.room, batch.made_on) {
                days.entry((&batch.donor_id, day)).or_default().push(at);
            }
        }
        for ((donor, day), lots) in days.into_iter().filter(|(_, lots)| lots.len() > 1) {
            let donor_id = donor.clone();
            if kept.keeps(&Constraint::DonorDay { donor_id, day }) {
                for &lot in &lots {
                    self.lots[lot].is_switched = true;
                }
                self.add_row(lots.iter().map(|&lot| (Term::Lot(lot), 1.0)).collect(), 1.0);
            }
        }
    }

    fn count(&self, counts: impl Fn(&Pair) -> bool) -> Vec<(Term, f64)> {
        let pairs = self.pairs.iter().enumerate();
        pairs
            .filter(|(_, pair)| counts(pair))
            .map(|(at, _)| (Term::Pair(at), 1.0))
            .collect()
    }

    fn add_capacities(&mut self, case: &Case<'_>, kept: Kept<'_>) {
        for (at, donor) in case.donors.iter().enumerate() {
            let Some(&capacity) = case.params.capacities.get(*donor) else {
                continue;
            };
            let donor_id = (*donor).clone();
            if kept.keeps(&Constraint::Capacity { donor_id }) {
                let terms = self.count(|pair| pair.donor == at);
                self.add_row(terms, capacity as f64);
            }
        }
    }

    fn add_blocks(&mut self, case: &Case<'_>, kept: Kept<'_>) {
        let Some(most) = case.params.max_per_block else {
            return;
        };
        for (name, members) in case.blocks() {
            let block = name.to_owned();
            if members.len() <= most || !kept.keeps(&Constraint::MaxPerBlock { block }) {
                continue;
            }
            let members: HashSet<usize> = members.into_iter().collect();
            for donor in 0..case.donors.len() {
                let of_block =
                    |pair: &Pair| pair.donor == donor && members.contains(&pair.recipient);
                let terms = self.count(of_block);
                self.add_row(terms, most as f64);
            }
        }
    }

    fn add_spreads(&mut self, case: &Case<'_>, kept: Kept<'_>) {
        let params = case.params;
        let subgroups: Vec<Vec<usize>> = case.subgroups().into_values().collect();
        let utility: fn(&Pair) -> f64 = |pair| pair.utility;
        let served: fn(&Pair) -> f64 = |_| 1.0;
        for (constraint, bound, value) in [
            (
                Constraint::MaxUtilitySpread,
                params.max_utility_spread,
                utility,
            ),
            (
                Constraint::MaxServedSpread,
                params.max_served_spread,
                served,
            ),
        ] {
            let Some(bound) = bound.filter(|_| kept.keeps(&constraint)) else {
                continue;
            };
            for (above, a) in subgroups.iter().enumerate() {
                for (_, b) in subgroups.iter().enumerate().filter(|(at, _)| *at != above) {
                    let mut share = vec![0.0; case.recipients.len()];
                    for &r in a {
                        share[r] = 1.0 / a.len() as f64;
                    }
                    for &r in b {
                        share[r] = -1.0 / b.len() as f64;
                    }
                    let pairs = self.pairs.iter().enumerate();
                    let terms = pairs
                        .filter(|(_, pair)| share[pair.recipient] != 0.0)
                        .map(|(at, pair)| (Term::Pair(at), share[pair.recipient] * value(pair)));
                    self.add_row(terms.collect(), bound);
                }
            }
        }
    }

    fn add_cost(&mut self, case: &Case<'_>, kept: Kept<'_>) {
        let Some(most) = case.params.max_cost else {
            return;
        };
        if !kept.keeps(&Constraint::MaxCost) {
            return;
        }
        let doses = self.pairs.iter().enumerate();
        let doses = doses.map(|(at, pair)| (Term::Pair(at), case.batches[pair.batch].dose_cost));
        let mut terms: Vec<(Term, f64)> = doses.filter(|(_, cost)| *cost > 0.0).collect();
        for (at, batch) in case.batches.iter().enumerate() {
            if batch.screening_cost > 0.0 {
                self.lots[at].is_switched = true;
                terms.push((Term::Lot(at), batch.screening_cost));
            }
        }
        self.add_row(terms, most);
    }

    /// The same with another worth of each pair.
    pub(super) fn valued(&self, value: impl Fn(&Pair) -> f64) -> Self {
        let mut program = self.clone();
        for pair in &mut program.pairs {
            pair.utility = value(pair);
        }
        program
    }

    /// The same where at least so many are served.
    pub(super) fn serving(&self, n: usize) -> Self {
        let mut program = self.clone();
        if n == program.must.len() {
            program.must.fill(true);
        } else {
            let pairs = 0..self.pairs.len();
            program.add_row(
                pairs.map(|at| (Term::Pair(at), -1.0)).collect(),
                -(n as f64),
            );
        }
        program
    }

    /// The same without this set of donors for recipients; every set that differs stays.
    pub(super) fn without(&self, chosen: &Chosen) -> Self {
        let donor_of: Vec<Option<usize>> = chosen
            .iter()
            .map(|pair| pair.map(|at| self.pairs[at].donor))
            .collect();
        let n_served = donor_of.iter().flatten().count();
        let pairs = self.pairs.iter().enumerate();
        let terms = pairs.filter_map(|(at, pair)| {
            let is_same = donor_of[pair.recipient] == Some(pair.donor);
            // A recipient that must be served has one donor: another one means not this one.
            let tells = is_same || !self.must[pair.recipient];
            tells.then_some((Term::Pair(at), if is_same { 1.0 } else { -1.0 }))
        });
        let mut program = self.clone();
        let terms: Vec<(Term, f64)> = terms.collect();
        program.rows.push(Row {
            terms,
            at_most: n_served as f64 - 1.0,
        });
        program
    }

    /// The program of some pairs alone, and which pairs these were.
    pub(super) fn restricted(&self, keeps: impl Fn(usize, &Pair) -> bool) -> (Self, Vec<usize>) {
        let mut place = vec![None; self.pairs.len()];
        let mut from = Vec::new();
        for (at, pair) in self.pairs.iter().enumerate() {
            if keeps(at, pair) {
                place[at] = Some(from.len());
                from.push(at);
            }
        }
        let still = |(term, coefficient): &(Term, f64)| match *term {
            Term::Pair(at) => place[at].map(|at| (Term::Pair(at), *coefficient)),
            Term::Lot(at) => Some((Term::Lot(at), *coefficient)),
        };
        let rows = self.rows.iter().map(|row| Row {
            terms: row.terms.iter().filter_map(still).collect(),
            at_most: row.at_most,
        });
        let program = Self {
            pairs: from.iter().map(|&at| self.pairs[at]).collect(),
            lots: self.lots.clone(),
            n_groups: self.n_groups,
            must: self.must.clone(),
            rows: rows.collect(),
        };
        (program, from)
    }

    /// Whether the doses flow with nothing else to decide.
    pub(super) fn is_flow(&self) -> bool {
        let is_decided = self.lots.iter().all(|lot| !lot.is_switched);
        let is_uniform = self.must.windows(2).all(|two| two[0] == two[1]);
        self.rows.is_empty() && is_decided && is_uniform
    }

    pub(super) fn value(&self, chosen: &Chosen) -> f64 {
        let utilities = chosen.iter().flatten().map(|&at| self.pairs[at].utility);
        utilities.sum()
    }

    /// Doses given of each lot.
    pub(super) fn used(&self, chosen: &Chosen) -> Vec<usize> {
        let mut n = vec![0; self.lots.len()];
        for &at in chosen.iter().flatten() {
            n[self.pairs[at].batch] += 1;
        }
        n
    }

    /// Whether a choice keeps to everything, by whole numbers.
    pub(super) fn allows(&self, chosen: &Chosen) -> bool {
        let n_used = self.used(chosen);
        let is_served = chosen.iter().zip(&self.must);
        let has_doses = n_used
            .iter()
            .zip(&self.lots)
            .all(|(n, lot)| *n <= lot.doses);
        let mut groups = BTreeSet::new();
        let made = n_used.iter().zip(&self.lots).filter(|(n, _)| **n > 0);
        let has_rooms = made
            .filter_map(|(_, lot)| lot.group)
            .all(|group| groups.insert(group));
        let given: HashSet<usize> = chosen.iter().flatten().copied().collect();
        let holds = |row: &Row| {
            let terms = row.terms.iter().filter(|(term, _)| match term {
                Term::Pair(at) => given.contains(at),
                Term::Lot(at) => n_used[*at] > 0,
            });
            terms.map(|(_, coefficient)| coefficient).sum::<f64>() <= row.at_most + TOLERANCE
        };
        has_doses
            && has_rooms
            && is_served
                .into_iter()
                .all(|(pair, must)| pair.is_some() || !must)
            && self.rows.iter().all(holds)
    }
}

fn must_serve(case: &Case<'_>, kept: Kept<'_>) -> Vec<bool> {
    let is_every = case.params.coverage == crate::ranking::Coverage::Every;
    let recipients = case.recipients.iter().zip(&case.locked);
    recipients
        .map(|(id, locked)| {
            let recipient_id = (*id).clone();
            let is_locked = locked.is_some_and(|donor| kept.keeps(&locked_pair(case, donor, id)));
            is_locked || (is_every && kept.keeps(&Constraint::Served { recipient_id }))
        })
        .collect()
}

fn locked_pair(case: &Case<'_>, donor: usize, recipient: &crate::profile::SampleId) -> Constraint {
    Constraint::Locked {
        donor_id: case.donors[donor].clone(),
        recipient_id: recipient.clone(),
    }
}

/// The group of each batch, and how many groups there are.
fn groups(case: &Case<'_>, kept: Kept<'_>) -> (Vec<Option<usize>>, usize) {
    let mut known: BTreeMap<(&str, Day), Option<usize>> = BTreeMap::new();
    let mut n_groups = 0;
    let of = case.batches.iter().map(|batch| {
        let (room, day) = (batch.room.as_deref()?, batch.made_on?);
        *known.entry((room, day)).or_insert_with(|| {
            let room = room.to_owned();
            kept.keeps(&Constraint::Room { room, day }).then(|| {
                n_groups += 1;
                n_groups - 1
            })
        })
    });
    let of = of.collect();
    (of, n_groups)
}

/// Whether two spans share a day.
fn meet(a: Span, b: Span) -> bool {
    let first = a.0.max(b.0);
    let last = match (a.1, b.1) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    };
    match (first, last) {
        (Some(first), Some(last)) => first <= last,
        _ => true,
    }
}

fn pairs(case: &Case<'_>, kept: Kept<'_>) -> Vec<Pair> {
    let params = case.params;
    let lowest = params
        .min_utility
        .filter(|_| kept.keeps(&Constraint::MinUtility));
    let dates: Vec<Span> = case
        .batches
        .iter()
        .map(|batch| {
            let batch_id = batch.batch_id.clone();
            if kept.keeps(&Constraint::Dates { batch_id }) {
                (batch.made_on, batch.expires_on)
            } else {
                (None, None)
            }
        })
        .collect();
    let mut found = Vec::new();
    for (recipient, id) in case.recipients.iter().enumerate() {
        let recipient_id = || (*id).clone();
        let keeps_window = kept.keeps(&Constraint::Window {
            recipient_id: recipient_id(),
        });
        let window = if keeps_window {
            case.window(recipient)
        } else {
            (None, None)
        };
        let arm = case.arm(recipient).filter(|_| {
            kept.keeps(&Constraint::Arm {
                recipient_id: recipient_id(),
            })
        });
        let decided =
            case.locked[recipient].filter(|&donor| kept.keeps(&locked_pair(case, donor, id)));
        let possible = possible_donors(case, kept, recipient, lowest, decided);
        for (batch, donor) in case.donor_of.iter().enumerate() {
            let Some((donor, utility)) = donor.and_then(|donor| Some((donor, possible[donor]?)))
            else {
                continue;
            };
            let other_arm = case.batches[batch].arm.as_deref();
            let is_of_arm = arm.zip(other_arm).is_none_or(|(own, other)| own == other);
            if is_of_arm && meet(window, dates[batch]) {
                found.push(Pair {
                    recipient,
                    batch,
                    donor,
                    utility,
                });
            }
        }
    }
    found
}

/// The utility of each donor that may serve a recipient.
fn possible_donors(
    case: &Case<'_>,
    kept: Kept<'_>,
    recipient: usize,
    lowest: Option<f64>,
    decided: Option<usize>,
) -> Vec<Option<f64>> {
    let donors = case.utilities[recipient].iter().enumerate();
    donors
        .map(|(donor, utility)| {
            let utility = (*utility)?;
            let pair = (
                case.donors[donor].clone(),
                case.recipients[recipient].clone(),
            );
            let is_forbidden = case.params.forbidden.contains(&pair)
                && kept.keeps(&Constraint::Forbidden {
                    donor_id: pair.0,
                    recipient_id: pair.1,
                });
            let is_too_low = lowest.is_some_and(|lowest| utility < lowest);
            let is_other = decided.is_some_and(|decided| decided != donor);
            (!is_forbidden && !is_too_low && !is_other).then_some(utility)
        })
        .collect()
}
