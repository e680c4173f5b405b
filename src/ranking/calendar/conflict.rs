//! Why there is no calendar: constraints that cannot hold together, none of which is idle in that.

use std::collections::HashSet;

use super::case::Case;
use super::constraint::Constraint;
use super::program::{Kept, Program};
use super::solve::is_possible;
use crate::{Result, cancel};

/// A set of constraints that conflict, each of which could be dropped to make them hold; `None`
/// where all hold together.
///
/// `QuickXplain` (Junker 2004, AAAI), first over who must be served, then over the rest for these
/// recipients alone, so that the second search is over a small program.
pub(super) fn conflict(case: &Case<'_>) -> Result<Option<Vec<Constraint>>> {
    let (served, rest) = case.constraints();
    let served: Vec<&Constraint> = served.iter().collect();
    let rest: Vec<&Constraint> = rest.iter().collect();
    let all: Vec<&Constraint> = served.iter().chain(&rest).copied().collect();
    if holds(case, &all)? {
        return Ok(None);
    }
    let served = if holds(case, &rest)? {
        smallest(case, &rest, !rest.is_empty(), &served)?
    } else {
        Vec::new()
    };
    let rest = if holds(case, &served)? {
        smallest(case, &served, false, &rest)?
    } else {
        Vec::new()
    };
    Ok(Some(served.into_iter().chain(rest).cloned().collect()))
}

fn holds(case: &Case<'_>, kept: &[&Constraint]) -> Result<bool> {
    let kept: HashSet<&Constraint> = kept.iter().copied().collect();
    let program = Program::new(case, Kept::Only(&kept));
    // Who goes without is in nobody's way, but in that of a spread.
    let counts_all =
        kept.contains(&Constraint::MaxUtilitySpread) || kept.contains(&Constraint::MaxServedSpread);
    if counts_all {
        return is_possible(&program);
    }
    let (program, _) = program.restricted(|_, pair| program.must[pair.recipient]);
    is_possible(&program)
}

/// Of `searched` the members that conflict with each other and the `background`; `is_new` says
/// whether the background gained since it last held.
fn smallest<'a>(
    case: &Case<'_>,
    background: &[&'a Constraint],
    is_new: bool,
    searched: &[&'a Constraint],
) -> Result<Vec<&'a Constraint>> {
    cancel::check()?;
    if is_new && !holds(case, background)? {
        return Ok(Vec::new());
    }
    if searched.len() < 2 {
        return Ok(searched.to_vec());
    }
    let (first, second) = searched.split_at(searched.len() / 2);
    let with_first = [background, first].concat();
    let of_second = smallest(case, &with_first, !first.is_empty(), second)?;
    let with_second = [background, of_second.as_slice()].concat();
    let of_first = smallest(case, &with_second, !of_second.is_empty(), first)?;
    Ok(of_first.into_iter().chain(of_second).collect())
}
