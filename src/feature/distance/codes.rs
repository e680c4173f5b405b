//! Unweighted `UniFrac` by patterns of neighboring branches.
//!
//! Which branches of a small clade are above a sample is one of few patterns: a branch is there
//! where one below it is, and rare taxa are mostly absent together. Branches are taken in
//! postorder, as many to a chunk as have at most [`PATTERNS`] patterns over all samples; a sample
//! becomes one byte a chunk, and the branch length in which two patterns differ is looked up. The
//! difference of two samples is then one look-up for each chunk, about 20 branches, and because
//! four donors share a look-up's line it costs less than a nanosecond.
//!
//! Nothing is subtracted, so that a sample differs from itself by 0 and near ones keep their
//! digits; chunks are added in one order, so that d(a, b) = d(b, a) to the bit for any number of
//! threads.
//!
//! Beside the bits of the branches, memory is 128 kB a chunk at most; past [`PASS_VALUES`] the rest
//! of the chunks waits for another pass over the result.

use ndarray::Array2;
use rayon::prelude::*;

use super::cross::{Part, mirror};
use super::presence::Presence;

/// Patterns of a chunk at most: their differences take 128 kB, four rows of them 4 kB.
const PATTERNS: usize = 128;
/// Branches of a chunk at most, the bits of a pattern.
const COLUMNS: usize = 64;
/// Donor rows side by side.
const LANES: usize = 4;
/// Chunks of one step.
const STEP: usize = 4;
/// Differences that one pass holds, 32 MB.
const PASS_VALUES: usize = 4 << 20;

/// Length in one sample only / length in either, donors (rows) × recipients (columns).
pub(super) fn unshared(
    donors: &Presence,
    recipients: &Presence,
    lengths: &[f64],
    part: Part,
) -> Array2<f64> {
    unshared_by_passes(donors, recipients, lengths, part, PASS_VALUES)
}

fn unshared_by_passes(
    donors: &Presence,
    recipients: &Presence,
    lengths: &[f64],
    part: Part,
    pass_values: usize,
) -> Array2<f64> {
    let totals = [donors.totals(lengths), recipients.totals(lengths)];
    let mut result = Array2::zeros((donors.n_rows(), recipients.n_rows()));
    let mut chunks = Chunks::new(donors, recipients, lengths);
    loop {
        let pass = Pass::new(&mut chunks, pass_values);
        let is_last = chunks.is_done();
        pass.add(&mut result, part, |i, j, difference| {
            if is_last {
                ratio(totals[0][i] + totals[1][j], difference)
            } else {
                difference
            }
        });
        if is_last {
            break;
        }
    }
    if part == Part::Upper {
        mirror(&mut result);
    }
    result
}

/// The difference by the union, (total + difference) / 2.
fn ratio(total: f64, difference: f64) -> f64 {
    // A tree may give two samples no branch length at all.
    if total > 0.0 {
        // Where nothing is shared the two may differ in their last bits.
        (2.0 * difference / (total + difference)).min(1.0)
    } else {
        0.0
    }
}

/// Neighboring branches.
struct Chunk {
    n_patterns: usize,
    /// The length in which every two patterns differ, pattern by pattern.
    differences: Vec<f64>,
    /// The pattern of each row, donors before recipients.
    codes: Vec<u8>,
}

/// The chunks of all branches, one after the other.
struct Chunks<'a> {
    donors: &'a Presence,
    recipients: &'a Presence,
    lengths: &'a [f64],
    next_column: usize,
    /// 64 columns of every row, those around `next_column`.
    words: Vec<u64>,
}

impl<'a> Chunks<'a> {
    fn new(donors: &'a Presence, recipients: &'a Presence, lengths: &'a [f64]) -> Self {
        Self {
            donors,
            recipients,
            lengths,
            next_column: 0,
            words: Vec::new(),
        }
    }

    fn is_done(&self) -> bool {
        self.next_column == self.lengths.len()
    }

    /// Puts the bits of `next_column` into the lowest place of `words`.
    fn turn_to_next_column(&mut self) {
        if self.next_column.is_multiple_of(64) {
            let word = self.next_column / 64;
            let rows = self.donors.words(word).chain(self.recipients.words(word));
            self.words.clear();
            self.words.extend(rows);
        }
    }
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let n_rows = self.donors.n_rows() + self.recipients.n_rows();
        let mut codes = vec![0_u8; n_rows];
        let mut refined = vec![0_u8; n_rows];
        let mut patterns = vec![0_u64];
        let mut lengths = Vec::with_capacity(COLUMNS);
        while let Some(&length) = self.lengths.get(self.next_column) {
            if lengths.len() == COLUMNS {
                break;
            }
            self.turn_to_next_column();
            let shift = self.next_column % 64;
            let bits = self.words.iter().map(|word| (word >> shift) as usize & 1);
            let Some(longer) = refine(&patterns, &codes, bits, &mut refined, lengths.len()) else {
                break;
            };
            // A branch that all samples have, or none, makes no difference.
            if longer.len() > patterns.len() || longer.len() > 1 {
                std::mem::swap(&mut codes, &mut refined);
                patterns = longer;
                lengths.push(length);
            }
            self.next_column += 1;
        }
        (!lengths.is_empty()).then(|| Chunk {
            n_patterns: patterns.len(),
            differences: differences(&patterns, &lengths),
            codes,
        })
    }
}

