//! The branches of a tree that tell the taxa of some tables apart, and the abundance below each.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::cross::{Batch, Source};
use super::kernel::sum_in_order;
use crate::Result;
use crate::feature::Phylogeny;
use crate::profile::{CsrMatrix, ProfileTable};

/// The branches above the taxa of some tables, numbered from 0 in postorder.
///
/// Those without a fork between them are one: below them are the same taxa. There are thus fewer
/// than twice as many as taxa, however large the tree.
pub(super) struct Branches {
    /// The branch of each taxon; `None` for a taxon without abundance.
    tips: Vec<Option<u32>>,
    parents: Vec<Option<u32>>,
    lengths: Vec<f64>,
}

impl Branches {
    /// The branches above the taxa of two tables with the same columns.
    pub(super) fn new(
        tree: &Phylogeny,
        donors: &ProfileTable,
        recipients: &ProfileTable,
    ) -> Result<Self> {
        let mut nodes = tree.tips_of(donors)?;
        for (node, other) in nodes.iter_mut().zip(tree.tips_of(recipients)?) {
            *node = node.or(other);
        }
        let mut has_abundance = vec![false; donors.n_taxa()];
        for table in [donors, recipients] {
            for &taxon in table.abundance().indices() {
                has_abundance[taxon as usize] = true;
            }
        }
        for (node, _) in nodes
            .iter_mut()
            .zip(&has_abundance)
            .filter(|(_, has)| !**has)
        {
            *node = None;
        }
        Ok(Self::above(tree, &nodes))
    }

    /// The branches above some tips.
    fn above(tree: &Phylogeny, tips: &[Option<u32>]) -> Self {
        let n_nodes = tree.n_nodes();
        let mut is_above = vec![false; n_nodes];
        for tip in tips {
            let mut above = *tip;
            while let Some(node) = above.filter(|&node| !is_above[node as usize]) {
                is_above[node as usize] = true;
                above = tree.parents()[node as usize];
            }
        }
        let mut n_children = vec![0_u32; n_nodes];
        // Of each node above a tip; before its turn, that of the child seen last.
        let mut branch_of = vec![0_u32; n_nodes];
        let mut lengths: Vec<f64> = Vec::new();
        let mut highest: Vec<usize> = Vec::new();
        for node in (0..n_nodes).filter(|&node| is_above[node]) {
            let length = tree.lengths()[node];
            if n_children[node] == 1 {
                let branch = branch_of[node] as usize;
                lengths[branch] += length;
                highest[branch] = node;
            } else {
                branch_of[node] = lengths.len() as u32;
                lengths.push(length);
                highest.push(node);
            }
            if let Some(parent) = tree.parents()[node] {
                n_children[parent as usize] += 1;
                branch_of[parent as usize] = branch_of[node];
            }
        }
        let parent_of = |&node: &usize| tree.parents()[node].map(|node| branch_of[node as usize]);
        let renumbered = |tip: &Option<u32>| tip.map(|node| branch_of[node as usize]);
        Self {
            parents: highest.iter().map(parent_of).collect(),
            tips: tips.iter().map(renumbered).collect(),
            lengths,
        }
    }

    /// The length of each branch.
    pub(super) fn lengths(&self) -> &[f64] {
        &self.lengths
    }

    /// Sets the bits of the branches above some taxa, 64 branches a word.
    pub(super) fn mark(&self, taxa: &[u32], words: &mut [u64]) {
        for &taxon in taxa {
            let mut above = self.tips[taxon as usize];
            while let Some(branch) = above {
                let (word, bit) = (&mut words[branch as usize / 64], 1 << (branch % 64));
                // Another taxon has come this way.
                if *word & bit != 0 {
                    break;
                }
                *word |= bit;
                above = self.parents[branch as usize];
            }
        }
    }
}

