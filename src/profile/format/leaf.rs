//! Which rows of a table hold abundance of their own, and which repeat the rows below them.
//!
//! Profilers write every rank into one table: the abundance of a genus stands in its row and again
//! in the rows of its species. Interior ranks are never columns here, nor trusted: genuine files
//! have ranks that sum to less than the species below them. The rule:
//!
//! * where a row of rank `t__` (an SGB) occurs, leaves are the `t__` rows, and the `s__` rows
//!   that have none below;
//! * else, where a row of rank `s__` occurs, leaves are the `s__` rows;
//! * else the rows of the deepest rank there is;
//! * in a table not known to repeat ranks, this rule applies only where rows lie below other rows
//!   and nine in ten of those others hold at least what the rows below them hold; otherwise every
//!   row is a leaf.

use std::collections::{HashMap, HashSet};

use super::draft::Hierarchy;
use crate::profile::{CsrMatrix, Rank, Taxon};

/// The rows that are leaves, in order, and a sentence about the others.
pub(super) struct Leaves {
    pub(super) rows: Vec<usize>,
    pub(super) note: Option<String>,
}

/// Finds the leaves of a table of taxa × samples.
pub(super) fn leaves(taxa: &[Taxon], by_taxon: &CsrMatrix, hierarchy: Hierarchy) -> Leaves {
    let all = || Leaves {
        rows: (0..taxa.len()).collect(),
        note: None,
    };
    let ranks: Vec<Option<Rank>> = taxa.iter().map(|taxon| last_rank(taxon.label())).collect();
    match hierarchy {
        Hierarchy::Leaves => return all(),
        Hierarchy::Unknown if !repeats_ranks(taxa, by_taxon) => return all(),
        Hierarchy::Unknown | Hierarchy::AllRanks => {}
    }
    let Some(deepest) = ranks.iter().copied().max().flatten() else {
        return all();
    };
    let parents_of_strains: HashSet<&str> = taxa
        .iter()
        .zip(&ranks)
        .filter(|(_, rank)| **rank == Some(Rank::Strain))
        .filter_map(|(taxon, _)| parent(taxon.label()))
        .collect();
    let is_leaf = |row: &usize| match (ranks.get(*row).copied().flatten(), deepest) {
        (Some(Rank::Species), Rank::Strain) => taxa
            .get(*row)
            .is_some_and(|taxon| !parents_of_strains.contains(taxon.label())),
        (Some(rank), deepest) => rank == deepest,
        (None, _) => false,
    };
    let rows: Vec<usize> = (0..taxa.len()).filter(is_leaf).collect();
    let note = Some(format!(
        "{} of {} rows are interior ranks and were not read: leaves are at rank {deepest}",
        taxa.len() - rows.len(),
        taxa.len(),
    ));
    Leaves { rows, note }
}

/// The rank of the last part of a label, by its prefix, even where the name is empty.
fn last_rank(label: &str) -> Option<Rank> {
    let last = label.rsplit(['|', ';']).next()?.trim();
    let (prefix, _) = last.split_once("__")?;
    let mut letters = prefix.chars();
    let rank = Rank::from_letter(letters.next()?)?;
    letters.next().is_none().then_some(rank)
}

fn parent(label: &str) -> Option<&str> {
    label.rfind(['|', ';']).map(|at| label[..at].trim_end())
}

/// Whether the rows above other rows repeat the abundance of those.
fn repeats_ranks(taxa: &[Taxon], by_taxon: &CsrMatrix) -> bool {
    let rows: HashMap<&str, usize> = taxa.iter().map(Taxon::label).zip(0..).collect();
    let totals = by_taxon.row_sums();
    let mut below: HashMap<usize, f64> = HashMap::new();
    for (taxon, total) in taxa.iter().zip(&totals) {
        if let Some(&above) = parent(taxon.label()).and_then(|label| rows.get(label)) {
            *below.entry(above).or_insert(0.0) += total;
        }
    }
    let n_covering = below
        .iter()
        .filter(|&(&above, &sum)| totals.get(above).is_some_and(|&total| total >= 0.99 * sum))
        .count();
    !below.is_empty() && n_covering * 10 >= below.len() * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(labels: &[&str], values: &[f64], hierarchy: Hierarchy) -> Vec<usize> {
        let taxa: Vec<Taxon> = labels.iter().copied().map(Taxon::new).collect();
        let rows = values.iter().map(|&value| vec![(0, value)]).collect();
        leaves(&taxa, &CsrMatrix::from_rows(1, rows).unwrap(), hierarchy).rows
    }

    #[test]
    fn strains_and_species_without_strains_are_leaves() {
        let labels = [
            "k__A",
            "k__A|s__B",
            "k__A|s__B|t__C",
            "k__A|s__D",
            "k__E|g__F",
        ];
        let values = [100.0, 60.0, 60.0, 40.0, 1.0];
        assert_eq!(found(&labels, &values, Hierarchy::AllRanks), [2, 3]);
    }

    #[test]
    fn rows_that_do_not_cover_those_below_are_leaves_too() {
        let labels = ["k__A;p__B", "k__A;p__B;c__C"];
        assert_eq!(found(&labels, &[5.0, 90.0], Hierarchy::Unknown), [0, 1]);
        assert_eq!(found(&labels, &[90.0, 90.0], Hierarchy::Unknown), [1]);
    }

    #[test]
    fn labels_without_ranks_are_all_leaves() {
        assert_eq!(found(&["a", "b"], &[1.0, 1.0], Hierarchy::AllRanks), [0, 1]);
    }
}
