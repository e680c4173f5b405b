//! Columns sorted once a matrix, and binned once a fit from its training rows alone.
//!
//! Sorting is all that many fits on one matrix share: which values stand in the training rows,
//! how often, and where the cuts fall is worked out anew for each fit, in one pass over the
//! sorted entries.

use rayon::prelude::*;

use crate::model::{ColumnView, MatrixView};

/// Not a training row.
pub(super) const ABSENT: u32 = u32::MAX;

/// One column: its entries other than zero in rising order, and its missing rows.
#[derive(Debug, Clone, Default)]
struct SortedColumn {
    values: Vec<f64>,
    rows: Vec<u32>,
    missing: Vec<u32>,
}

impl SortedColumn {
    fn new(column: ColumnView<'_>) -> Self {
        let mut entries: Vec<(u64, u32)> = Vec::new();
        let mut missing = Vec::new();
        for_each_nonzero(column, |row, value| {
            if value.is_nan() {
                missing.push(row);
            } else {
                entries.push((ordered(value), row));
            }
        });
        entries.sort_unstable();
        Self {
            values: entries.iter().map(|&(key, _)| unordered(key)).collect(),
            rows: entries.iter().map(|&(_, row)| row).collect(),
            missing,
        }
    }
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
    pub(super) fn new(matrix: MatrixView<'_>) -> Self {
        let columns = (0..matrix.n_columns())
            .into_par_iter()
            .with_min_len(64)
            .map(|column| SortedColumn::new(matrix.column(column)))
            .collect();
        Self { columns }
    }
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
}

impl TrainingRows {
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
    kept: Vec<u32>,
}

