//! Minimum-cost flow from recipients through donors of limited capacity, by successive shortest
//! paths with potentials (Edmonds and Karp 1972). Recipients are contracted into the donors that
//! hold them, so that Dijkstra's dense form walks donors only.

use std::cmp::Ordering;
use std::ops::{Add, Sub};

/// Recipients missed first, then utility lost: ordered one after the other, never mixed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    missed: i64,
    value: f64,
}

impl Cost {
    const ZERO: Self = Self::new(0, 0.0);

    pub(super) const fn new(missed: i64, value: f64) -> Self {
        Self { missed, value }
    }

    pub(super) fn missed(self) -> i64 {
        self.missed
    }

    pub(super) fn value(self) -> f64 {
        self.value
    }

    fn cmp(self, other: Self) -> Ordering {
        let values = || self.value.total_cmp(&other.value);
        self.missed.cmp(&other.missed).then_with(values)
    }

    fn is_below(self, other: Self) -> bool {
        self.cmp(other).is_lt()
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.missed + other.missed, self.value + other.value)
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.missed - other.missed, self.value - other.value)
    }
}

/// Which recipient may take which donor at which cost.
pub(super) struct Problem {
    /// Recipient × donor; `None` where the pair is impossible.
    pub(super) costs: Vec<Vec<Option<Cost>>>,
    /// Recipients that each donor can hold.
    pub(super) capacities: Vec<usize>,
    /// Cost of a recipient without a donor.
    pub(super) unassigned: Cost,
}

/// The cheapest choice of a donor, or of none, for every recipient.
pub(super) struct Solution {
    /// By recipient.
    pub(super) donor_of: Vec<Option<usize>>,
}

/// Recipients that compete for too few places, and the donors that hold these.
pub(super) struct Conflict {
    pub(super) recipients: Vec<usize>,
    pub(super) donors: Vec<usize>,
}

/// The state while recipients enter one after another. Donor `n_donors` stands for "no donor":
/// open to everyone, never full.
struct State<'a> {
    problem: &'a Problem,
    /// Recipients held, by donor.
    held: Vec<Vec<usize>>,
    donor_of: Vec<usize>,
    // u, v: dual prices; u[r] + v[d] ≤ cost[r][d], equal where r is held by d; v ≤ 0.
    recipient_price: Vec<Cost>,
    donor_price: Vec<Cost>,
}

impl Problem {
    pub(super) fn solve(&self) -> Solution {
        let n_donors = self.capacities.len();
        let mut state = State {
            problem: self,
            held: vec![Vec::new(); n_donors + 1],
            donor_of: Vec::with_capacity(self.costs.len()),
            recipient_price: Vec::with_capacity(self.costs.len()),
            donor_price: vec![Cost::ZERO; n_donors + 1],
        };
        for recipient in 0..self.costs.len() {
            state.enter(recipient);
        }
        let donor_of = state.donor_of.into_iter();
        Solution {
            donor_of: donor_of
                .map(|donor| (donor < n_donors).then_some(donor))
                .collect(),
        }
    }

    fn cost(&self, recipient: usize, donor: usize) -> Option<Cost> {
        match self.costs[recipient].get(donor) {
            Some(cost) => *cost,
            None => Some(self.unassigned),
        }
    }

    fn has_room(&self, donor: usize, n_held: usize) -> bool {
        self.capacities
            .get(donor)
            .is_none_or(|&capacity| n_held < capacity)
    }

