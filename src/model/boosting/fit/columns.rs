//! Columns sorted once a matrix, and binned once a fit from its training rows alone.
//!
//! Sorting is all that many fits on one matrix share: which values stand in the training rows,
//! how often, and where the cuts fall is worked out anew for each fit, in one pass over the
//! sorted entries.

use std::ops::Range;

use ndarray::s;
use rayon::prelude::*;

use super::bins::merge;
use crate::cancel;
use crate::model::boosting::params::BoostingParams;
use crate::model::{ColumnView, MatrixView, TrainingData};
use crate::numeric::decimal::{Grid, off_the_grid};
use crate::{Error, Result};

/// Not a training row.
pub(super) const ABSENT: u32 = u32::MAX;

/// Columns gathered in one pass over the rows of a dense matrix: 64 values of 8 bytes are eight
/// cache lines side by side.
const GATHERED: usize = 64;

/// One column: its entries other than zero in rising order, and its missing rows.
#[derive(Debug, Clone, Default)]
struct SortedColumn {
    values: Vec<f64>,
    rows: Vec<u32>,
    missing: Vec<u32>,
}

/// A column on its way to be sorted.
#[derive(Debug, Clone, Default)]
struct Entries {
    /// Value, as an integer that orders alike, and row.
    present: Vec<(u64, u32)>,
    missing: Vec<u32>,
}

impl Entries {
    fn push(&mut self, row: u32, value: f64) {
        if value.is_nan() {
            self.missing.push(row);
        } else if value != 0.0 {
            self.present.push((ordered(value), row));
        }
    }

    fn sort(mut self) -> SortedColumn {
        self.present.sort_unstable();
        SortedColumn {
            values: self
                .present
                .iter()
                .map(|&(key, _)| unordered(key))
                .collect(),
            rows: self.present.iter().map(|&(_, row)| row).collect(),
            missing: self.missing,
        }
    }

    /// Whether a value is infinite, after sorting or before.
    fn is_infinite(&self) -> bool {
        self.present
            .iter()
            .any(|&(key, _)| unordered(key).is_infinite())
    }
}

/// The entries of a block of columns.
fn gather(matrix: MatrixView<'_>, columns: Range<usize>) -> Vec<Entries> {
    let mut block = vec![Entries::default(); columns.len()];
    match matrix {
        MatrixView::Dense(array) => {
            let part = array.slice(s![.., columns]);
            for (row, values) in part.rows().into_iter().enumerate() {
                for (entries, &value) in block.iter_mut().zip(&values) {
                    entries.push(row as u32, value);
                }
            }
        }
        MatrixView::Sparse(_) => {
            for (entries, column) in block.iter_mut().zip(columns) {
                for_each_nonzero(matrix.column(column), |row, value| entries.push(row, value));
            }
        }
    }
    block
}

/// Calls `visit` with the row and value of everything that is not 0 (NaN is not 0), rows rising.
pub(super) fn for_each_nonzero(column: ColumnView<'_>, mut visit: impl FnMut(u32, f64)) {
    match column {
        ColumnView::Dense(values) => {
            for (row, &value) in values.iter().enumerate() {
                if value != 0.0 {
                    visit(row as u32, value);
                }
            }
        }
        ColumnView::Sparse { rows, values } => {
            for (&row, &value) in rows.iter().zip(values) {
                if value != 0.0 {
                    visit(row, value);
                }
            }
        }
    }
}

/// An integer that orders as the float does.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn unordered(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key & !(1 << 63)
    } else {
        !key
    })
}

/// The columns of a matrix, each sorted.
#[derive(Debug, Clone)]
pub(super) struct SortedColumns {
    columns: Vec<SortedColumn>,
}

