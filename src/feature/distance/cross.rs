//! The engine below every distance: what each pair of sparse rows has in common, by blocks.
//!
//! A distance that is written over the taxa *shared* by two rows, plus numbers of each row alone,
//! costs one step for each shared taxon. Recipients are cut into blocks that fit the second-level
//! cache, each kept by columns; a donor row then walks only the columns it has itself, and adds to
//! one cell per recipient of the block. Columns that most of a block has are kept dense, so that
//! this step becomes a plain vector loop, over up to eight of them at a time. Cells are independent
//! and each is summed in the order of the columns, so the result depends neither on the blocks nor
//! on the number of threads, and d(a, b) = d(b, a) to the bit.
//!
//! Only the blocks of one pass are in memory, [`PASS_VALUES`] of them, and rows that are made from
//! others ([`Source`]) are made for the block or the task that needs them.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use crate::profile::CsrMatrix;

/// Cells of one donor row that are open at a time: 4 to 12 kB, first-level cache.
const CELLS: usize = 512;
/// What one block should hold, in stored values of about 10 bytes: half a second-level cache.
const BLOCK_VALUES: usize = 100_000;
/// What the blocks of one pass should hold: 10 to 25 MB.
const PASS_VALUES: usize = 1 << 20;
/// Donor rows of one task.
const TASK_ROWS: usize = 32;

/// Sparse rows, at hand or made where they are needed.
pub(super) trait Source: Sync {
    fn n_rows(&self) -> usize;

    fn n_columns(&self) -> usize;

    /// Values above or below 0 in all rows.
    fn n_values(&self) -> usize;

    /// Some rows next to each other.
    fn batch(&self, rows: Range<usize>) -> Batch<'_>;
}

/// Some rows of a [`Source`], numbered from 0.
pub(super) struct Batch<'a> {
    /// Where each row starts in `columns` and `values`; one entry more than there are rows.
    pub(super) indptr: Cow<'a, [usize]>,
    pub(super) columns: Cow<'a, [u32]>,
    pub(super) values: Cow<'a, [f64]>,
}

impl Batch<'_> {
    /// The columns of one row, rising, and its values.
    pub(super) fn row(&self, row: usize) -> (&[u32], &[f64]) {
        let range = self.indptr[row]..self.indptr[row + 1];
        (&self.columns[range.clone()], &self.values[range])
    }
}

impl Source for CsrMatrix {
    fn n_rows(&self) -> usize {
        self.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.n_cols()
    }

    fn n_values(&self) -> usize {
        self.n_nonzero()
    }

    fn batch(&self, rows: Range<usize>) -> Batch<'_> {
        Batch {
            indptr: Cow::Borrowed(&self.indptr()[rows.start..=rows.end]),
            columns: Cow::Borrowed(self.indices()),
            values: Cow::Borrowed(self.values()),
        }
    }
}

/// What is summed over the columns shared by two rows, and how a distance is made of it.
pub(super) trait Kernel: Sync {
    /// A stored value with what is worked out once for it.
    type Value: Copy + Default + Send + Sync;

    /// The running sum of one pair.
    type Cell: Copy + Default + Send;

    /// Whether a pair with a zero on the recipient's side may be passed to `add` (and changes
    /// nothing there): allows dense columns.
    const ZERO_IS_NEUTRAL: bool;

    /// A value above or below 0 as `add` takes it; `Value::default()` stands for 0.
    fn embed(value: f64) -> Self::Value;

    /// Adds a shared column.
    fn add(&self, cell: &mut Self::Cell, donor: Self::Value, recipient: Self::Value);

    /// The distance of donor row `i` and recipient row `j`.
    fn finish(&self, i: usize, j: usize, cell: Self::Cell) -> f64;
}

/// Which entries are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of donors × recipients.
    Full,
    /// The upper triangle of one table with itself; the rest is mirrored, the diagonal is 0.
    Upper,
}

/// All distances, donors (rows) × recipients (columns).
pub(super) fn cross<K: Kernel>(
    donors: &impl Source,
    recipients: &impl Source,
    kernel: &K,
    part: Part,
) -> Array2<f64> {
    cross_by_passes(donors, recipients, kernel, part, PASS_VALUES)
}

