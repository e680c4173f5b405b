//! Which rows of a table hold abundance of their own, and which repeat the rows below them.
//!
//! Profilers write every rank into one table: the abundance of a genus stands in its row and again
//! in the rows of its species. Others write each read into one row, at the best rank that it
//! reaches. The two are told apart so:
//!
//! * Where no row lies above another, no row repeats another.
//! * In relative abundances the whole tells: either all rows sum to it, or those at the top do.
//! * A table that repeats its ranks has the rows above the parents too, up to the root, and these
//!   hold what is below them. Where every second or more holds just that, it repeats them.
//! * What is between is asked for (`ranks`).
//!
//! In a table that repeats its ranks the columns are the rows of the deepest rank (species, and
//! strains where they have any); what the rows above hold beyond them is unclassified.

use std::collections::HashMap;

use super::options::Ranks;
use crate::profile::{CsrMatrix, Rank, Taxon};

/// Whether the rows may hold interior ranks, whose abundance the rows below them hold again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// Every row holds abundance of its own.
    Leaves,
    /// Kingdom to species (and SGB) in one table, as profilers write it.
    AllRanks,
    /// Not known: decided from labels and sums.
    Unknown,
}

/// The rows that are leaves, in order, and what the others hold beyond them.
#[derive(Debug)]
pub(super) struct Leaves {
    pub(super) rows: Vec<usize>,
    /// What each sample has in rows above the leaves and in none of them; empty for nothing.
    pub(super) unresolved: Vec<f64>,
    pub(super) ranks: Ranks,
    pub(super) reason: String,
}

/// How far rounding may part a row from the sum of the rows below it, relatively.
const ROUNDING: f64 = 0.01;
/// Samples that are looked at to tell whether ranks repeat.
const N_LOOKED_AT: usize = 256;

/// Finds the leaves of a table of taxa × samples of which `unknown` is unclassified.
///
/// # Errors
/// Where labels and sums do not tell, a message that names `ranks`.
pub(super) fn leaves(
    taxa: &[Taxon],
    by_taxon: &CsrMatrix,
    unknown: &[f64],
    hierarchy: Hierarchy,
    stated: Option<Ranks>,
) -> Result<Leaves, String> {
    let disjoint = |reason: &str| {
        Ok(Leaves {
            rows: (0..taxa.len()).collect(),
            unresolved: Vec::new(),
            ranks: Ranks::Disjoint,
            reason: reason.to_owned(),
        })
    };
    if stated == Some(Ranks::Disjoint) {
        return disjoint("as declared");
    }
    if hierarchy == Hierarchy::Leaves && stated.is_none() {
        return disjoint("the format has no rows above others");
    }
    let tree = Tree::new(taxa);
    let reason = match (stated, hierarchy) {
        (Some(_), _) => "as declared".to_owned(),
        _ if tree.is_flat && !tree.has_bare_ranks() => {
            return disjoint("no row lies above another");
        }
        (None, Hierarchy::AllRanks) => {
            let held = Held::count(&tree, by_taxon);
            if held.n_top > 0 && held.n_top_covers * 2 < held.n_top {
                return disjoint("rows at the top hold less than the rows below them");
            }
            "the format repeats its ranks".to_owned()
        }
        (None, _) => match judge(&tree, by_taxon, unknown)? {
            (Ranks::Repeated, reason) => reason.to_owned(),
            (Ranks::Disjoint, reason) => return disjoint(reason),
        },
    };
    let rows = tree.columns();
    refuse_two_units(&tree, by_taxon, &rows)?;
    let unresolved = unresolved(&tree, by_taxon, &rows);
    Ok(Leaves {
        rows,
        unresolved,
        ranks: Ranks::Repeated,
        reason,
    })
}

/// What lies above what, by the labels.
struct Tree {
    /// The nearest row above each row.
    above: Vec<Option<usize>>,
    /// Whether any row lies below each row.
    has_below: Vec<bool>,
    ranks: Vec<Option<Rank>>,
    /// The number of names in each label.
    depth: Vec<usize>,
    /// Whether no row lies above another.
    is_flat: bool,
}

impl Tree {
    fn new(taxa: &[Taxon]) -> Self {
        let numbers: HashMap<&str, usize> = taxa.iter().map(Taxon::label).zip(0..).collect();
        let above: Vec<Option<usize>> = taxa
            .iter()
            .map(|taxon| ancestors(taxon.label()).find_map(|label| numbers.get(label).copied()))
            .collect();
        let mut has_below = vec![false; taxa.len()];
        for &row in above.iter().flatten() {
            if let Some(has) = has_below.get_mut(row) {
                *has = true;
            }
        }
        Self {
            is_flat: above.iter().all(Option::is_none),
            above,
            has_below,
            ranks: taxa.iter().map(|taxon| last_rank(taxon.label())).collect(),
            depth: taxa
                .iter()
                .map(|taxon| ancestors(taxon.label()).count() + 1)
                .collect(),
        }
    }

