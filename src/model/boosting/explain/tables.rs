//! Tables of terms by pattern, and the loop that rows are explained in.

/// Patterns that a byte can name.
const BYTES: usize = 1 << 8;

/// Patterns looked up together.
const FEW: usize = 4;

/// The terms of every pattern: one table of 2ⁿ entries a term, n the bits of a pattern.
#[derive(Debug)]
pub(super) struct Tables {
    n_bits: usize,
    /// Some more behind the last table, so that each has as many entries as a byte can name.
    entries: Vec<f64>,
}

impl Tables {
    /// All terms 0.
    pub(super) fn new(n_bits: usize, n_terms: usize) -> Self {
        let entries = vec![0.0; (n_terms << n_bits) + BYTES - (1 << n_bits)];
        Self { n_bits, entries }
    }

    /// Table after table.
    pub(super) fn entries_mut(&mut self) -> &mut [f64] {
        let n_entries = self.entries.len() + (1 << self.n_bits) - BYTES;
        &mut self.entries[..n_entries]
    }

    fn table(&self, term: usize) -> Option<&[f64; BYTES]> {
        self.entries.get(term << self.n_bits..)?.first_chunk()
    }

    /// Adds each term of some patterns to the sums of its target: as many a target as there are
    /// patterns, a multiple of [`FEW`].
    pub(super) fn add(&self, patterns: &[u8], targets: &[usize], sums: &mut [f64]) {
        let part = |target: usize| target * patterns.len()..(target + 1) * patterns.len();
        // Two targets at a time, so that the patterns are read half as often.
        for (pair, targets) in targets.chunks(2).enumerate() {
            match (targets, self.table(2 * pair), self.table(2 * pair + 1)) {
                (&[one, two], Some(table), Some(other)) => {
                    // No two terms of a group have the same target.
                    if let Ok(sums) = sums.get_disjoint_mut([part(one), part(two)]) {
                        add_two(sums, [table, other], patterns);
                    }
                }
                (&[one], Some(table), _) => add_one(&mut sums[part(one)], table, patterns),
                _ => {}
            }
        }
    }
}

fn add_two(sums: [&mut [f64]; 2], [table, other]: [&[f64; BYTES]; 2], patterns: &[u8]) {
    let [sums, others] = sums.map(|sums| sums.as_chunks_mut().0);
    let patterns = patterns.as_chunks().0;
    for ((sums, others), &patterns) in sums.iter_mut().zip(others).zip(patterns) {
        add(sums, table, patterns);
        add(others, other, patterns);
    }
}

fn add_one(sums: &mut [f64], table: &[f64; BYTES], patterns: &[u8]) {
    let sums = sums.as_chunks_mut().0;
    for (sums, &patterns) in sums.iter_mut().zip(patterns.as_chunks().0) {
        add(sums, table, patterns);
    }
}

fn add(sums: &mut [f64; FEW], table: &[f64; BYTES], patterns: [u8; FEW]) {
    let terms = patterns.map(|pattern| table[pattern as usize]);
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}
