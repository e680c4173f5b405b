//! The columns a solver walks: scaled to unit spread, zeros never stored or visited.

use ndarray::ArrayView2;

use super::kernel::{dense_axpy, dense_dot, sparse_axpy, sparse_dot};
use crate::model::{CscMatrix, MatrixView};
use crate::{Error, Result};

/// Above this share of non-zeros a column is kept whole: a vectorized walk over every row is then
/// faster than a gather over the non-zero ones.
const DENSE_SHARE: f64 = 0.4;

/// A column whose spread is this small beside its mean is constant but for rounding.
const CONSTANT_SPREAD: f64 = 1e-12;

/// Smallest curvature of a column beside its uncentered one: what rounding leaves of nothing.
const LEAST_CURVATURE: f64 = 1e-14;

/// Raw features by columns, non-zeros only; the same whichever way the matrix came.
#[derive(Debug, Clone)]
pub(super) struct RawColumns {
    n_rows: usize,
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl RawColumns {
    /// The columns of `features`.
    ///
    /// # Errors
    /// [`Error::Table`] where a value is NaN or infinite.
    pub(super) fn new(features: MatrixView<'_>) -> Result<Self> {
        let columns = match features {
            MatrixView::Sparse(matrix) => Self::from_sparse(matrix),
            MatrixView::Dense(array) => Self::from_dense(&array)?,
        };
        if let Some(at) = columns.values.iter().position(|value| !value.is_finite()) {
            let column = columns.starts.partition_point(|&start| start <= at) - 1;
            return Err(Error::table(format!(
                "feature {column} is not finite in row {}; a logistic model has no place for \
                 missing values: fill or drop them first",
                columns.rows[at]
            )));
        }
        Ok(columns)
    }

    fn from_sparse(matrix: &CscMatrix) -> Self {
        let mut columns = Self::empty(matrix.n_rows(), matrix.n_columns());
        for column in 0..matrix.n_columns() {
            let (rows, values) = matrix.column(column);
            for (&row, &value) in rows.iter().zip(values) {
                if value != 0.0 {
                    columns.rows.push(row);
                    columns.values.push(value);
                }
            }
            columns.starts.push(columns.values.len());
        }
        columns
    }

    /// Two passes in memory order: count, then fill.
    fn from_dense(array: &ArrayView2<'_, f64>) -> Result<Self> {
        let (n_rows, n_columns) = array.dim();
        if u32::try_from(n_rows).is_err() {
            return Err(Error::table(format!(
                "expected fewer than 2^32 rows, found {n_rows}"
            )));
        }
        let mut columns = Self::empty(n_rows, n_columns);
        if !array.is_standard_layout() {
            for column in array.columns() {
                for (row, &value) in column.iter().enumerate() {
                    if value != 0.0 {
                        columns.rows.push(row as u32);
                        columns.values.push(value);
                    }
                }
                columns.starts.push(columns.values.len());
            }
            return Ok(columns);
        }
        let mut counts = vec![0_usize; n_columns];
        for row in array.rows() {
            for (count, &value) in counts.iter_mut().zip(row) {
                *count += usize::from(value != 0.0);
            }
        }
        let mut total = 0;
        for &count in &counts {
            total += count;
            columns.starts.push(total);
        }
        columns.rows = vec![0; total];
        columns.values = vec![0.0; total];
        let mut next = columns.starts[..n_columns].to_vec();
        for (number, row) in array.rows().into_iter().enumerate() {
            for (next, &value) in next.iter_mut().zip(row) {
                if value != 0.0 {
                    columns.rows[*next] = number as u32;
                    columns.values[*next] = value;
                    *next += 1;
                }
            }
        }
        Ok(columns)
    }

    fn empty(n_rows: usize, n_columns: usize) -> Self {
        let mut starts = Vec::with_capacity(n_columns + 1);
        starts.push(0);
        Self {
            n_rows,
            starts,
            rows: Vec::new(),
            values: Vec::new(),
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn n_columns(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn column(&self, column: usize) -> (&[u32], &[f64]) {
        let range = self.starts[column]..self.starts[column + 1];
        (&self.rows[range.clone()], &self.values[range])
    }

    /// The rows numbered in `kept` (rising), renumbered from 0.
    pub(super) fn select_rows(&self, kept: &[usize]) -> Self {
        let mut new_number = vec![u32::MAX; self.n_rows];
        for (new, &old) in kept.iter().enumerate() {
            new_number[old] = new as u32;
        }
        let mut selected = Self::empty(kept.len(), self.n_columns());
        selected.rows = vec![0; self.rows.len()];
        selected.values = vec![0.0; self.values.len()];
        let mut n_stored = 0;
        for column in 0..self.n_columns() {
            let (rows, values) = self.column(column);
            // Written in any case and overwritten unless kept: there is no branch to guess.
            for (&row, &value) in rows.iter().zip(values) {
                let row = new_number[row as usize];
                selected.rows[n_stored] = row;
                selected.values[n_stored] = value;
                n_stored += usize::from(row != u32::MAX);
            }
            selected.starts.push(n_stored);
        }
        selected.rows.truncate(n_stored);
        selected.values.truncate(n_stored);
        selected
    }

    /// `out += coefficient × column`.
    pub(super) fn add_column(&self, column: usize, coefficient: f64, out: &mut [f64]) {
        let (rows, values) = self.column(column);
        for (&row, &value) in rows.iter().zip(values) {
            out[row as usize] += coefficient * value;
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    /// The same value in every row: no information, never enters.
    Constant,
    /// Non-zeros divided by the spread, a range of `sparse_values`.
    Sparse(usize, usize),
    /// Every row, centered and divided by the spread, from here in `dense_values`; and what was
    /// subtracted, in units of the spread.
    Dense(usize, f64),
}

/// Columns divided by their spread. Those kept whole are centered too; a solver that profiles the
/// intercept out gives the same answer either way, so sparse columns stay sparse.
///
/// `n_lines` is the number of rows, plus one where the intercept has a prior: that line is the
/// row of all-zero raw features at which the intercept is the whole score.
#[derive(Debug, Clone)]
pub(super) struct Design {
    n_lines: usize,
    kept: Vec<Kept>,
    sparse_rows: Vec<u32>,
    sparse_values: Vec<f64>,
    dense_values: Vec<f64>,
    means: Vec<f64>,
    spreads: Vec<f64>,
}

impl Design {
    /// `weights` sum to 1. `has_zero_line` appends the line of all-zero raw features.
    pub(super) fn new(raw: &RawColumns, weights: &[f64], has_zero_line: bool) -> Self {
        let n_lines = raw.n_rows() + usize::from(has_zero_line);
        let n_columns = raw.n_columns();
        let mut design = Self {
            n_lines,
            kept: Vec::with_capacity(n_columns),
            sparse_rows: Vec::with_capacity(raw.rows.len()),
            sparse_values: Vec::with_capacity(raw.values.len()),
            dense_values: Vec::new(),
            means: Vec::with_capacity(n_columns),
            spreads: Vec::with_capacity(n_columns),
        };
        for column in 0..n_columns {
            let (rows, values) = raw.column(column);
            let (mean, spread) = moments(rows, values, weights);
            design.means.push(mean);
            let kept = if spread <= CONSTANT_SPREAD * mean.abs() {
                design.spreads.push(0.0);
                Kept::Constant
            } else {
                design.spreads.push(spread);
                if values.len() as f64 > DENSE_SHARE * raw.n_rows() as f64 {
                    // On the line of zeros a centered column would tie itself to the intercept's
                    // prior, and a narrow one would drown it in rounding.
                    let center = if has_zero_line { 0.0 } else { mean };
                    design.push_dense(rows, values, center, spread)
                } else {
                    design.push_sparse(rows, values, spread)
                }
            };
            design.kept.push(kept);
        }
        design
    }

    fn push_dense(&mut self, rows: &[u32], values: &[f64], center: f64, spread: f64) -> Kept {
        let start = self.dense_values.len();
        self.dense_values
            .resize(start + self.n_lines, -center / spread);
        let line = &mut self.dense_values[start..];
        for (&row, &value) in rows.iter().zip(values) {
            line[row as usize] = (value - center) / spread;
        }
        Kept::Dense(start, center / spread)
    }

    fn push_sparse(&mut self, rows: &[u32], values: &[f64], spread: f64) -> Kept {
        assert!(rows.iter().all(|&row| (row as usize) < self.n_lines));
        let start = self.sparse_values.len();
        self.sparse_rows.extend_from_slice(rows);
        self.sparse_values
            .extend(values.iter().map(|value| value / spread));
        Kept::Sparse(start, self.sparse_values.len())
    }

    pub(super) fn n_lines(&self) -> usize {
        self.n_lines
    }

    pub(super) fn n_columns(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn means(&self) -> &[f64] {
        &self.means
    }

    /// Weighted standard deviations, 0 for a constant column.
    pub(super) fn spreads(&self) -> &[f64] {
        &self.spreads
    }

    pub(super) fn is_constant(&self, column: usize) -> bool {
        matches!(self.kept[column], Kept::Constant)
    }

    /// Σ h z² − (Σ h z)² / Σ h, above 0.
    pub(super) fn curvature(&self, column: usize, h: &[f64]) -> f64 {
        let (mut first, mut second) = (0.0, 0.0);
        let mut add = |value: f64, h: f64| {
            first += h * value;
            second += h * value * value;
        };
        match self.lines(column) {
            Lines::Dense(values) => values.iter().zip(h).for_each(|(&value, &h)| add(value, h)),
            Lines::Sparse(rows, values) => rows
                .iter()
                .zip(values)
                .for_each(|(&row, &value)| add(value, h[row as usize])),
        }
        curvature(first, second, h.iter().sum())
    }

    /// Σ |zᵢ| and √Σ zᵢ².
    pub(super) fn size(&self, column: usize) -> (f64, f64) {
        let (Lines::Sparse(_, values) | Lines::Dense(values)) = self.lines(column);
        let sum = values.iter().map(|value| value.abs()).sum();
        let squares: f64 = values.iter().map(|value| value * value).sum();
        (sum, squares.sqrt())
    }

    /// What was subtracted from the kept column, in units of its spread.
    pub(super) fn shift(&self, column: usize) -> f64 {
        match self.kept[column] {
            Kept::Dense(_, shift) => shift,
            Kept::Constant | Kept::Sparse(..) => 0.0,
        }
    }

    /// What is stored of a column.
    #[inline]
    pub(super) fn lines(&self, column: usize) -> Lines<'_> {
        match self.kept[column] {
            Kept::Constant => Lines::Sparse(&[], &[]),
            Kept::Sparse(start, end) => Lines::Sparse(
                &self.sparse_rows[start..end],
                &self.sparse_values[start..end],
            ),
            Kept::Dense(start, _) => Lines::Dense(&self.dense_values[start..start + self.n_lines]),
        }
    }

    /// `out[column] = Σ zᵢ vᵢ` for each of `columns`.
    pub(super) fn dots(&self, columns: &[usize], vector: &[f64], out: &mut [f64]) {
        assert_eq!(vector.len(), self.n_lines, "one number a line");
        for &column in columns {
            out[column] = match self.lines(column) {
                Lines::Dense(values) => dense_dot(values, vector),
                // SAFETY: rows are below the number of lines, which is the vector's length.
                #[expect(unsafe_code, reason = "innermost loop, measured")]
                Lines::Sparse(rows, values) => unsafe { sparse_dot(rows, values, vector) },
            };
        }
    }

    /// `out += Σ steps × columns`.
    pub(super) fn combine(&self, columns: &[usize], steps: &[f64], out: &mut [f64]) {
        assert_eq!(out.len(), self.n_lines, "one number a line");
        for (&column, &step) in columns.iter().zip(steps) {
            match self.lines(column) {
                _ if step == 0.0 => {}
                Lines::Dense(values) => dense_axpy(step, values, out),
                // SAFETY: rows are below the number of lines, which is the length of `out`.
                #[expect(unsafe_code, reason = "innermost loop, measured")]
                Lines::Sparse(rows, values) => unsafe { sparse_axpy(step, rows, values, out) },
            }
        }
    }
}

/// The stored lines of a column; every row of a sparse one is below the number of lines.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lines<'a> {
    Sparse(&'a [u32], &'a [f64]),
    Dense(&'a [f64]),
}

/// Of a column with these moments under curvatures that sum to `total`.
pub(super) fn curvature(first: f64, second: f64, total: f64) -> f64 {
    let least = (LEAST_CURVATURE * second).max(f64::MIN_POSITIVE);
    (second - first * first / total.max(f64::MIN_POSITIVE)).max(least)
}

fn moments(rows: &[u32], values: &[f64], weights: &[f64]) -> (f64, f64) {
    let mut mean = 0.0;
    let mut stored = 0.0;
    for (&row, &value) in rows.iter().zip(values) {
        mean += weights[row as usize] * value;
        stored += weights[row as usize];
    }
    let unstored = if rows.len() == weights.len() {
        0.0
    } else {
        (1.0 - stored).max(0.0)
    };
    let mut variance = unstored * mean * mean;
    for (&row, &value) in rows.iter().zip(values) {
        variance += weights[row as usize] * (value - mean) * (value - mean);
    }
    (mean, variance.sqrt())
}