    /// What one more place at each donor would save, all else arranged anew.
    ///
    /// A new place at donor `d` lets a recipient move there, whose place another may take, and so
    /// on: `gain[d] = max(0, max over r of cost[r, now] − cost[r, d] + gain[now])`. The solution
    /// is optimal, so no round of moves gains, and at most as many rounds as donors are needed.
    pub(super) fn worth_of_one_more(&self, solution: &Solution) -> Vec<Cost> {
        let n_donors = self.capacities.len();
        let now: Vec<usize> = solution
            .donor_of
            .iter()
            .map(|donor| donor.unwrap_or(n_donors))
            .collect();
        // A place at "no donor" is free, so that leaving it gains nothing further.
        let mut gain = vec![Cost::ZERO; n_donors + 1];
        for _ in 0..=n_donors {
            let mut changed = false;
            for (recipient, &from) in now.iter().enumerate() {
                let Some(present) = self.cost(recipient, from) else {
                    continue;
                };
                for to in (0..n_donors).filter(|&to| to != from) {
                    let Some(cost) = self.cost(recipient, to) else {
                        continue;
                    };
                    let reached = present - cost + gain[from];
                    if gain[to].is_below(reached) {
                        gain[to] = reached;
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        gain.truncate(n_donors);
        gain
    }

    /// The smallest group around the first recipient without a donor that has one place too few;
    /// `None` where all have a donor.
    ///
    /// The donors that this recipient could take are full (else it would have one); so are those
    /// that their recipients could move to, and so on. What is reached is closed: its recipients
    /// are one more than its places, and no part of it that holds this recipient is so already.
    pub(super) fn conflict(&self, solution: &Solution) -> Option<Conflict> {
        let first = solution.donor_of.iter().position(Option::is_none)?;
        let mut recipients = vec![first];
        let mut reached = vec![false; self.capacities.len()];
        let mut next = 0;
        while let Some(&recipient) = recipients.get(next) {
            next += 1;
            for (donor, reached) in reached.iter_mut().enumerate() {
                if self.costs[recipient][donor].is_some() && !*reached {
                    *reached = true;
                    let held = solution.donor_of.iter().enumerate();
                    recipients.extend(held.filter(|(_, of)| **of == Some(donor)).map(|(r, _)| r));
                }
            }
        }
        recipients.sort_unstable();
        Some(Conflict {
            recipients,
            donors: (0..reached.len()).filter(|&donor| reached[donor]).collect(),
        })
    }
}

impl State<'_> {
    /// Finds the cheapest way to make room for one more recipient and takes it.
    fn enter(&mut self, recipient: usize) {
        let n_columns = self.held.len();
        // distance: cheapest reduced cost to a place at each donor; via: the recipient that moves
        // there.
        let mut distance: Vec<Option<Cost>> = vec![None; n_columns];
        let mut via = vec![recipient; n_columns];
        let mut visited = vec![false; n_columns];
        self.relax(
            recipient,
            Cost::ZERO,
            Cost::ZERO,
            &visited,
            &mut distance,
            &mut via,
        );
        let (last, total) = loop {
            let open = (0..n_columns).filter(|&donor| !visited[donor]);
            let nearest = open
                .filter_map(|donor| Some((donor, distance[donor]?)))
                .min_by(|a, b| a.1.cmp(b.1));
            // "No donor" is always within reach.
            let Some((donor, at)) = nearest else {
                break (n_columns - 1, Cost::ZERO);
            };
            if self.problem.has_room(donor, self.held[donor].len()) {
                break (donor, at);
            }
            visited[donor] = true;
            for holder in 0..self.held[donor].len() {
                let mover = self.held[donor][holder];
                let price = self.recipient_price[mover];
                self.relax(mover, at, price, &visited, &mut distance, &mut via);
            }
        };
        for donor in (0..n_columns).filter(|&donor| visited[donor]) {
            let Some(at) = distance[donor] else { continue };
            self.donor_price[donor] = self.donor_price[donor] + at - total;
            for &holder in &self.held[donor] {
                self.recipient_price[holder] = self.recipient_price[holder] + total - at;
            }
        }
        self.recipient_price.push(total);
        self.donor_of.push(n_columns);
        let mut free = last;
        loop {
            let mover = via[free];
            let left = std::mem::replace(&mut self.donor_of[mover], free);
            self.held[free].push(mover);
            if mover == recipient {
                break;
            }
            self.held[left].retain(|&other| other != mover);
            free = left;
        }
    }

    fn relax(
        &self,
        mover: usize,
        at: Cost,
        price: Cost,
        visited: &[bool],
        distance: &mut [Option<Cost>],
        via: &mut [usize],
    ) {
        for donor in (0..visited.len()).filter(|&donor| !visited[donor]) {
            let Some(cost) = self.problem.cost(mover, donor) else {
                continue;
            };
            let reached = at + cost - price - self.donor_price[donor];
            if distance[donor].is_none_or(|known| reached.is_below(known)) {
                distance[donor] = Some(reached);
                via[donor] = mover;
            }
        }
    }
}