/// The patterns with one more column, or `None` where they would become too many.
fn refine(
    patterns: &[u64],
    codes: &[u8],
    bits: impl Iterator<Item = usize>,
    refined: &mut [u8],
    column: usize,
) -> Option<Vec<u64>> {
    const NEW: u8 = u8::MAX;
    let mut code_of = [[NEW; 2]; PATTERNS];
    let mut longer = Vec::with_capacity(PATTERNS);
    for ((refined, &code), bit) in refined.iter_mut().zip(codes).zip(bits) {
        let slot = &mut code_of[code as usize % PATTERNS][bit];
        if *slot == NEW {
            if longer.len() == PATTERNS {
                return None;
            }
            *slot = longer.len() as u8;
            longer.push(patterns[code as usize] | (bit as u64) << column);
        }
        *refined = *slot;
    }
    Some(longer)
}

/// The length in which every two patterns differ.
fn differences(patterns: &[u64], lengths: &[f64]) -> Vec<f64> {
    let n = patterns.len();
    let mut differences = vec![0.0; n * n];
    for (i, one) in patterns.iter().enumerate() {
        for (j, other) in patterns.iter().enumerate().take(i) {
            let mut rest = one ^ other;
            let mut sum = 0.0;
            while rest != 0 {
                sum += lengths[rest.trailing_zeros() as usize];
                rest &= rest - 1;
            }
            differences[i * n + j] = sum;
            differences[j * n + i] = sum;
        }
    }
    differences
}

/// The chunks that are in memory at one time.
struct Pass {
    chunks: Vec<Chunk>,
    n_donors: usize,
    /// The patterns of each recipient, [`STEP`] chunks at a time.
    recipients: Vec<Vec<[u8; STEP]>>,
}

impl Pass {
    fn new(source: &mut Chunks<'_>, pass_values: usize) -> Self {
        let n_donors = source.donors.n_rows();
        let mut chunks = Vec::new();
        let mut n_values = 0;
        while n_values < pass_values {
            let Some(chunk) = source.next() else { break };
            n_values += chunk.differences.len();
            chunks.push(chunk);
        }
        let recipients = chunks.chunks(STEP).map(|step| {
            let mut codes = vec![[0; STEP]; source.recipients.n_rows()];
            for (place, chunk) in step.iter().enumerate() {
                for (codes, &code) in codes.iter_mut().zip(&chunk.codes[n_donors..]) {
                    codes[place] = code;
                }
            }
            codes
        });
        Self {
            recipients: recipients.collect(),
            n_donors,
            chunks,
        }
    }

    /// Adds the differences of all pairs to the result, and passes each through `finish`.
    fn add(
        &self,
        result: &mut Array2<f64>,
        part: Part,
        finish: impl Fn(usize, usize, f64) -> f64 + Sync,
    ) {
        let n_recipients = result.ncols();
        let Some(values) = result.as_slice_mut() else {
            return;
        };
        values
            .par_chunks_mut(LANES * n_recipients.max(1))
            .enumerate()
            .for_each_init(Scratch::default, |scratch, (task, rows)| {
                let i = task * LANES;
                let first = if part == Part::Upper { i } else { 0 };
                scratch.load(rows, n_recipients, first);
                for (step, codes) in self.chunks.chunks(STEP).zip(&self.recipients) {
                    scratch.set_rows(step, i, self.n_donors);
                    scratch.add(&codes[first..]);
                }
                for (lane, row) in rows.chunks_exact_mut(n_recipients).enumerate() {
                    let cells = scratch.cells.iter().zip(first..);
                    for (value, (cell, j)) in row[first..].iter_mut().zip(cells) {
                        *value = finish(i + lane, j, cell[lane]);
                    }
                }
            });
    }
}

/// What one task works on: cells of [`LANES`] donors, and their rows of differences.
struct Scratch {
    cells: Vec<[f64; LANES]>,
    /// By chunk of the step and pattern of the recipient; 256, so that a byte is always inside.
    rows: Vec<[[f64; LANES]; 256]>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            rows: vec![[[0.0; LANES]; 256]; STEP],
        }
    }
}

