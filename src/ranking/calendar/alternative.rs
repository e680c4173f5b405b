//! The next best calendars.

use super::outcome::{Found, Outcome};
use super::program::{Chosen, Program};
use super::solve::best;
use crate::Result;

/// The next best choices in order, each with another set of donors for recipients than the ones
/// before it; fewer where there are no more.
pub(super) fn alternatives(
    program: &Program,
    chosen: &Chosen,
    n: usize,
    max_nodes: usize,
) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = Vec::new();
    let mut rest = program.without(chosen);
    while found.len() < n {
        let Outcome::Found(next) = best(&rest, max_nodes)? else {
            break;
        };
        rest = rest.without(&next.chosen);
        found.push(next);
    }
    // Where a search ended with a gap, a later one can be better than an earlier one.
    found.sort_by(|a, b| {
        program
            .value(&b.chosen)
            .total_cmp(&program.value(&a.chosen))
    });
    Ok(found)
}
