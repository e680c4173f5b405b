//! Matrices from Python → matrices of the core, through one door.

use donormatch::Error;
use donormatch::model::{CscMatrix, MatrixView};
use donormatch::profile::CsrMatrix;
use numpy::ndarray::Array2;
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::Result;

/// A matrix that outlives the interpreter's lock.
#[derive(Debug)]
pub enum Matrix {
    /// Every value, in C order.
    Dense(Array2<f64>),
    /// Compressed sparse columns.
    Sparse(CscMatrix),
}

impl Matrix {
    /// The matrix as an engine takes it.
    pub fn view(&self) -> MatrixView<'_> {
        match self {
            Self::Dense(array) => array.view().into(),
            Self::Sparse(matrix) => matrix.into(),
        }
    }
}

/// The parts of a SciPy matrix in compressed sparse rows or columns.
#[derive(FromPyObject)]
pub struct SparseParts<'py> {
    #[pyo3(attribute)]
    shape: (usize, usize),
    #[pyo3(attribute)]
    indptr: PyReadonlyArray1<'py, i64>,
    #[pyo3(attribute)]
    indices: PyReadonlyArray1<'py, i64>,
    #[pyo3(attribute)]
    data: PyReadonlyArray1<'py, f64>,
}

/// A matrix as the Python half hands it over: float64 in C order, or compressed sparse columns.
#[derive(FromPyObject)]
pub enum AnyMatrix<'py> {
    /// A NumPy array.
    Dense(PyReadonlyArray2<'py, f64>),
    /// The parts of a SciPy matrix by columns.
    Sparse(SparseParts<'py>),
}

impl AnyMatrix<'_> {
    /// The matrix in types of the core; one copy.
    pub fn to_matrix(&self) -> Result<Matrix> {
        Ok(match self {
            Self::Dense(array) => Matrix::Dense(dense(array)?),
            Self::Sparse(parts) => Matrix::Sparse(CscMatrix::new(
                parts.shape.0,
                numbers(&parts.indptr)?,
                numbers(&parts.indices)?,
                parts.data.as_array().to_vec(),
            )?),
        })
    }
}

/// A dense array; any memory order but C is refused, since its raw slice would be transposed.
pub fn dense(array: &PyReadonlyArray2<'_, f64>) -> Result<Array2<f64>> {
    if !array.is_c_contiguous() {
        return Err(
            Error::table("expected an array in C order; use `numpy.ascontiguousarray`").into(),
        );
    }
    Ok(array.as_array().to_owned())
}

/// Compressed sparse rows, as a table of profiles keeps them.
pub fn sparse_rows(parts: &SparseParts<'_>) -> Result<CsrMatrix> {
    Ok(CsrMatrix::new(
        parts.shape.1,
        numbers(&parts.indptr)?,
        numbers(&parts.indices)?,
        parts.data.as_array().to_vec(),
    )?)
}

/// Whole numbers of SciPy's index arrays, each checked to fit.
fn numbers<T: TryFrom<i64>>(array: &PyReadonlyArray1<'_, i64>) -> Result<Vec<T>> {
    let outside = |_| Error::table("a sparse matrix holds a negative or too large index");
    let convert = |&number| T::try_from(number).map_err(outside);
    Ok(array
        .as_array()
        .iter()
        .map(convert)
        .collect::<Result<_, Error>>()?)
}
