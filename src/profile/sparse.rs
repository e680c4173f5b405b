//! Compressed sparse rows: the storage of a table in which nine values of ten are zero.

use serde::{Deserialize, Serialize};

use crate::stored::checked_serde;
use crate::{Error, Result};

/// A matrix of `f64` in compressed sparse rows.
///
/// Invariants, checked by [`CsrMatrix::new`]: `indptr` has one entry more than there are rows,
/// starts at 0 and never falls; the column numbers of a row rise strictly; no stored value is
/// zero, NaN or infinite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CsrMatrix {
    n_cols: usize,
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f64>,
}

checked_serde!(CsrMatrix);

impl CsrMatrix {
    /// A matrix from its three arrays; stored zeros are dropped.
    ///
    /// # Errors
    /// [`Error::Table`] where an invariant of the type does not hold.
    pub fn new(
        n_cols: usize,
        indptr: Vec<usize>,
        indices: Vec<u32>,
        values: Vec<f64>,
    ) -> Result<Self> {
        let matrix = Self {
            n_cols,
            indptr,
            indices,
            values,
        };
        matrix.check()?;
        Ok(matrix.without_zeros())
    }

    /// Every invariant except that no stored value is zero.
    fn check(&self) -> Result<()> {
        let (indptr, n_values) = (&self.indptr, self.values.len());
        let broken = |message: String| Err(Error::table(message));
        if u32::try_from(self.n_cols).is_err() {
            return broken(format!(
                "expected fewer than 2^32 columns, found {}",
                self.n_cols
            ));
        }
        if indptr.first() != Some(&0) || indptr.last() != Some(&n_values) {
            return broken(format!("`indptr` must run from 0 to {n_values}"));
        }
        if self.indices.len() != n_values {
            return broken(format!(
                "{} column numbers for {n_values} values",
                self.indices.len()
            ));
        }
        for (row, bounds) in indptr.windows(2).enumerate() {
            let Some(columns) = self.indices.get(bounds[0]..bounds[1]) else {
                return broken(format!("`indptr` falls or overruns at row {row}"));
            };
            if columns.windows(2).any(|pair| pair[0] >= pair[1]) {
                return broken(format!(
                    "the column numbers of row {row} do not rise strictly"
                ));
            }
            if columns
                .last()
                .is_some_and(|&last| last as usize >= self.n_cols)
            {
                return broken(format!(
                    "row {row} names a column beyond the {} there are",
                    self.n_cols
                ));
            }
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            Some(at) => broken(format!("value number {at} is not finite")),
            None => Ok(()),
        }
    }

    fn check_stored(&self) -> Result<()> {
        self.check()?;
        match self.values.iter().position(|&value| value == 0.0) {
            Some(at) => Err(Error::table(format!("value number {at} is a stored zero"))),
            None => Ok(()),
        }
    }

    /// A matrix from rows of `(column, value)`; the pairs of a row may come in any order.
    ///
    /// # Errors
    /// [`Error::Table`] where a column occurs twice in a row, lies beyond `n_cols`, or a value is
    /// not finite.
    pub fn from_rows(n_cols: usize, rows: Vec<Vec<(u32, f64)>>) -> Result<Self> {
        let mut indptr = Vec::with_capacity(rows.len() + 1);
        let n_values = rows.iter().map(Vec::len).sum();
        let mut indices = Vec::with_capacity(n_values);
        let mut values = Vec::with_capacity(n_values);
        indptr.push(0);
        for mut row in rows {
            row.sort_unstable_by_key(|&(column, _)| column);
            for (column, value) in row {
                indices.push(column);
                values.push(value);
            }
            indptr.push(values.len());
        }
        Self::new(n_cols, indptr, indices, values)
    }

    fn without_zeros(mut self) -> Self {
        if self.values.iter().all(|&value| value != 0.0) {
            return self;
        }
        let mut kept = 0;
        let mut start = 0;
        for row in 0..self.n_rows() {
            let end = self.indptr[row + 1];
            for at in start..end {
                if self.values[at] != 0.0 {
                    self.values[kept] = self.values[at];
                    self.indices[kept] = self.indices[at];
                    kept += 1;
                }
            }
            start = end;
            self.indptr[row + 1] = kept;
        }
        self.values.truncate(kept);
        self.indices.truncate(kept);
        self
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Number of stored values, all of them non-zero.
    pub fn n_nonzero(&self) -> usize {
        self.values.len()
    }

    /// Where each row starts; one entry more than there are rows.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// The column number of each stored value.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The stored values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The column numbers and values of one row.
    ///
    /// # Panics
    /// Where `row` is not below [`CsrMatrix::n_rows`].
    pub fn row(&self, row: usize) -> (&[u32], &[f64]) {
        let range = self.indptr[row]..self.indptr[row + 1];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&[u32], &[f64])> + '_ {
        (0..self.n_rows()).map(|row| self.row(row))
    }