impl SortedColumns {
    /// # Errors
    /// [`Error::Table`] where a feature is infinite.
    pub(super) fn new(matrix: MatrixView<'_>) -> Result<Self> {
        let n_columns = matrix.n_columns();
        let sort = |block: usize| -> Result<Vec<SortedColumn>> {
            cancel::check()?;
            let first = block * GATHERED;
            let entries = gather(matrix, first..(first + GATHERED).min(n_columns));
            match entries.iter().position(Entries::is_infinite) {
                Some(place) => Err(is_infinite(first + place)),
                None => Ok(entries.into_iter().map(Entries::sort).collect()),
            }
        };
        let blocks: Vec<Result<Vec<SortedColumn>>> = (0..n_columns.div_ceil(GATHERED))
            .into_par_iter()
            .map(sort)
            .collect();
        let mut columns = Vec::with_capacity(n_columns);
        for block in blocks {
            columns.extend(block?);
        }
        Ok(Self { columns })
    }
}

impl SortedColumns {
    /// Entries other than 0, the missing among them.
    pub(super) fn n_entries(&self) -> usize {
        self.columns
            .iter()
            .map(|column| column.rows.len() + column.missing.len())
            .sum()
    }
}

/// The error about an infinite feature.
pub(super) fn is_infinite(feature: usize) -> Error {
    Error::table(format!("feature {feature} is infinite"))
}

/// The rows that one fit learns from.
#[derive(Debug, Clone)]
pub(super) struct TrainingRows {
    /// Number of each in the matrix.
    pub(super) ids: Vec<u32>,
    /// Place in `ids` of each row of the matrix, or [`ABSENT`].
    pub(super) local: Vec<u32>,
    /// Weight, times the number of copies.
    pub(super) weights: Vec<f64>,
    /// Copies.
    pub(super) copies: Vec<u32>,
    pub(super) total_weight: f64,
    pub(super) total_copies: u32,
}

impl TrainingRows {
    /// The rows of which there is a copy or more.
    pub(super) fn new(data: &TrainingData<'_>, copies: &[u32]) -> Self {
        let mut rows = Self {
            ids: Vec::new(),
            local: vec![ABSENT; copies.len()],
            weights: Vec::new(),
            copies: Vec::new(),
            total_weight: 0.0,
            total_copies: 0,
        };
        for (row, &n_copies) in copies.iter().enumerate() {
            if n_copies > 0 {
                rows.local[row] = rows.ids.len() as u32;
                rows.ids.push(row as u32);
                let weight = data.weights().map_or(1.0, |weights| weights[row]);
                rows.weights.push(weight * f64::from(n_copies));
                rows.copies.push(n_copies);
            }
        }
        rows.total_weight = rows.weights.iter().sum();
        rows.total_copies = rows.copies.iter().sum();
        rows
    }

    /// Their outcomes.
    pub(super) fn outcomes(&self, data: &TrainingData<'_>) -> Vec<f64> {
        let outcomes = data.outcomes();
        self.ids.iter().map(|&row| outcomes[row as usize]).collect()
    }

    /// Their offsets, 0 where the data have none.
    pub(super) fn offsets(&self, data: &TrainingData<'_>) -> Vec<f64> {
        let offset_of = |&row: &u32| data.offsets().map_or(0.0, |offsets| offsets[row as usize]);
        self.ids.iter().map(offset_of).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

/// One column cut into bins of training rows.
#[derive(Debug, Clone, Default)]
pub(super) struct BinnedColumn {
    /// Where one bin ends and the next begins: `x <= cuts[b]` is in bin `b` or below.
    pub(super) cuts: Vec<f64>,
    /// Rows (places in the training rows) by rising bin, without the most common bin.
    pub(super) rows: Vec<u32>,
    /// End of each bin in `rows`; the most common bin is empty.
    pub(super) ends: Vec<u32>,
    /// The most common bin.
    pub(super) common: usize,
    /// Rows where the column is missing.
    pub(super) missing: Vec<u32>,
    groups: Vec<Group>,
    sizes: Vec<(f64, u32)>,
    kept: Vec<u32>,
}

/// Values that are one to the fit: equal, or with no decimal of the grid between them.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// The lowest.
    low: f64,
    /// The highest.
    value: f64,
    weight: f64,
    copies: u32,
    /// Rows in `kept`; of the zeros, before they are listed, none.
    start: u32,
    end: u32,
}

impl BinnedColumn {
    /// Bins column `column` of `sorted` by the training rows, reusing what is allocated here.
    pub(super) fn fill(
        &mut self,
        sorted: &SortedColumns,
        column: usize,
        rows: &TrainingRows,
        params: &BoostingParams,
    ) {
        let column = &sorted.columns[column];
        self.missing.clear();
        let local = |&row: &u32| Some(rows.local[row as usize]).filter(|&row| row != ABSENT);
        self.missing.extend(column.missing.iter().filter_map(local));
        self.group(column, rows);
        let grid = self.grid();
        self.join_close(grid);
        self.sizes.clear();
        self.sizes
            .extend(self.groups.iter().map(|group| (group.weight, group.copies)));
        let bins = merge(
            &self.sizes,
            params.max_bins as usize,
            params.bin_rows(rows.total_copies),
        );
        self.lay_out(&bins, rows.len(), grid);
    }

