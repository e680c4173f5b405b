//! Which branches of a tree are above the taxa of each sample, one bit a branch.

use rayon::prelude::*;

use super::branches::Branches;
use crate::profile::CsrMatrix;

/// Rows of bits, 64 columns a word.
pub(super) struct Presence {
    words: Vec<u64>,
    n_words: usize,
}

impl Presence {
    /// The branches above the taxa of each sample of one of the tables.
    pub(super) fn of_branches(branches: &Branches, abundance: &CsrMatrix) -> Self {
        let mut presence = Self::new(abundance.n_rows(), branches.lengths().len());
        presence
            .words
            .par_chunks_mut(presence.n_words)
            .enumerate()
            .for_each(|(row, words)| branches.mark(abundance.row(row).0, words));
        presence
    }

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
