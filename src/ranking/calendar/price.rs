//! What one more dose would be worth.

use super::outcome::Outcome;
use super::program::{Chosen, Program, Row};
use super::solve::best;
use crate::Result;
use crate::ranking::Coverage;

/// What one more dose of a lot adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    pub(super) utility: f64,
    pub(super) n_more_served: usize,
}

/// The price of one more dose of each lot that is made, the days kept, all else arranged anew.
pub(super) fn prices(
    program: &Program,
    coverage: Coverage,
    chosen: &Chosen,
    max_nodes: usize,
) -> Result<Vec<Option<Price>>> {
    let n_used = program.used(chosen);
    let (mut kept, _) = program.restricted(|_, pair| n_used[pair.batch] > 0);
    for lot in &mut kept.lots {
        lot.group = None;
    }
    kept.n_groups = 0;
    let has_switches = kept.rows.iter().any(Row::counts_lots);
    if !has_switches {
        kept.lots.iter_mut().for_each(|lot| lot.is_switched = false);
    }
    let n_served = chosen.iter().flatten().count();
    let value = program.value(chosen);
    let mut prices = vec![None; n_used.len()];
    for lot in (0..n_used.len()).filter(|&lot| n_used[lot] > 0) {
        let mut more = kept.clone();
        more.lots[lot].doses += 1;
        let n_more_served = if coverage == Coverage::Most {
            // Within the nodes fewer may be found than are known to be possible.
            n_most(&more, max_nodes)?.map_or(0, |n| n.saturating_sub(n_served))
        } else {
            0
        };
        if coverage == Coverage::Most {
            more = more.serving(n_served + n_more_served);
        }
        if let Outcome::Found(found) = best(&more, max_nodes)? {
            prices[lot] = Some(Price {
                utility: more.value(&found.chosen) - value,
                n_more_served,
            });
        }
    }
    Ok(prices)
}

fn n_most(program: &Program, max_nodes: usize) -> Result<Option<usize>> {
    Ok(match super::solve::most_served(program, max_nodes)? {
        Outcome::Found(found) => Some(found.chosen.iter().flatten().count()),
        _ => None,
    })
}
