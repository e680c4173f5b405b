//! Rows to be scored, by columns: what is mostly zero is neither written nor looked at.

/// Rows scored together: their features and scores stay in the first-level cache.
pub(super) const ROWS: usize = 64;

/// Up to [`ROWS`] rows of features by columns, each 0 until it is set.
#[derive(Debug, Clone)]
pub(crate) struct ColumnBlock {
    columns: Vec<[f64; ROWS]>,
    is_set: Vec<bool>,
    /// Columns with a value that was set.
    set: Vec<u32>,
    n_rows: usize,
}

impl ColumnBlock {
    /// Rows at most.
    pub(crate) const ROWS: usize = ROWS;

    /// A block of no row.
    pub(crate) fn new(n_columns: usize) -> Self {
        Self {
            columns: vec![[0.0; ROWS]; n_columns],
            is_set: vec![false; n_columns],
            set: Vec::with_capacity(n_columns),
            n_rows: 0,
        }
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub(crate) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Sets every value back to 0, with room for `n_rows` of [`ColumnBlock::ROWS`].
    pub(crate) fn clear(&mut self, n_rows: usize) {
        debug_assert!(n_rows <= ROWS);
        for &column in &self.set {
            self.columns[column as usize] = [0.0; ROWS];
            self.is_set[column as usize] = false;
        }
        self.set.clear();
        self.n_rows = n_rows;
    }

    /// Sets a value.
    pub(crate) fn set(&mut self, row: usize, column: usize, value: f64) {
        if !self.is_set[column] {
            self.is_set[column] = true;
            self.set.push(column as u32);
        }
        self.columns[column][row] = value;
    }

    /// The values of a column; `None` where all are 0.
    pub(super) fn column(&self, column: usize) -> Option<&[f64; ROWS]> {
        self.is_set[column].then(|| &self.columns[column])
    }

    /// Writes the columns `used` of every row into `rows`, row after row; a zero a row where there
    /// are none, for a row to be there at all.
    pub(super) fn gather(&self, used: &[u32], rows: &mut Vec<f64>) {
        rows.clear();
        if used.is_empty() {
            rows.resize(self.n_rows, 0.0);
        }
        for row in 0..self.n_rows {
            rows.extend(
                used.iter()
                    .map(|&column| self.columns[column as usize][row]),
            );
        }
    }

    /// The rows as a matrix.
    pub(crate) fn to_rows(&self) -> ndarray::Array2<f64> {
        ndarray::Array2::from_shape_fn((self.n_rows, self.n_columns()), |(row, column)| {
            self.columns[column][row]
        })
    }
}