fn cross_by_passes<K: Kernel>(
    donors: &impl Source,
    recipients: &impl Source,
    kernel: &K,
    part: Part,
    pass_values: usize,
) -> Array2<f64> {
    let (n_donors, n_recipients) = (donors.n_rows(), recipients.n_rows());
    let mut result = Array2::zeros((n_donors, n_recipients));
    for pass in passes(recipients, pass_values) {
        let blocks: Vec<Block<K::Value>> = pass
            .into_par_iter()
            .map(|rows| Block::new::<K>(recipients, rows))
            .collect();
        let end = blocks.last().map_or(0, |block| block.rows.end);
        let Some(values) = result.as_slice_mut() else {
            break;
        };
        values
            .par_chunks_mut(TASK_ROWS * n_recipients.max(1))
            .enumerate()
            .for_each(|(task, rows)| {
                let start = task * TASK_ROWS;
                if part == Part::Upper && end <= start + 1 {
                    return;
                }
                let batch = donors.batch(start..(start + TASK_ROWS).min(n_donors));
                for block in &blocks {
                    for (offset, row) in rows.chunks_exact_mut(n_recipients).enumerate() {
                        let i = start + offset;
                        if part == Part::Full || block.rows.end > i + 1 {
                            block.fill(i, batch.row(offset), kernel, &mut row[block.rows.clone()]);
                        }
                    }
                }
            });
    }
    if part == Part::Upper {
        mirror(&mut result);
    }
    result
}

/// The recipients of every block, those of one pass together.
fn passes(recipients: &impl Source, pass_values: usize) -> Vec<Vec<Range<usize>>> {
    let n = recipients.n_rows();
    let values_per_row = (recipients.n_values() / n.max(1)).max(1);
    let size = (BLOCK_VALUES / values_per_row).clamp(64, CELLS);
    let n_blocks = (pass_values / (size * values_per_row + recipients.n_columns())).max(1);
    let blocks: Vec<Range<usize>> = (0..n)
        .step_by(size)
        .map(|start| start..(start + size).min(n))
        .collect();
    blocks.chunks(n_blocks).map(<[_]>::to_vec).collect()
}

/// Copies the upper triangle to the lower one, tile by tile, and sets the diagonal to 0.
pub(super) fn mirror(square: &mut Array2<f64>) {
    const TILE: usize = 64;
    let n = square.nrows();
    for top in (0..n).step_by(TILE) {
        for left in (0..=top).step_by(TILE) {
            for i in top..(top + TILE).min(n) {
                for j in left..(left + TILE).min(i) {
                    square[(i, j)] = square[(j, i)];
                }
            }
        }
    }
    square.diag_mut().fill(0.0);
}

/// Some recipient rows, kept by columns.
struct Block<V> {
    /// The recipients of the block.
    rows: Range<usize>,
    /// Where each column starts in `members` and `values`.
    indptr: Vec<u32>,
    /// Recipient within the block, below `CELLS`.
    members: Vec<u16>,
    values: Vec<V>,
    /// Where each column starts in `dense`, or `SPARSE`.
    dense_at: Vec<u32>,
    /// The columns that most recipients of the block have, zeros included.
    dense: Vec<V>,
}

const SPARSE: u32 = u32::MAX;

impl<V: Copy + Default> Block<V> {
    fn new<K: Kernel<Value = V>>(recipients: &impl Source, rows: Range<usize>) -> Self {
        let n_columns = recipients.n_columns();
        let batch = recipients.batch(rows.clone());
        let mut counts = vec![0_u32; n_columns];
        for member in 0..rows.len() {
            for &column in batch.row(member).0 {
                counts[column as usize] += 1;
            }
        }
        let mut dense_at = vec![SPARSE; n_columns];
        let mut indptr = vec![0_u32; n_columns + 1];
        let mut n_dense = 0;
        for column in 0..n_columns {
            let count = counts[column];
            // A vector step over all of the block costs about a third of single steps.
            if K::ZERO_IS_NEUTRAL && 3 * count as usize >= rows.len() {
                dense_at[column] = n_dense as u32;
                n_dense += rows.len();
                indptr[column + 1] = indptr[column];
            } else {
                indptr[column + 1] = indptr[column] + count;
            }
        }
        let n_sparse = indptr[n_columns] as usize;
        let mut next = indptr.clone();
        let mut block = Self {
            members: vec![0; n_sparse],
            values: vec![V::default(); n_sparse],
            dense: vec![V::default(); n_dense],
            rows,
            indptr,
            dense_at,
        };
        for member in 0..block.rows.len() {
            let (columns, values) = batch.row(member);
            for (&column, &value) in columns.iter().zip(values) {
                let (column, value) = (column as usize, K::embed(value));
                if block.dense_at[column] == SPARSE {
                    let at = next[column] as usize;
                    next[column] += 1;
                    block.members[at] = member as u16;
                    block.values[at] = value;
                } else {
                    block.dense[block.dense_at[column] as usize + member] = value;
                }
            }
        }
        block
    }