    /// Whether rows of several ranks stand without their lineages (`k__…`, `g__…`, `s__…`).
    fn has_bare_ranks(&self) -> bool {
        let ranks: Vec<Rank> = self.bare().filter_map(|(_, rank)| rank).collect();
        ranks.contains(&Rank::Kingdom) && ranks.iter().any(|&rank| rank > Rank::Kingdom)
    }

    fn bare(&self) -> impl Iterator<Item = (usize, Option<Rank>)> + '_ {
        let ranks = self.ranks.iter().copied().enumerate();
        ranks.filter(|(row, _)| self.depth.get(*row) == Some(&1))
    }

    /// Whether no row lies above this one; without lineages, whether it is a kingdom.
    fn is_top(&self, row: usize) -> bool {
        if self.is_flat {
            self.ranks.get(row) == Some(&Some(Rank::Kingdom))
        } else {
            self.above.get(row) == Some(&None)
        }
    }

    fn is_below_all(&self, row: usize) -> bool {
        self.has_below.get(row) == Some(&false)
    }

    /// Whether every row of more than one name has a row above it, up to one of a single name.
    fn is_rooted(&self) -> bool {
        let mut rows = self.above.iter().zip(&self.depth);
        rows.all(|(above, &depth)| depth == 1 || above.is_some())
    }

    /// The rows that become columns where ranks repeat.
    fn columns(&self) -> Vec<usize> {
        let deepest = if self.is_flat && !self.has_bare_ranks() {
            None
        } else {
            self.ranks.iter().copied().max().flatten()
        };
        let least = deepest.map(|deepest| {
            let has_species = self.ranks.contains(&Some(Rank::Species));
            if has_species { Rank::Species } else { deepest }
        });
        let bare_strains = self.is_flat && deepest == Some(Rank::Strain);
        let is_column = |row: &usize| {
            let rank = self.ranks.get(*row).copied().flatten();
            self.is_below_all(*row)
                && match (rank, least) {
                    (Some(_), Some(_)) if bare_strains => rank == deepest,
                    (Some(rank), Some(least)) => rank >= least,
                    _ => true,
                }
        };
        (0..self.above.len()).filter(is_column).collect()
    }
}

/// The labels above a label, nearest first.
fn ancestors(label: &str) -> impl Iterator<Item = &str> {
    let mut rest = label;
    std::iter::from_fn(move || {
        let at = rest.rfind(['|', ';'])?;
        rest = rest.get(..at).unwrap_or_default().trim_end();
        Some(rest)
    })
}

/// The rank of the last part of a label, by its prefix, even where the name is empty.
fn last_rank(label: &str) -> Option<Rank> {
    let last = label.rsplit(['|', ';']).next()?.trim();
    let (prefix, _) = last.split_once("__")?;
    let mut letters = prefix.chars();
    let rank = Rank::from_letter(letters.next()?)?;
    letters.next().is_none().then_some(rank)
}

/// Tells from labels and values whether ranks repeat.
fn judge(
    tree: &Tree,
    by_taxon: &CsrMatrix,
    unknown: &[f64],
) -> Result<(Ranks, &'static str), String> {
    let all = sums(by_taxon, unknown, |_| true);
    let tops = sums(by_taxon, unknown, |row| tree.is_top(row));
    let is_whole_number = by_taxon.values().iter().all(|value| value.fract() == 0.0);
    if !is_whole_number {
        if all.iter().all(|&sum| is_whole(sum)) {
            return Ok((Ranks::Disjoint, "all rows sum to the whole"));
        }
        if tree.is_rooted() && tops.iter().all(|&sum| is_whole(sum)) {
            return Ok((Ranks::Repeated, "the rows at the top sum to the whole"));
        }
    }
    if tree.is_flat {
        return judge_bare(tree, by_taxon, &tops, unknown);
    }
    let held = Held::count(tree, by_taxon);
    let unclear = Err(
        "it cannot be told whether rows above others repeat their abundance: set `ranks` to \
         `repeated` (a row holds what the rows below it hold) or `disjoint` (every row holds \
         abundance of its own)"
            .to_owned(),
    );
    if !tree.is_rooted() {
        return if held.n_equal * 10 >= held.n * 9 {
            unclear
        } else {
            Ok((Ranks::Disjoint, "the rows above the parents are not there"))
        };
    }
    if held.n_top_covers * 2 < held.n_top {
        Ok((
            Ranks::Disjoint,
            "rows at the top hold less than the rows below them",
        ))
    } else if held.n_covers * 10 >= held.n * 9 && held.n_equal * 2 >= held.n {
        Ok((
            Ranks::Repeated,
            "the rows above others sum them up, to the root",
        ))
    } else {
        unclear
    }
}

