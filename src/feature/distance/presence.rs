//! Which branches of a tree are above the taxa of each sample, one bit a branch.

use rayon::prelude::*;

use crate::Result;
use crate::feature::Phylogeny;
use crate::profile::ProfileTable;

/// The branches above the taxa of some tables, numbered from 0 in postorder.
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
        tree.tips_of(donors)?;
        let nodes = tree.tips_of(recipients)?;
        let mut has_abundance = vec![false; donors.n_taxa()];
        for table in [donors, recipients] {
            for &taxon in table.abundance().indices() {
                has_abundance[taxon as usize] = true;
            }
        }
        let mut is_above = vec![false; tree.n_nodes()];
        for node in nodes.iter().zip(&has_abundance).filter(|(_, has)| **has) {
            let mut above = *node.0;
            while let Some(node) = above.filter(|&node| !is_above[node as usize]) {
                is_above[node as usize] = true;
                above = tree.parents()[node as usize];
            }
        }
        let mut n_branches = 0;
        let branch_of: Vec<Option<u32>> = is_above
            .iter()
            .map(|&is_above| {
                let branch = is_above.then_some(n_branches);
                n_branches += u32::from(is_above);
                branch
            })
            .collect();
        let renumbered = |node: Option<u32>| node.and_then(|node| branch_of[node as usize]);
        let kept = || (0..tree.n_nodes()).filter(|&node| is_above[node]);
        Ok(Self {
            tips: nodes.into_iter().map(renumbered).collect(),
            parents: kept()
                .map(|node| renumbered(tree.parents()[node]))
                .collect(),
            lengths: kept().map(|node| tree.lengths()[node]).collect(),
        })
    }

    /// The length of each branch.
    pub(super) fn lengths(&self) -> &[f64] {
        &self.lengths
    }

    /// The branches of each sample of one of the tables.
    pub(super) fn presence(&self, table: &ProfileTable) -> Presence {
        let mut presence = Presence::new(table.n_samples(), self.lengths.len());
        presence
            .words
            .par_chunks_mut(presence.n_words)
            .enumerate()
            .for_each(|(row, words)| {
                for &taxon in table.abundance().row(row).0 {
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
            });
        presence
    }
}

/// Rows of bits, 64 columns a word.
pub(super) struct Presence {
    words: Vec<u64>,
    n_words: usize,
}

impl Presence {
    fn new(n_rows: usize, n_columns: usize) -> Self {
        let n_words = n_columns.div_ceil(64).max(1);
        Self {
            words: vec![0; n_rows * n_words],
            n_words,
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.words.len() / self.n_words
    }

    /// One word of every row: columns `64 * word` and following.
    pub(super) fn words(&self, word: usize) -> impl Iterator<Item = u64> + '_ {
        self.words
            .chunks_exact(self.n_words)
            .map(move |row| row[word])
    }

    /// The sum of a weight over the columns of each row, in the order of the columns.
    pub(super) fn totals(&self, weights: &[f64]) -> Vec<f64> {
        let total = |row: &[u64]| {
            let mut sum = 0.0;
            for (word, weights) in row.iter().zip(weights.chunks(64)) {
                let mut rest = *word;
                while rest != 0 {
                    sum += weights[rest.trailing_zeros() as usize];
                    rest &= rest - 1;
                }
            }
            sum
        };
        self.words.chunks_exact(self.n_words).map(total).collect()
    }

    #[cfg(test)]
    pub(super) fn from_rows(rows: &[Vec<bool>]) -> Self {
        let mut presence = Self::new(rows.len(), rows[0].len());
        for (words, row) in presence.words.chunks_exact_mut(presence.n_words).zip(rows) {
            for (column, _) in row.iter().enumerate().filter(|(_, has)| **has) {
                words[column / 64] |= 1 << (column % 64);
            }
        }
        presence
    }
}