/// Equal values.
#[derive(Debug, Clone, Copy)]
struct Group {
    value: f64,
    weight: f64,
    n_rows: u32,
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
        max_bins: usize,
    ) {
        let column = &sorted.columns[column];
        self.missing.clear();
        let local = |&row: &u32| Some(rows.local[row as usize]).filter(|&row| row != ABSENT);
        self.missing.extend(column.missing.iter().filter_map(local));
        self.group(column, rows);
        let values: Vec<_> = self
            .groups
            .iter()
            .map(|group| (group.value, group.weight))
            .collect();
        let bins = merge_values(&values, max_bins);
        self.lay_out(&bins, rows.len());
    }

    /// Lists the distinct training values with their rows.
    fn group(&mut self, column: &SortedColumn, rows: &TrainingRows) {
        self.groups.clear();
        self.kept.clear();
        let first_positive = column.values.partition_point(|&value| value < 0.0);
        let mut weight_seen = 0.0;
        self.extend_groups(column, 0..first_positive, rows, &mut weight_seen);
        let zero_at = self.groups.len();
        self.extend_groups(
            column,
            first_positive..column.values.len(),
            rows,
            &mut weight_seen,
        );
        let n_zeros = rows.len() - self.kept.len() - self.missing.len();
        if n_zeros > 0 {
            let missing: f64 = self
                .missing
                .iter()
                .map(|&row| rows.weights[row as usize])
                .sum();
            let total: f64 = rows.weights.iter().sum();
            let zeros = Group {
                value: 0.0,
                weight: (total - missing - weight_seen).max(0.0),
                n_rows: n_zeros as u32,
                start: 0,
                end: 0,
            };
            self.groups.insert(zero_at, zeros);
        }
    }

    fn extend_groups(
        &mut self,
        column: &SortedColumn,
        range: std::ops::Range<usize>,
        rows: &TrainingRows,
        weight_seen: &mut f64,
    ) {
        let mut previous = f64::NAN;
        for (&row, &value) in column.rows[range.clone()].iter().zip(&column.values[range]) {
            let row = rows.local[row as usize];
            if row == ABSENT {
                continue;
            }
            let weight = rows.weights[row as usize];
            *weight_seen += weight;
            self.kept.push(row);
            let end = self.kept.len() as u32;
            match self.groups.last_mut() {
                Some(group) if value == previous => {
                    group.weight += weight;
                    group.n_rows += 1;
                    group.end = end;
                }
                _ => self.groups.push(Group {
                    value,
                    weight,
                    n_rows: 1,
                    start: end - 1,
                    end,
                }),
            }
            previous = value;
        }
    }

    /// Writes the rows by bin, the most common left out, and the cuts between them.
    fn lay_out(&mut self, bins: &[(usize, usize)], n_rows: usize) {
        let size = |&(first, last): &(usize, usize)| -> u32 {
            self.groups[first..=last]
                .iter()
                .map(|group| group.n_rows)
                .sum()
        };
        self.common = (0..bins.len())
            .max_by_key(|&b| (size(&bins[b]), std::cmp::Reverse(b)))
            .unwrap_or(0);
        self.cuts.clear();
        self.cuts.extend(
            bins.windows(2)
                .map(|pair| between(self.groups[pair[0].1].value, self.groups[pair[1].0].value)),
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

/// Joins neighbors, given as value and weight, until at most `max_bins` are left; gives the first
/// and last of each bin.
///
/// The heaviest value keeps a bin of its own, the others share bins of about equal weight.
pub(super) fn merge_values(values: &[(f64, f64)], max_bins: usize) -> Vec<(usize, usize)> {
    if values.len() <= max_bins {
        return (0..values.len()).map(|i| (i, i)).collect();
    }
    let total: f64 = values.iter().map(|&(_, weight)| weight).sum();
    let heaviest = (0..values.len())
        .max_by(|&a, &b| values[a].1.total_cmp(&values[b].1).then(b.cmp(&a)))
        .filter(|_| max_bins > 3);
    // The heaviest value takes one bin and may part another.
    let n_shared = if heaviest.is_some() {
        max_bins - 2
    } else {
        max_bins
    };
    let rest = total - heaviest.map_or(0.0, |i| values[i].1);
    let mut bins: Vec<(usize, usize)> = Vec::with_capacity(max_bins);
    let mut weight_below = 0.0;
    let mut open = None; // share of the weight that is being filled
    for (i, &(_, weight)) in values.iter().enumerate() {
        if Some(i) == heaviest {
            bins.push((i, i));
            open = None;
            continue;
        }
        let middle = (weight_below + weight / 2.0) / rest.max(f64::MIN_POSITIVE);
        weight_below += weight;
        let share = ((middle * n_shared as f64) as usize).min(n_shared - 1);
        match bins.last_mut() {
            Some(bin) if open == Some(share) => bin.1 = i,
            _ => bins.push((i, i)),
        }
        open = Some(share);
    }
    bins
}

/// The middle of `low < high`, which `low` does not exceed and `high` does.
pub(super) fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if middle >= low && middle < high {
        middle
    } else {
        low
    }
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
        }
    }

    fn binned(values: &[f64], max_bins: usize) -> BinnedColumn {
        let matrix = Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap();
        let sorted = SortedColumns::new(matrix.view().into());
        let mut column = BinnedColumn::default();
        column.fill(&sorted, 0, &all_rows(values.len()), max_bins);
        column
    }

    #[test]
    fn the_most_common_value_is_not_listed() {
        let column = binned(&[0.0, 2.0, 0.0, -1.0, 2.0, 0.0, f64::NAN], 255);
        assert_eq!(column.cuts, [-0.5, 1.0]);
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
        let sorted = SortedColumns::new(matrix.view().into());
        let rows = TrainingRows {
            ids: vec![0, 2],
            local: vec![0, ABSENT, 1, ABSENT],
            weights: vec![1.0; 2],
            copies: vec![1; 2],
        };
        let mut column = BinnedColumn::default();
        column.fill(&sorted, 0, &rows, 255);
        assert_eq!(column.cuts, [5.0]);
    }

    #[test]
    fn a_cut_parts_neighbors_one_ulp_apart() {
        let low = 0.1_f64;
        let high = f64::from_bits(low.to_bits() + 1);
        assert!(low <= between(low, high) && high > between(low, high));
        assert!(between(-f64::MAX, f64::MAX) == 0.0);
    }
}
