//! The best calendar: whole where it is small, by way of the bound where it is large.

use std::collections::HashSet;

use super::bound::{Bound, bound};
use super::outcome::{Found, Outcome};
use super::program::{Chosen, Program};
use super::{feasible, integer};
use crate::Result;

/// Pairs up to which a program goes to the exact solver whole.
const WHOLE: usize = 6_000;
/// Pairs of a larger program that go there first, and at most where a calendar is known.
const KERNEL: usize = 2_000;
const LARGEST_KERNEL: usize = 8_000;
/// A node of a kernel costs about as much as so many of a small program.
const PER_NODE: usize = 25;

/// The choice of highest utility, or the best within the nodes with its bound.
pub(super) fn best(program: &Program, max_nodes: usize) -> Result<Outcome> {
    if program.is_flow() {
        let all: Vec<usize> = (0..program.lots.len()).collect();
        return Ok(match feasible::flow(program, &all) {
            Some(chosen) => Outcome::Found(Found {
                bound: program.value(&chosen),
                chosen,
            }),
            None => Outcome::Impossible,
        });
    }
    if program.pairs.len() <= WHOLE {
        return integer::solve(program, None, Some(max_nodes));
    }
    let bound = bound(program)?;
    let start = feasible::search(program, &bound)?;
    by_kernel(program, &bound, start, (max_nodes / PER_NODE).max(1))
}

/// Solves the pairs of least loss alone. What they give is best of all where it lies no further
/// below the bound than the least loss that was left out; else more pairs are taken.
///
/// With a calendar to start from, all pairs that could be in a better one go to the solver, or, where
/// these are too many, none: the calendar stays, with the bound as proof of its gap.
fn by_kernel(
    program: &Program,
    bound: &Bound,
    start: Option<Chosen>,
    n_nodes: usize,
) -> Result<Outcome> {
    let mut losses = bound.loss.clone();
    losses.sort_by(f64::total_cmp);
    let mut start = start;
    let mut n_pairs = KERNEL;
    loop {
        if let Some(chosen) = &start {
            let missing = bound.value - program.value(chosen);
            n_pairs = losses.partition_point(|loss| *loss <= missing);
            if n_pairs > LARGEST_KERNEL {
                return Ok(started_or_unknown(start, bound.value));
            }
        }
        // Every calendar with a pair that is left out stays this far below the bound.
        let left_out = losses.get(n_pairs).copied().unwrap_or(f64::INFINITY);
        let started: HashSet<usize> = start.iter().flatten().flatten().copied().collect();
        let (kernel, from) =
            program.restricted(|at, _| bound.loss[at] < left_out || started.contains(&at));
        let hint = start.as_ref().map(|chosen| placed(chosen, &from));
        let answer = integer::solve(&kernel, hint.as_ref(), Some(n_nodes))?;
        match answer {
            Outcome::Found(found) => {
                let chosen = lifted(&found.chosen, &from);
                let value = program.value(&chosen);
                let of_rest = bound.value - left_out;
                if start.is_none() && value < of_rest {
                    // Now it is known which pairs could be in a better one.
                    start = Some(chosen);
                    continue;
                }
                let bound = found.bound.max(of_rest).min(bound.value).max(value);
                return Ok(Outcome::Found(Found { chosen, bound }));
            }
            Outcome::Impossible if left_out.is_infinite() => return Ok(Outcome::Impossible),
            Outcome::Unknown if left_out.is_infinite() || start.is_some() => {
                return Ok(started_or_unknown(start, bound.value));
            }
            _ => n_pairs *= 4,
        }
    }
}

fn started_or_unknown(start: Option<Chosen>, bound: f64) -> Outcome {
    match start {
        Some(chosen) => Outcome::Found(Found { chosen, bound }),
        None => Outcome::Unknown,
    }
}

fn placed(chosen: &Chosen, from: &[usize]) -> Chosen {
    let place = |pair: &Option<usize>| pair.and_then(|at| from.binary_search(&at).ok());
    chosen.iter().map(place).collect()
}

fn lifted(chosen: &Chosen, from: &[usize]) -> Chosen {
    chosen.iter().map(|pair| pair.map(|at| from[at])).collect()
}

/// The most recipients that can be served, and whether more are ruled out.
pub(super) fn most_served(program: &Program, max_nodes: usize) -> Result<Outcome> {
    best(&program.valued(|_| 1.0), max_nodes)
}

/// Whether any choice keeps to everything; where that could not be told, it is taken for possible.
pub(super) fn is_possible(program: &Program) -> Result<bool> {
    if let Some(known) = of_large(program)? {
        return Ok(known);
    }
    let any = integer::solve(&program.valued(|_| 0.0), None, None)?;
    Ok(!matches!(any, Outcome::Impossible))
}

/// For a large program: a bound on how many of those who must be served can be, and a calendar
/// that serves them, where either tells.
fn of_large(program: &Program) -> Result<Option<bool>> {
    if program.is_flow() {
        let all: Vec<usize> = (0..program.lots.len()).collect();
        return Ok(Some(feasible::flow(program, &all).is_some()));
    }
    if program.pairs.len() <= WHOLE {
        return Ok(None);
    }
    let n_must = program.must.iter().filter(|must| **must).count();
    let mut counted = program.valued(|pair| f64::from(u8::from(program.must[pair.recipient])));
    counted.must.fill(false);
    let bound = bound(&counted)?;
    if bound.value < n_must as f64 - 1e-6 {
        return Ok(Some(false));
    }
    let served = feasible::search(&counted, &bound)?;
    let serves_all = served.is_some_and(|chosen| program.allows(&chosen));
    Ok(serves_all.then_some(true))
}