    /// The grid of the training values.
    fn grid(&self) -> Grid {
        let span = self
            .groups
            .first()
            .zip(self.groups.last())
            .map_or(0.0, |(first, last)| last.value - first.value);
        Grid::of_span(span)
    }

    /// Joins neighbors that no decimal of the grid parts.
    fn join_close(&mut self, grid: Grid) {
        let mut bound = self
            .groups
            .first()
            .map_or(0.0, |group| grid.not_below(group.low));
        self.groups.dedup_by(|group, last| {
            let is_close = group.value <= bound;
            if is_close {
                last.value = group.value;
                last.weight += group.weight;
                last.copies += group.copies;
                last.end = group.end;
            } else {
                bound = grid.not_below(group.low);
            }
            is_close
        });
    }

    /// Lists the distinct training values with their rows.
    fn group(&mut self, column: &SortedColumn, rows: &TrainingRows) {
        self.groups.clear();
        self.kept.clear();
        let first_positive = column.values.partition_point(|&value| value < 0.0);
        self.extend_groups(column, 0..first_positive, rows);
        let zero_at = self.groups.len();
        self.extend_groups(column, first_positive..column.values.len(), rows);
        if rows.len() == self.kept.len() + self.missing.len() {
            return;
        }
        let (mut weight, mut copies) = (rows.total_weight, rows.total_copies);
        for group in &self.groups {
            weight -= group.weight;
            copies -= group.copies;
        }
        for &row in &self.missing {
            weight -= rows.weights[row as usize];
            copies -= rows.copies[row as usize];
        }
        let zeros = Group {
            low: 0.0,
            value: 0.0,
            weight: weight.max(0.0),
            copies,
            start: 0,
            end: 0,
        };
        self.groups.insert(zero_at, zeros);
    }

    fn extend_groups(&mut self, column: &SortedColumn, range: Range<usize>, rows: &TrainingRows) {
        let mut previous = f64::NAN.to_bits();
        for (&row, &value) in column.rows[range.clone()].iter().zip(&column.values[range]) {
            let row = rows.local[row as usize];
            if row == ABSENT {
                continue;
            }
            let (weight, copies) = (rows.weights[row as usize], rows.copies[row as usize]);
            self.kept.push(row);
            let end = self.kept.len() as u32;
            match self.groups.last_mut() {
                Some(group) if value.to_bits() == previous => {
                    group.weight += weight;
                    group.copies += copies;
                    group.end = end;
                }
                _ => self.groups.push(Group {
                    low: value,
                    value,
                    weight,
                    copies,
                    start: end - 1,
                    end,
                }),
            }
            previous = value.to_bits();
        }
    }