    /// The distances of donor row `i` to the recipients of the block.
    fn fill<K: Kernel<Value = V>>(
        &self,
        i: usize,
        donor: (&[u32], &[f64]),
        kernel: &K,
        out: &mut [f64],
    ) {
        let mut cells = [K::Cell::default(); CELLS];
        self.gather(donor, kernel, &mut cells);
        for ((j, out), cell) in self.rows.clone().zip(out).zip(cells) {
            *out = kernel.finish(i, j, cell);
        }
    }

    /// Adds every column of one donor row to the cells of the block.
    fn gather<K: Kernel<Value = V>>(
        &self,
        (columns, values): (&[u32], &[f64]),
        kernel: &K,
        cells: &mut [K::Cell; CELLS],
    ) {
        let is_dense = |&&column: &&u32| self.dense_at[column as usize] != SPARSE;
        let mut done = 0;
        while done < columns.len() {
            let end = done + columns[done..].iter().take_while(is_dense).count();
            let run = (&columns[done..end], &values[done..end]);
            // Several columns at a time, so that a cell is read and written once for all of them.
            let run = self.add_dense::<K, 8>(run, kernel, cells);
            let run = self.add_dense::<K, 4>(run, kernel, cells);
            self.add_dense::<K, 1>(run, kernel, cells);
            if let (Some(&column), Some(&donor)) = (columns.get(end), values.get(end)) {
                self.add_sparse(column as usize, donor, kernel, cells);
            }
            done = end + 1;
        }
    }

    /// Adds dense columns to the cells in their order, `N` at a time; gives those left over.
    fn add_dense<'a, K: Kernel<Value = V>, const N: usize>(
        &self,
        (columns, values): (&'a [u32], &'a [f64]),
        kernel: &K,
        cells: &mut [K::Cell; CELLS],
    ) -> (&'a [u32], &'a [f64]) {
        let n = self.rows.len();
        let (columns, columns_left) = columns.as_chunks::<N>();
        let (values, values_left) = values.as_chunks::<N>();
        for (columns, values) in columns.iter().zip(values) {
            let donors = values.map(K::embed);
            let dense =
                columns.map(|column| &self.dense[self.dense_at[column as usize] as usize..][..n]);
            for (member, cell) in cells[..n].iter_mut().enumerate() {
                let mut sum = *cell;
                for lane in 0..N {
                    kernel.add(&mut sum, donors[lane], dense[lane][member]);
                }
                *cell = sum;
            }
        }
        (columns_left, values_left)
    }

    /// Adds a column that few recipients of the block have.
    fn add_sparse<K: Kernel<Value = V>>(
        &self,
        column: usize,
        donor: f64,
        kernel: &K,
        cells: &mut [K::Cell; CELLS],
    ) {
        let donor = K::embed(donor);
        let range = self.indptr[column] as usize..self.indptr[column + 1] as usize;
        let members = &self.members[range.clone()];
        for (&member, &recipient) in members.iter().zip(&self.values[range]) {
            // `% CELLS` changes nothing but tells the compiler that the index is inside.
            kernel.add(&mut cells[member as usize % CELLS], donor, recipient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::distance::kernel::{Overlap, OverlapForm};

    /// Rows in which some columns are dense and some sparse, by a fixed rule.
    fn rows(n_rows: usize, n_columns: usize) -> CsrMatrix {
        let value = |row: usize, column: usize| {
            let mixed = (row * 7919 + column * 104_729 + row * column) % 1009;
            let has = column == 0 || mixed.is_multiple_of(1 + column / 4);
            has.then(|| (column as u32, (mixed + 1) as f64 / 7.0))
        };
        let rows =
            (0..n_rows).map(|row| (0..n_columns).filter_map(move |column| value(row, column)));
        CsrMatrix::from_rows(n_columns, rows.map(Iterator::collect).collect()).unwrap()
    }

    #[test]
    fn passes_change_no_bit() {
        let (donors, recipients) = (rows(77, 50), rows(1500, 50));
        let kernel = Overlap::of_matrices(&donors, &recipients, OverlapForm::OverSum);
        let found = |n| cross_by_passes(&donors, &recipients, &kernel, Part::Full, n);
        assert_eq!(passes(&recipients, 1).len(), 3);
        assert_eq!(passes(&recipients, usize::MAX).len(), 1);
        assert_eq!(found(1), found(usize::MAX));

        let kernel = Overlap::of_matrices(&recipients, &recipients, OverlapForm::OverSum);
        let found = |part, n| cross_by_passes(&recipients, &recipients, &kernel, part, n);
        let whole = found(Part::Full, usize::MAX);
        assert_eq!(whole, whole.t());
        assert_eq!(whole, found(Part::Upper, 1));
    }
}
