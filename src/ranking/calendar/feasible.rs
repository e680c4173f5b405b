//! Good calendars, quickly: given the lots that are made, the doses flow at least cost.

use super::bound::Bound;
use super::program::{Chosen, Program};
use crate::ranking::flow::{Cost, Problem};
use crate::{Result, cancel};

/// Times that the rooms and days are gone through for a better lot.
const PASSES: usize = 6;
/// Lots of a room and day that are tried for the one that it has.
const TRIED: usize = 12;

/// The best choice of these lots; `None` where it breaks a row or leaves out who must be served.
pub(super) fn flow(program: &Program, lots: &[usize]) -> Option<Chosen> {
    let chosen = flow_of_most(program, lots);
    program.allows(&chosen).then_some(chosen)
}

/// The choice of these lots that serves most of those who must be served, or, where nobody must,
/// has the highest utility.
fn flow_of_most(program: &Program, lots: &[usize]) -> Chosen {
    let mut column = vec![None; program.lots.len()];
    for (at, &lot) in lots.iter().enumerate() {
        column[lot] = Some(at);
    }
    let n_recipients = program.must.len();
    let mut costs = vec![vec![None; lots.len()]; n_recipients];
    let mut pair_at = vec![vec![None; lots.len()]; n_recipients];
    for (at, pair) in program.pairs.iter().enumerate() {
        if let Some(column) = column[pair.batch] {
            costs[pair.recipient][column] = Some(Cost::new(0, -pair.utility));
            pair_at[pair.recipient][column] = Some(at);
        }
    }
    let missed = i64::from(program.must.iter().any(|must| *must));
    let problem = Problem {
        costs,
        capacities: lots.iter().map(|&lot| program.lots[lot].doses).collect(),
        unassigned: Cost::new(missed, 0.0),
    };
    let donor_of = problem.solve().donor_of.into_iter().enumerate();
    donor_of
        .map(|(recipient, column)| pair_at[recipient][column?])
        .collect()
}

/// The best choice found among the lots that the bound took together, and by exchanging lots.
pub(super) fn search(program: &Program, bound: &Bound) -> Result<Option<Chosen>> {
    let mut best: Option<(f64, Vec<usize>, Chosen)> = None;
    let starts = bound.taken.iter().cloned();
    for lots in starts.chain([heaviest(program, bound)]) {
        cancel::check()?;
        keep_better(program, &mut best, lots);
    }
    let Some(start) = best else { return Ok(None) };
    exchange(program, bound, start).map(Some)
}

fn keep_better(program: &Program, best: &mut Option<(f64, Vec<usize>, Chosen)>, lots: Vec<usize>) {
    let Some(chosen) = flow(program, &lots) else {
        return;
    };
    let value = program.value(&chosen);
    if best.as_ref().is_none_or(|(known, ..)| value > *known) {
        *best = Some((value, lots, chosen));
    }
}

/// Of each room and day the lot that was taken most, and all lots in stock.
fn heaviest(program: &Program, bound: &Bound) -> Vec<usize> {
    let mut of_group: Vec<Option<usize>> = vec![None; program.n_groups];
    let mut lots = Vec::new();
    for (at, lot) in program.lots.iter().enumerate() {
        match lot.group {
            None => lots.push(at),
            Some(group) => {
                let known = of_group[group].map_or(0.0, |known: usize| bound.weight[known]);
                if bound.weight[at] > known {
                    of_group[group] = Some(at);
                }
            }
        }
    }
    lots.extend(of_group.into_iter().flatten());
    lots
}

/// Goes through the rooms and days and takes another lot wherever that gains.
fn exchange(
    program: &Program,
    bound: &Bound,
    (mut value, mut lots, mut chosen): (f64, Vec<usize>, Chosen),
) -> Result<Chosen> {
    let candidates = candidates(program, bound);
    for _ in 0..PASSES {
        let before = value;
        for at in 0..lots.len() {
            let Some(group) = program.lots[lots[at]].group else {
                continue;
            };
            for &other in &candidates[group] {
                cancel::check()?;
                if other == lots[at] {
                    continue;
                }
                let own = std::mem::replace(&mut lots[at], other);
                let found = flow(program, &lots).map(|found| (program.value(&found), found));
                match found {
                    Some((better, found)) if better > value + 1e-12 => {
                        (value, chosen) = (better, found);
                    }
                    _ => lots[at] = own,
                }
            }
        }
        if value <= before {
            break;
        }
    }
    Ok(chosen)
}

/// Of each room and day the lots that were taken most.
fn candidates(program: &Program, bound: &Bound) -> Vec<Vec<usize>> {
    let mut of_group: Vec<Vec<usize>> = vec![Vec::new(); program.n_groups];
    for (at, lot) in program.lots.iter().enumerate() {
        if let Some(group) = lot.group.filter(|_| bound.weight[at] > 1e-3) {
            of_group[group].push(at);
        }
    }
    for lots in &mut of_group {
        lots.sort_by(|&a, &b| bound.weight[b].total_cmp(&bound.weight[a]));
        lots.truncate(TRIED);
    }
    of_group
}
