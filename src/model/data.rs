//! What every model is fitted on: a matrix by columns, and the outcomes with their weights.

use ndarray::{ArrayView1, ArrayView2};

use crate::profile::CsrMatrix;
use crate::{Error, Result};

/// A matrix in compressed sparse columns: what the engines walk, since most entries are zero.
///
/// Unlike [`CsrMatrix`] it may hold NaN, which means "missing" (not zero) to the engines that
/// know missing values, and is refused by the others.
#[derive(Debug, Clone, PartialEq)]
pub struct CscMatrix {
    n_rows: usize,
    indptr: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl CscMatrix {
    /// A matrix from its three arrays: the entries of column `j` are `indptr[j]..indptr[j + 1]`.
    ///
    /// # Errors
    /// [`Error::Table`] where the arrays disagree, row numbers do not rise strictly within a
    /// column, or a value is infinite.
    pub fn new(
        n_rows: usize,
        indptr: Vec<usize>,
        rows: Vec<u32>,
        values: Vec<f64>,
    ) -> Result<Self> {
        let fits = indptr.first() == Some(&0)
            && indptr.last() == Some(&values.len())
            && rows.len() == values.len()
            && u32::try_from(n_rows).is_ok();
        if !fits {
            return Err(Error::table(
                "the arrays of a sparse matrix disagree in length",
            ));
        }
        for (column, bounds) in indptr.windows(2).enumerate() {
            let valid = rows.get(bounds[0]..bounds[1]).is_some_and(|rows| {
                rows.windows(2).all(|pair| pair[0] < pair[1])
                    && rows.last().is_none_or(|&last| (last as usize) < n_rows)
            });
            if !valid {
                return Err(Error::table(format!(
                    "the row numbers of column {column} do not rise strictly below {n_rows}"
                )));
            }
        }
        if values.iter().any(|value| value.is_infinite()) {
            return Err(Error::table("a feature is infinite"));
        }
        Ok(Self {
            n_rows,
            indptr,
            rows,
            values,
        })
    }

    /// The columns of a matrix kept by rows.
    pub fn from_csr(matrix: &CsrMatrix) -> Self {
        let transposed = matrix.transpose();
        Self {
            n_rows: matrix.n_rows(),
            indptr: transposed.indptr().to_vec(),
            rows: transposed.indices().to_vec(),
            values: transposed.values().to_vec(),
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Row numbers and values stored for one column.
    ///
    /// # Panics
    /// Where `column` is not below [`CscMatrix::n_columns`].
    pub fn column(&self, column: usize) -> (&[u32], &[f64]) {
        let range = self.indptr[column]..self.indptr[column + 1];
        (&self.rows[range.clone()], &self.values[range])
    }
}

/// One column as an engine sees it.
#[derive(Debug, Clone, Copy)]
pub enum ColumnView<'a> {
    /// Every value, by row.
    Dense(ArrayView1<'a, f64>),
    /// The rows that are not zero, rising, and their values.
    Sparse {
        /// Row numbers, rising strictly.
        rows: &'a [u32],
        /// Their values.
        values: &'a [f64],
    },
}

/// A borrowed matrix, rows × features, dense (any memory order) or sparse by columns.
#[derive(Debug, Clone, Copy)]
pub enum MatrixView<'a> {
    /// A dense array.
    Dense(ArrayView2<'a, f64>),
    /// Compressed sparse columns.
    Sparse(&'a CscMatrix),
}

impl<'a> MatrixView<'a> {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(array) => array.nrows(),
            Self::Sparse(matrix) => matrix.n_rows(),
        }
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        match self {
            Self::Dense(array) => array.ncols(),
            Self::Sparse(matrix) => matrix.n_columns(),
        }
    }

    /// One column.
    ///
    /// # Panics
    /// Where `column` is not below [`MatrixView::n_columns`].
    pub fn column(&self, column: usize) -> ColumnView<'a> {
        match self {
            Self::Dense(array) => {
                ColumnView::Dense((*array).index_axis_move(ndarray::Axis(1), column))
            }
            Self::Sparse(matrix) => {
                let (rows, values) = matrix.column(column);
                ColumnView::Sparse { rows, values }
            }
        }
    }
}

impl<'a> From<ArrayView2<'a, f64>> for MatrixView<'a> {
    fn from(array: ArrayView2<'a, f64>) -> Self {
        Self::Dense(array)
    }
}