/// The same where rows have no lineages: every rank sums to the same, or all rows together are
/// the whole.
fn judge_bare(
    tree: &Tree,
    by_taxon: &CsrMatrix,
    tops: &[f64],
    unknown: &[f64],
) -> Result<(Ranks, &'static str), String> {
    let ranks = Rank::ALL
        .iter()
        .filter(|&&rank| tree.ranks.contains(&Some(rank)));
    let (mut n, mut n_equal, mut n_below) = (0, 0, 0);
    for &rank in ranks.filter(|&&rank| rank != Rank::Kingdom) {
        let of_rank = sums(by_taxon, unknown, |row| {
            tree.ranks.get(row) == Some(&Some(rank))
        });
        for (&sum, &top) in of_rank.iter().zip(tops) {
            n += 1;
            n_equal += usize::from((sum - top).abs() <= ROUNDING * top);
            n_below += usize::from(sum <= top * (1.0 + ROUNDING));
        }
    }
    if n_equal * 10 >= n * 9 {
        Ok((Ranks::Repeated, "every rank sums to the same"))
    } else if n_below * 10 >= n * 9 {
        Err(
            "rows of several ranks stand without lineages, and it cannot be told whether they \
             repeat each other: set `ranks` to `repeated` (the deepest rank holds all) or \
             `disjoint` (every row holds abundance of its own)"
                .to_owned(),
        )
    } else {
        Ok((Ranks::Disjoint, "ranks sum to more than those above them"))
    }
}

/// How often a row holds what is below it.
#[derive(Debug, Default)]
struct Held {
    n: usize,
    n_covers: usize,
    n_equal: usize,
    n_top: usize,
    n_top_covers: usize,
}

impl Held {
    fn count(tree: &Tree, by_taxon: &CsrMatrix) -> Self {
        let n_samples = by_taxon.n_cols().min(N_LOOKED_AT);
        let mut below: HashMap<usize, Vec<f64>> = HashMap::new();
        for (row, &above) in tree.above.iter().enumerate() {
            let Some(above) = above else { continue };
            let sums = below.entry(above).or_insert_with(|| vec![0.0; n_samples]);
            add(sums, by_taxon, row, 1.0);
        }
        let mut held = Self::default();
        for (row, below) in below {
            let mut own = vec![0.0; n_samples];
            add(&mut own, by_taxon, row, 1.0);
            let is_top = tree.above.get(row) == Some(&None);
            for (own, below) in own.into_iter().zip(below) {
                if own == 0.0 && below == 0.0 {
                    continue;
                }
                let covers = own >= below - ROUNDING * below;
                held.n += 1;
                held.n_covers += usize::from(covers);
                held.n_equal += usize::from((own - below).abs() <= ROUNDING * own.max(below));
                held.n_top += usize::from(is_top);
                held.n_top_covers += usize::from(is_top && covers);
            }
        }
        held
    }
}

/// Adds the values of a row to the sums of the samples.
fn add(sums: &mut [f64], by_taxon: &CsrMatrix, row: usize, sign: f64) {
    let (samples, values) = by_taxon.row(row);
    for (&sample, &value) in samples.iter().zip(values) {
        if let Some(sum) = sums.get_mut(sample as usize) {
            *sum += sign * value;
        }
    }
}

/// The sum of each sample over these rows, with what is unclassified.
fn sums(by_taxon: &CsrMatrix, unknown: &[f64], is_in: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut sums = vec![0.0; by_taxon.n_cols()];
    for row in (0..by_taxon.n_rows()).filter(|&row| is_in(row)) {
        add(&mut sums, by_taxon, row, 1.0);
    }
    for (sum, unknown) in sums.iter_mut().zip(unknown) {
        *sum += unknown;
    }
    sums
}

/// Whether a sum is that of a whole sample, in fractions or percent.
fn is_whole(sum: f64) -> bool {
    (sum - 1.0).abs() <= 0.02 || (sum - 100.0).abs() <= 2.0
}