/// Samples × branches: the fraction of the sample below each branch, by its length.
///
/// Rows are made when asked for: several times the values of the samples themselves, all of them
/// would be the largest thing in memory beside the result.
pub(super) struct BranchRows<'a> {
    branches: &'a Branches,
    abundance: &'a CsrMatrix,
    sums: Vec<f64>,
    n_values: usize,
}

impl<'a> BranchRows<'a> {
    pub(super) fn new(branches: &'a Branches, abundance: &'a CsrMatrix) -> Self {
        let (sums, sizes): (Vec<f64>, Vec<usize>) = (0..abundance.n_rows())
            .into_par_iter()
            .map_init(
                || Walk::new(branches),
                |walk, row| {
                    walk.clear();
                    walk.push(branches, abundance.row(row));
                    (sum_in_order(&walk.values), walk.values.len())
                },
            )
            .unzip();
        Self {
            branches,
            abundance,
            sums,
            n_values: sizes.iter().sum(),
        }
    }

    /// The sum of each row.
    pub(super) fn sums(&self) -> &[f64] {
        &self.sums
    }
}

impl Source for BranchRows<'_> {
    fn n_rows(&self) -> usize {
        self.abundance.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.branches.lengths.len()
    }

    fn n_values(&self) -> usize {
        self.n_values
    }

    fn batch(&self, rows: Range<usize>) -> Batch<'_> {
        let mut walk = Walk::new(self.branches);
        let mut indptr = vec![0];
        for row in rows {
            walk.push(self.branches, self.abundance.row(row));
            indptr.push(walk.values.len());
        }
        Batch {
            indptr: Cow::Owned(indptr),
            columns: Cow::Owned(walk.columns),
            values: Cow::Owned(walk.values),
        }
    }
}

/// Rows so far, and scratch that is all 0 between two samples.
struct Walk {
    columns: Vec<u32>,
    values: Vec<f64>,
    /// The fraction below each branch.
    below: Vec<f64>,
    /// One bit a branch above the sample.
    is_above: Vec<u64>,
}

impl Walk {
    fn new(branches: &Branches) -> Self {
        let n = branches.lengths.len();
        Self {
            columns: Vec::new(),
            values: Vec::new(),
            below: vec![0.0; n],
            is_above: vec![0; n.div_ceil(64)],
        }
    }

    fn clear(&mut self) {
        self.columns.clear();
        self.values.clear();
    }