    /// The value at a place; 0 where none is stored.
    ///
    /// # Panics
    /// Where `row` is not below [`CsrMatrix::n_rows`].
    pub fn value(&self, row: usize, column: usize) -> f64 {
        let (columns, values) = self.row(row);
        u32::try_from(column)
            .ok()
            .and_then(|column| columns.binary_search(&column).ok())
            .map_or(0.0, |at| values[at])
    }

    /// The same values, each passed through `f` with its row number.
    #[must_use]
    pub fn map_rows(&self, f: impl Fn(usize, f64) -> f64) -> Self {
        let mut mapped = self.clone();
        for row in 0..self.n_rows() {
            for value in &mut mapped.values[self.indptr[row]..self.indptr[row + 1]] {
                *value = f(row, *value);
            }
        }
        mapped.without_zeros()
    }

    /// The rows with these numbers, in this order; a number may occur more than once.
    ///
    /// # Panics
    /// Where a number is not below [`CsrMatrix::n_rows`].
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let mut indptr = Vec::with_capacity(rows.len() + 1);
        let mut indices = Vec::new();
        let mut values = Vec::new();
        indptr.push(0);
        for &row in rows {
            let (row_indices, row_values) = self.row(row);
            indices.extend_from_slice(row_indices);
            values.extend_from_slice(row_values);
            indptr.push(values.len());
        }
        Self {
            n_cols: self.n_cols,
            indptr,
            indices,
            values,
        }
    }

    /// The sum of each row.
    pub fn row_sums(&self) -> Vec<f64> {
        self.rows().map(|(_, values)| values.iter().sum()).collect()
    }

    /// The transposed matrix, again in compressed sparse rows.
    #[must_use]
    pub fn transpose(&self) -> Self {
        let mut indptr = vec![0_usize; self.n_cols + 1];
        for &column in &self.indices {
            indptr[column as usize + 1] += 1;
        }
        for column in 0..self.n_cols {
            indptr[column + 1] += indptr[column];
        }
        let mut next = indptr.clone();
        let mut indices = vec![0_u32; self.values.len()];
        let mut values = vec![0.0; self.values.len()];
        for (row, (columns, row_values)) in self.rows().enumerate() {
            for (&column, &value) in columns.iter().zip(row_values) {
                let at = next[column as usize];
                next[column as usize] += 1;
                indices[at] = row as u32;
                values[at] = value;
            }
        }
        Self {
            n_cols: self.n_rows(),
            indptr,
            indices,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> CsrMatrix {
        CsrMatrix::from_rows(
            3,
            vec![vec![(2, 3.0), (0, 1.0)], vec![], vec![(1, 0.0), (2, 5.0)]],
        )
        .unwrap()
    }

    #[test]
    fn stored_zeros_are_dropped_and_columns_sorted() {
        let matrix = sample();
        assert_eq!(matrix.n_nonzero(), 3);
        assert_eq!(matrix.row(0), (&[0_u32, 2][..], &[1.0, 3.0][..]));
        assert_eq!(matrix.row(2), (&[2_u32][..], &[5.0][..]));
        approx::assert_abs_diff_eq!(matrix.value(1, 2), 0.0);
        approx::assert_abs_diff_eq!(matrix.value(2, 2), 5.0);
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        assert_eq!(sample().transpose().transpose(), sample());
    }

    #[test]
    fn a_column_named_twice_in_a_row_is_refused() {
        assert!(CsrMatrix::from_rows(3, vec![vec![(1, 1.0), (1, 2.0)]]).is_err());
    }

    #[test]
    fn broken_arrays_are_refused() {
        assert!(CsrMatrix::new(2, vec![0, 2, 1], vec![0], vec![1.0]).is_err());
        assert!(CsrMatrix::new(2, vec![0, 1], vec![2], vec![1.0]).is_err());
        assert!(CsrMatrix::new(2, vec![0, 1], vec![0], vec![f64::NAN]).is_err());
        assert!(CsrMatrix::new(2, vec![], vec![], vec![]).is_err());
    }

    #[test]
    fn a_broken_matrix_is_not_deserialized() {
        let stored = |text: &str| serde_json::from_str::<CsrMatrix>(text);
        let good = r#"{"n_cols":2,"indptr":[0,1],"indices":[1],"values":[0.5]}"#;
        let matrix = stored(good).unwrap();
        assert_eq!(serde_json::to_string(&matrix).unwrap(), good);
        for (broken, reason) in [
            (
                r#"{"n_cols":2,"indptr":[],"indices":[],"values":[]}"#,
                "`indptr` must run",
            ),
            (
                r#"{"n_cols":2,"indptr":[0,1],"indices":[2],"values":[0.5]}"#,
                "beyond",
            ),
            (
                r#"{"n_cols":2,"indptr":[0,1],"indices":[1],"values":[0.0]}"#,
                "stored zero",
            ),
            (
                r#"{"n_cols":2,"indptr":[0,2,1],"indices":[1],"values":[1.0]}"#,
                "row 0",
            ),
        ] {
            let error = stored(broken).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