/// Refuses a table whose columns were divided by 100 and whose other rows were not.
fn refuse_two_units(tree: &Tree, by_taxon: &CsrMatrix, columns: &[usize]) -> Result<(), String> {
    let tops = sums(by_taxon, &[], |row| tree.is_top(row));
    let below = sums(by_taxon, &[], |row| columns.binary_search(&row).is_ok());
    let is_hundredth = |(top, below): (&f64, &f64)| {
        let expected = top / 100.0;
        *top > 0.0 && (below - expected).abs() <= ROUNDING * expected
    };
    if !tops.is_empty() && tops.iter().zip(&below).all(is_hundredth) {
        return Err(
            "the rows at the top sum to a hundred times what the rows below them do: bring all rows \
             to one unit"
                .to_owned(),
        );
    }
    Ok(())
}

/// What each sample has above the columns and in none of them.
fn unresolved(tree: &Tree, by_taxon: &CsrMatrix, columns: &[usize]) -> Vec<f64> {
    let n_samples = by_taxon.n_cols();
    let mut beyond = vec![0.0; n_samples];
    let mut orphans = vec![0.0; n_samples];
    let mut tops = vec![0.0; n_samples];
    for row in 0..tree.above.len() {
        let is_column = columns.binary_search(&row).is_ok();
        if tree.is_top(row) {
            add(&mut beyond, by_taxon, row, 1.0);
            add(&mut tops, by_taxon, row, 1.0);
        }
        if is_column {
            add(&mut beyond, by_taxon, row, -1.0);
        } else if tree.is_below_all(row) && !tree.is_flat {
            add(&mut orphans, by_taxon, row, 1.0);
        }
    }
    let whole_numbers = by_taxon.values().iter().all(|value| value.fract() == 0.0);
    let of_samples = beyond.into_iter().zip(orphans).zip(tops);
    let unresolved: Vec<f64> = of_samples
        .map(|((beyond, orphans), top)| {
            // Percentages are rounded in every row: a thousandth of the top is no abundance.
            let is_rounding = !whole_numbers && beyond <= 1e-3 * top;
            if is_rounding {
                orphans
            } else {
                beyond.max(orphans)
            }
        })
        .collect();
    if unresolved.iter().all(|&abundance| abundance == 0.0) {
        return Vec::new();
    }
    unresolved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(labels: &[&str], values: &[f64], hierarchy: Hierarchy) -> Result<Leaves, String> {
        let taxa: Vec<Taxon> = labels.iter().copied().map(Taxon::new).collect();
        let rows = values.iter().map(|&value| vec![(0, value)]).collect();
        let matrix = CsrMatrix::from_rows(1, rows).unwrap();
        leaves(&taxa, &matrix, &[0.0], hierarchy, None)
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
        let leaves = found(&labels, &values, Hierarchy::AllRanks).unwrap();
        assert_eq!(leaves.rows, [2, 3]);
        assert_eq!(leaves.unresolved, [1.0]);
    }

    #[test]
    fn rows_above_others_are_sums_only_up_to_a_root() {
        let labels = ["k__A;p__B", "k__A;p__B;c__C"];
        let apart = found(&labels, &[5.0, 90.0], Hierarchy::Unknown).unwrap();
        assert_eq!(apart.rows, [0, 1]);
        let more = found(&labels, &[95.0, 90.0], Hierarchy::Unknown).unwrap();
        assert_eq!(more.rows, [0, 1]);
        let equal = found(&labels, &[90.0, 90.0], Hierarchy::Unknown).unwrap_err();
        assert!(equal.contains("`ranks`"), "{equal}");
        let labels = ["k__A", "k__A;p__B", "k__A;p__B;c__C"];
        let rooted = found(&labels, &[100.0, 90.0, 90.0], Hierarchy::Unknown).unwrap();
        assert_eq!((rooted.rows, rooted.unresolved), (vec![2], vec![10.0]));
    }

    #[test]
    fn ranks_without_lineages_repeat_where_all_sum_to_the_same() {
        let labels = ["k__A", "g__B", "g__C", "s__D"];
        let repeated = found(&labels, &[10.0, 4.0, 6.0, 10.0], Hierarchy::Unknown).unwrap();
        assert_eq!(repeated.rows, [3]);
        assert!(found(&labels, &[10.0, 4.0, 6.0, 7.0], Hierarchy::Unknown).is_err());
        let apart = found(&labels, &[1.0, 4.0, 6.0, 7.0], Hierarchy::Unknown).unwrap();
        assert_eq!(apart.rows, [0, 1, 2, 3]);
    }

    #[test]
    fn labels_without_ranks_are_all_leaves() {
        let leaves = found(&["a", "b"], &[1.0, 1.0], Hierarchy::AllRanks).unwrap();
        assert_eq!(leaves.rows, [0, 1]);
    }
}