    /// Adds the row of one sample.
    fn push(&mut self, branches: &Branches, (taxa, values): (&[u32], &[f64])) {
        let total: f64 = values.iter().sum();
        for (&taxon, value) in taxa.iter().zip(values) {
            if let Some(tip) = branches.tips[taxon as usize] {
                self.below[tip as usize] += value / total;
            }
        }
        branches.mark(taxa, &mut self.is_above);
        for (word, first) in self.is_above.iter_mut().zip((0_u32..).step_by(64)) {
            // Children before parents.
            while *word != 0 {
                let branch = first + word.trailing_zeros();
                *word &= *word - 1;
                let below = std::mem::take(&mut self.below[branch as usize]);
                if let Some(parent) = branches.parents[branch as usize] {
                    self.below[parent as usize] += below;
                }
                let value = below * branches.lengths[branch as usize];
                if value > 0.0 {
                    self.columns.push(branch);
                    self.values.push(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::feature::testing::{four_samples, six_tips};
    use crate::feature::{Metric, distances};
    use crate::profile::{Taxon, Unit};

    fn table(rows: &[[f64; 3]]) -> ProfileTable {
        let builder = ProfileTable::builder(Unit::Count).taxa(["A", "B", "C"].map(Taxon::new));
        let rows = rows.iter().enumerate().map(|(row, values)| {
            let pairs = (0..).zip(*values).collect::<Vec<(u32, f64)>>();
            (format!("s{row}"), pairs)
        });
        rows.fold(builder, |builder, (sample, row)| {
            builder.sample(sample, row)
        })
        .build()
        .unwrap()
    }

    #[test]
    fn rows_are_the_fractions_by_length_whatever_the_batch() {
        let (tree, table) = (six_tips(), four_samples(Unit::Count));
        let branches = Branches::new(&tree, &table, &table).unwrap();
        let rows = BranchRows::new(&branches, table.abundance());
        let whole = rows.batch(0..4);
        let nodes = tree.branches(&table.closure()).unwrap();
        for row in 0..4 {
            let (columns, values) = whole.row(row);
            let one = rows.batch(row..row + 1);
            assert_eq!(one.row(0), (columns, values));
            // The tree forks at every inner node, so that branches are its nodes; the root is
            // left out because it has no length.
            let (numbers, fractions) = nodes.row(row);
            let expected = numbers.iter().zip(fractions);
            let expected: Vec<(u32, f64)> = expected
                .map(|(&node, fraction)| (node, fraction * tree.lengths()[node as usize]))
                .filter(|(_, value)| *value > 0.0)
                .collect();
            let found: Vec<(u32, f64)> = columns.iter().copied().zip(values.to_vec()).collect();
            assert_eq!(found, expected);
            assert_abs_diff_eq!(
                rows.sums()[row],
                values.iter().sum::<f64>(),
                epsilon = 1e-15
            );
        }
        assert_eq!(rows.n_values(), whole.values.len());
    }

    // ((((A:1):2,X:8):4,(B:1,C:2):1):16):32, X without abundance, by hand: one branch of 7 above A,
    // B, C and both of them as they are, and one of 48 above all.
    #[test]
    fn branches_without_a_fork_between_them_are_one() {
        let parents = [
            None,
            Some(0),
            Some(1),
            Some(2),
            Some(3),
            Some(2),
            Some(1),
            Some(6),
            Some(6),
        ];
        let lengths = [32.0, 16.0, 4.0, 2.0, 1.0, 8.0, 1.0, 1.0, 2.0];
        let mut labels = [None; 9];
        for (node, label) in [(4, "A"), (5, "X"), (7, "B"), (8, "C")] {
            labels[node] = Some(label);
        }
        let tree = Phylogeny::from_parts(&parents, &lengths, &labels).unwrap();
        let donors = table(&[[2.0, 1.0, 1.0], [0.0, 0.0, 3.0]]);
        let recipients = table(&[[0.0, 5.0, 0.0]]);
        let branches = Branches::new(&tree, &donors, &recipients).unwrap();
        let mut found = branches.lengths().to_vec();
        found.sort_by(f64::total_cmp);
        // The root's own 32 is no branch.
        assert_eq!(found, [1.0, 1.0, 2.0, 7.0, 16.0]);

        let apart = |metric| distances(&donors, &recipients, metric).unwrap();
        let weighted = apart(Metric::WeightedUniFrac(&tree));
        // 7 · ½ + 1 · |½ − 1| + 1 · |¼ − 1| + 2 · ¼, and 1 · 1 + 2 · 1.
        assert_eq!(weighted, ndarray::array![[5.25], [3.0]]);
        let normalized = apart(Metric::NormalizedWeightedUniFrac(&tree));
        // 16 for the stem of each, 4.75 and 3 for the donors, 2 for the recipient.
        let expected = [5.25 / (32.0 + 4.75 + 2.0), 3.0 / (32.0 + 3.0 + 2.0)];
        assert_abs_diff_eq!(normalized[(0, 0)], expected[0], epsilon = 1e-15);
        assert_abs_diff_eq!(normalized[(1, 0)], expected[1], epsilon = 1e-15);
        let unweighted = apart(Metric::UnweightedUniFrac(&tree));
        assert_abs_diff_eq!(unweighted[(0, 0)], 9.0 / 27.0, epsilon = 1e-15);
        assert_abs_diff_eq!(unweighted[(1, 0)], 3.0 / 20.0, epsilon = 1e-15);
    }
}