    /// Writes the rows by bin, the most common left out, and the cuts between them.
    fn lay_out(&mut self, bins: &[(usize, usize)], n_rows: usize, grid: Grid) {
        let size = |&(first, last): &(usize, usize)| -> u32 {
            self.groups[first..=last]
                .iter()
                .map(|group| group.copies)
                .sum()
        };
        self.common = (0..bins.len())
            .max_by_key(|&b| (size(&bins[b]), std::cmp::Reverse(b)))
            .unwrap_or(0);
        self.cuts.clear();
        self.cuts.extend(
            bins.windows(2)
                .map(|pair| (self.groups[pair[0].1].value, self.groups[pair[1].0].low))
                .map(|(low, high)| off_the_grid(grid.cut(low, high), high)),
        );
        self.rows.clear();
        self.ends.clear();
        for (b, &(first, last)) in bins.iter().enumerate() {
            if b != self.common {
                for group in &self.groups[first..=last] {
                    if group.value == 0.0 {
                        list_zeros(&mut self.rows, &self.kept, &self.missing, n_rows);
                    } else {
                        let range = group.start as usize..group.end as usize;
                        self.rows.extend_from_slice(&self.kept[range]);
                    }
                }
            }
            self.ends.push(self.rows.len() as u32);
        }
    }

    /// Rows of bin `b`.
    pub(super) fn bin(&self, b: usize) -> &[u32] {
        let start = if b == 0 { 0 } else { self.ends[b - 1] };
        &self.rows[start as usize..self.ends[b] as usize]
    }

    /// Number of bins, 0 where every training row misses the feature.
    pub(super) fn n_bins(&self) -> usize {
        self.ends.len()
    }
}

/// Appends the rows that are neither listed nor missing.
fn list_zeros(rows: &mut Vec<u32>, kept: &[u32], missing: &[u32], n_rows: usize) {
    let mut is_zero = vec![true; n_rows];
    for &row in kept.iter().chain(missing) {
        is_zero[row as usize] = false;
    }
    rows.extend((0..n_rows as u32).filter(|&row| is_zero[row as usize]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn all_rows(n: usize) -> TrainingRows {
        TrainingRows {
            ids: (0..n as u32).collect(),
            local: (0..n as u32).collect(),
            weights: vec![1.0; n],
            copies: vec![1; n],
            total_weight: n as f64,
            total_copies: n as u32,
        }
    }

    fn binned(values: &[f64], max_bins: u32) -> BinnedColumn {
        let matrix = Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap();
        let sorted = SortedColumns::new(matrix.view().into()).unwrap();
        let mut column = BinnedColumn::default();
        let params = BoostingParams {
            max_bins,
            ..BoostingParams::unsampled()
        };
        column.fill(&sorted, 0, &all_rows(values.len()), &params);
        column
    }

    #[test]
    fn the_most_common_value_is_not_listed() {
        let column = binned(&[0.0, 2.0, 0.0, -1.0, 2.0, 0.0, f64::NAN], 255);
        let cuts = [-0.5, 1.0].map(|cut| off_the_grid(cut, f64::INFINITY));
        assert_eq!(column.cuts, cuts);
        assert_eq!(column.common, 1);
        assert_eq!(column.bin(0), [3]);
        assert!(column.bin(1).is_empty());
        assert_eq!(column.bin(2), [1, 4]);
        assert_eq!(column.missing, [6]);
    }

    #[test]
    fn zeros_are_listed_where_another_value_is_more_common() {
        let column = binned(&[1.0, 1.0, 0.0, 1.0, 3.0], 255);
        assert_eq!(column.common, 1);
        assert_eq!(column.bin(0), [2]);
        assert_eq!(column.bin(2), [4]);
    }

    #[test]
    fn many_values_are_joined_into_even_bins() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) + 0.5).collect();
        let column = binned(&values, 10);
        assert!(column.n_bins() <= 10, "{}", column.n_bins());
        assert!(column.n_bins() >= 8);
        assert!(column.cuts.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn only_training_rows_are_seen() {
        let matrix = Array2::from_shape_vec((4, 1), vec![1.0, 5.0, 9.0, 5.0]).unwrap();
        let sorted = SortedColumns::new(matrix.view().into()).unwrap();
        let rows = TrainingRows {
            ids: vec![0, 2],
            local: vec![0, ABSENT, 1, ABSENT],
            weights: vec![1.0; 2],
            copies: vec![1; 2],
            total_weight: 2.0,
            total_copies: 2,
        };
        let mut column = BinnedColumn::default();
        column.fill(&sorted, 0, &rows, &BoostingParams::unsampled());
        assert_eq!(column.cuts, [off_the_grid(5.0, f64::INFINITY)]);
    }
}