impl Scratch {
    /// Takes what earlier passes have left in the rows of the result.
    fn load(&mut self, rows: &[f64], n_recipients: usize, first: usize) {
        self.cells.clear();
        self.cells.resize(n_recipients - first, [0.0; LANES]);
        for (lane, row) in rows.chunks_exact(n_recipients).enumerate() {
            for (cell, &value) in self.cells.iter_mut().zip(&row[first..]) {
                cell[lane] = value;
            }
        }
    }

    /// The differences of the donors' patterns from all others, for each chunk of a step.
    fn set_rows(&mut self, step: &[Chunk], i: usize, n_donors: usize) {
        for (place, rows) in self.rows.iter_mut().enumerate() {
            let Some(chunk) = step.get(place) else {
                rows.fill([0.0; LANES]);
                continue;
            };
            let n = chunk.n_patterns;
            for (lane, &code) in chunk.codes[..n_donors]
                .iter()
                .skip(i)
                .take(LANES)
                .enumerate()
            {
                let differences = &chunk.differences[code as usize * n..][..n];
                for (row, &difference) in rows.iter_mut().zip(differences) {
                    row[lane] = difference;
                }
            }
        }
    }

    /// One step of the sums: the hot loop.
    fn add(&mut self, codes: &[[u8; STEP]]) {
        let [rows_a, rows_b, rows_c, rows_d] = self.rows.as_slice() else {
            return;
        };
        for (cell, code) in self.cells.iter_mut().zip(codes) {
            let [a, b, c, d] = [
                &rows_a[code[0] as usize],
                &rows_b[code[1] as usize],
                &rows_c[code[2] as usize],
                &rows_d[code[3] as usize],
            ];
            // All lanes are read before any is written, so that they become vectors.
            let sums: [f64; LANES] =
                std::array::from_fn(|lane| (a[lane] + b[lane]) + (c[lane] + d[lane]));
            for (cell, sum) in cell.iter_mut().zip(sums) {
                *cell += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    /// Rows of bits by a small generator, of prevalences from 0 to 1.
    fn rows(n_rows: usize, n_columns: usize, seed: u64) -> Vec<Vec<bool>> {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize
        };
        (0..n_rows)
            .map(|_| {
                (0..n_columns)
                    .map(|column| next() % 97 < column % 97)
                    .collect()
            })
            .collect()
    }

    fn lengths(n_columns: usize) -> Vec<f64> {
        (0..n_columns)
            .map(|column| (column as f64 * 0.7).sin().abs())
            .collect()
    }

    /// From the definition, column by column.
    fn by_hand(one: &[bool], other: &[bool], lengths: &[f64]) -> f64 {
        let sum = |keep: fn(bool, bool) -> bool| -> f64 {
            let pairs = one.iter().zip(other).zip(lengths);
            pairs
                .filter(|((a, b), _)| keep(**a, **b))
                .map(|(_, x)| x)
                .sum()
        };
        sum(|a, b| a != b) / sum(|a, b| a || b)
    }

    #[test]
    fn many_samples_with_many_patterns_equal_the_definition() {
        let (donors, recipients) = (rows(203, 500, 1), rows(317, 500, 2));
        let lengths = lengths(500);
        let bits = [&donors, &recipients].map(|rows| Presence::from_rows(rows));
        let found = unshared(&bits[0], &bits[1], &lengths, Part::Full);
        for (i, one) in donors.iter().enumerate() {
            for (j, other) in recipients.iter().enumerate() {
                let expected = by_hand(one, other, &lengths);
                assert_abs_diff_eq!(found[(i, j)], expected, epsilon = 1e-13);
            }
        }
    }

    #[test]
    fn passes_change_no_distance() {
        let bits = Presence::from_rows(&rows(150, 400, 3));
        let lengths = lengths(400);
        let whole = unshared(&bits, &bits, &lengths, Part::Full);
        let parts = unshared_by_passes(&bits, &bits, &lengths, Part::Full, 1);
        for (one, other) in whole.iter().zip(&parts) {
            assert_abs_diff_eq!(*one, *other, epsilon = 1e-14);
        }
        assert_eq!(whole, unshared(&bits, &bits, &lengths, Part::Upper));
        assert_eq!(whole, whole.t());
        assert!(whole.diag().iter().all(|&d| d == 0.0));
    }

    #[test]
    fn samples_without_branch_length_are_alike() {
        let bits = Presence::from_rows(&[vec![true, false], vec![false, true]]);
        let same = unshared(&bits, &bits, &[0.0, 0.0], Part::Full);
        assert_abs_diff_eq!(same[(0, 1)], 0.0);
        let none = unshared(&bits, &bits, &[0.0, 2.0], Part::Full);
        assert_abs_diff_eq!(none[(0, 1)], 1.0);
    }
}
