//! `ProfileTable` behind a frozen class; the Python half wraps it as `donormatch.Profiles`.

use std::collections::BTreeMap;

use donormatch::persist;
use donormatch::profile::{ProfileTable, SampleId, Taxon};
use numpy::{IntoPyArray, PyArray1, PyArray2, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::Result;
use crate::settings;

/// A checked table of samples × taxa.
#[pyclass(frozen, name = "ProfileTable", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyProfiles(pub ProfileTable);

/// Compressed sparse rows as NumPy arrays: `indptr`, `indices`, `values`.
type CsrArrays<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
);

#[pymethods]
impl PyProfiles {
    /// The ids of the samples, one a row.
    #[getter]
    fn sample_ids(&self) -> Vec<&str> {
        self.0.samples().iter().map(SampleId::as_str).collect()
    }

    /// The labels of the taxa, one a column, as the source wrote them.
    #[getter]
    fn taxa(&self) -> Vec<&str> {
        self.0.taxa().iter().map(Taxon::label).collect()
    }

    /// The shortest name of each taxon.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.0.taxa().iter().map(Taxon::name).collect()
    }

    /// The lineage of each taxon, empty where unknown.
    #[getter]
    fn lineages(&self) -> Vec<String> {
        self.0
            .taxa()
            .iter()
            .map(|taxon| taxon.lineage().to_string())
            .collect()
    }

    /// `count`, `fraction` or `percent`.
    #[getter]
    fn unit(&self) -> &'static str {
        self.0.unit().as_str()
    }

    /// The naming system of the taxa.
    #[getter]
    fn vocabulary(&self) -> &str {
        self.0.vocabulary().as_str()
    }

    /// `complete` or `filtered`.
    #[getter]
    fn completeness(&self) -> PyResult<String> {
        settings::spelled(self.0.completeness())
    }

    /// The fraction of each sample that the profiler could not name.
    #[getter]
    fn unclassified<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.0.unclassified().to_pyarray(py)
    }

    /// Reads of each sample, where the table is of counts.
    #[getter]
    fn depth<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.0.depth().map(|depth| depth.into_pyarray(py))
    }

    /// What the reader noticed or decided.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.0.notes().to_vec()
    }

    /// Samples and taxa.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.0.n_samples(), self.0.n_taxa())
    }

    /// The number of abundances that are not 0.
    #[getter]
    fn n_nonzero(&self) -> usize {
        self.0.abundance().n_nonzero()
    }

    /// The abundances in compressed sparse rows.
    fn to_csr<'py>(&self, py: Python<'py>) -> CsrArrays<'py> {
        let matrix = self.0.abundance();
        let indptr: Vec<i64> = matrix.indptr().iter().map(|&at| at as i64).collect();
        let indices: Vec<i64> = matrix.indices().iter().map(|&at| i64::from(at)).collect();
        (
            indptr.into_pyarray(py),
            indices.into_pyarray(py),
            matrix.values().to_pyarray(py),
        )
    }

    /// The abundances with every zero written out.
    fn to_dense<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let matrix = self.0.abundance();
        let mut dense = numpy::ndarray::Array2::zeros((matrix.n_rows(), matrix.n_cols()));
        for (mut row, (columns, values)) in dense.rows_mut().into_iter().zip(matrix.rows()) {
            for (&column, &value) in columns.iter().zip(values) {
                row[column as usize] = value;
            }
        }
        dense.into_pyarray(py)
    }

    /// The same table as fractions that sum to 1.
    fn closure(&self) -> Self {
        Self(self.0.closure())
    }

    /// The samples with these ids, in this order.
    fn select(&self, sample_ids: Vec<String>) -> Result<Self> {
        let ids: Vec<SampleId> = sample_ids.into_iter().map(SampleId::new).collect();
        Ok(Self(self.0.select_samples(&ids)?))
    }

    /// The same table with other names of samples and taxa.
    fn rename(
        &self,
        samples: BTreeMap<String, String>,
        taxa: BTreeMap<String, String>,
    ) -> Result<Self> {
        Ok(Self(self.0.rename(&samples, &taxa)?))
    }

    /// Number of taxa, sum and most abundant taxon of each sample.
    fn row_summary(&self) -> (Vec<usize>, Vec<f64>, Vec<&str>) {
        let matrix = self.0.abundance();
        let largest = |(columns, values): (&[u32], &[f64])| {
            let by_value = |a: &(&u32, &f64), b: &(&u32, &f64)| a.1.total_cmp(b.1);
            let column = columns
                .iter()
                .zip(values)
                .max_by(by_value)
                .map(|(&column, _)| column);
            column.map_or("", |column| self.0.taxa()[column as usize].name())
        };
        (
            matrix.rows().map(|(_, values)| values.len()).collect(),
            matrix.row_sums(),
            matrix.rows().map(largest).collect(),
        )
    }

    /// The table as bytes, for pickling only: readable by the same version of donormatch.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &persist::to_transfer(&self.0)?))
    }

    /// The table of [`PyProfiles::to_bytes`].
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(persist::from_transfer(bytes)?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __len__(&self) -> usize {
        self.0.n_samples()
    }
}