impl<'a> From<&'a CscMatrix> for MatrixView<'a> {
    fn from(matrix: &'a CscMatrix) -> Self {
        Self::Sparse(matrix)
    }
}

/// Features with outcomes, weights, offsets and groups: what `params.fit` takes.
///
/// Borrowed; built with [`TrainingData::new`] and the `with_` setters, each of which checks its
/// length and values, so that an engine need not.
#[derive(Debug, Clone, Copy)]
pub struct TrainingData<'a> {
    features: MatrixView<'a>,
    outcomes: &'a [f64],
    weights: Option<&'a [f64]>,
    offsets: Option<&'a [f64]>,
    groups: Option<&'a [u32]>,
}

impl<'a> TrainingData<'a> {
    /// Features (n rows) and one outcome a row: 0 or 1 for a logistic loss, any finite number for
    /// squared error.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no row, no column, lengths disagree, or an outcome is not
    /// finite.
    pub fn new(features: impl Into<MatrixView<'a>>, outcomes: &'a [f64]) -> Result<Self> {
        let features = features.into();
        if features.n_rows() == 0 || features.n_columns() == 0 {
            return Err(Error::table(format!(
                "nothing to learn from: {} rows, {} features",
                features.n_rows(),
                features.n_columns()
            )));
        }
        let data = Self {
            features,
            outcomes,
            weights: None,
            offsets: None,
            groups: None,
        };
        data.check_column("outcomes", outcomes)?;
        Ok(data)
    }

    /// Weights, one a row, 0 or more and not all 0.
    ///
    /// # Errors
    /// [`Error::Table`] where that does not hold.
    pub fn with_weights(self, weights: &'a [f64]) -> Result<Self> {
        self.check_column("weights", weights)?;
        if weights.iter().any(|&weight| weight < 0.0) || weights.iter().all(|&weight| weight == 0.0)
        {
            return Err(Error::table("expected weights of 0 or more, not all 0"));
        }
        Ok(Self {
            weights: Some(weights),
            ..self
        })
    }

    /// Offsets on the scale of the score (log-odds for a logistic loss), one a row.
    ///
    /// # Errors
    /// [`Error::Table`] where the length differs or a value is not finite.
    pub fn with_offsets(self, offsets: &'a [f64]) -> Result<Self> {
        self.check_column("offsets", offsets)?;
        Ok(Self {
            offsets: Some(offsets),
            ..self
        })
    }

    /// Group numbers, one a row: rows of one group stay on one side of every split made inside.
    ///
    /// # Errors
    /// [`Error::Table`] where the length differs.
    pub fn with_groups(self, groups: &'a [u32]) -> Result<Self> {
        if groups.len() != self.n_rows() {
            return Err(Error::table(format!(
                "{} groups for {} rows",
                groups.len(),
                self.n_rows()
            )));
        }
        Ok(Self {
            groups: Some(groups),
            ..self
        })
    }

    /// The features.
    pub fn features(&self) -> MatrixView<'a> {
        self.features
    }

    /// The outcomes.
    pub fn outcomes(&self) -> &'a [f64] {
        self.outcomes
    }

    /// The weights, if given.
    pub fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    /// The offsets, if given.
    pub fn offsets(&self) -> Option<&'a [f64]> {
        self.offsets
    }

    /// The groups, if given.
    pub fn groups(&self) -> Option<&'a [u32]> {
        self.groups
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.features.n_rows()
    }

    fn check_column(&self, what: &str, values: &[f64]) -> Result<()> {
        if values.len() != self.n_rows() {
            return Err(Error::table(format!(
                "{} {what} for {} rows",
                values.len(),
                self.n_rows()
            )));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(row) => Err(Error::table(format!(
                "row {row} of the {what} is not finite"
            ))),
            None => Ok(()),
        }
    }
}
