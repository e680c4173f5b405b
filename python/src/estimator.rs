//! The learning engines: params as JSON, features as a matrix, fitted models as frozen classes.

use std::path::PathBuf;

use donormatch::model::{
    BoostingModel, BoostingParams, ContributionReference, LogisticCvParams, LogisticModel,
    LogisticParams, TrainingData,
};
use donormatch::persist::{self, ModelHeader, Stored};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::array::{AnyMatrix, Matrix};
use crate::error::Result;
use crate::runtime::{long, short};
use crate::settings;

/// The rows that a model is fitted on, owned, so that a fit can outlive an interrupted call.
pub struct Rows {
    features: Matrix,
    outcomes: Vec<f64>,
    weights: Option<Vec<f64>>,
    offsets: Option<Vec<f64>>,
    groups: Option<Vec<u32>>,
}

/// The rows as the Python half hands them over.
#[derive(FromPyObject)]
pub struct PyRows<'py> {
    #[pyo3(attribute)]
    features: AnyMatrix<'py>,
    #[pyo3(attribute)]
    outcomes: PyReadonlyArray1<'py, f64>,
    #[pyo3(attribute)]
    weights: Option<PyReadonlyArray1<'py, f64>>,
    #[pyo3(attribute)]
    offsets: Option<PyReadonlyArray1<'py, f64>>,
    #[pyo3(attribute)]
    groups: Option<PyReadonlyArray1<'py, u32>>,
}

impl PyRows<'_> {
    /// A copy in types of the core.
    pub fn to_rows(&self) -> Result<Rows> {
        let owned = |array: &PyReadonlyArray1<'_, f64>| array.as_array().to_vec();
        Ok(Rows {
            features: self.features.to_matrix()?,
            outcomes: owned(&self.outcomes),
            weights: self.weights.as_ref().map(owned),
            offsets: self.offsets.as_ref().map(owned),
            groups: self
                .groups
                .as_ref()
                .map(|groups| groups.as_array().to_vec()),
        })
    }
}

impl Rows {
    /// The rows, checked.
    pub fn data(&self) -> donormatch::Result<TrainingData<'_>> {
        let mut data = TrainingData::new(self.features.view(), &self.outcomes)?;
        if let Some(weights) = &self.weights {
            data = data.with_weights(weights)?;
        }
        if let Some(offsets) = &self.offsets {
            data = data.with_offsets(offsets)?;
        }
        match &self.groups {
            Some(groups) => data.with_groups(groups),
            None => Ok(data),
        }
    }
}

/// A fitted elastic-net logistic regression.
#[pyclass(frozen, name = "LogisticModel", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyLogisticModel(LogisticModel);

/// Fits an elastic-net logistic regression.
#[pyfunction]
pub fn fit_logistic(py: Python<'_>, params: &str, rows: PyRows<'_>) -> Result<PyLogisticModel> {
    let params: LogisticParams = settings::parse(params)?;
    let rows = rows.to_rows()?;
    Ok(PyLogisticModel(long(py, move || {
        params.fit(&rows.data()?)
    })?))
}

/// Chooses λ and α by grouped folds; the model, and how it was chosen as JSON.
#[pyfunction]
pub fn fit_logistic_cv(
    py: Python<'_>,
    params: &str,
    rows: PyRows<'_>,
) -> Result<(PyLogisticModel, String)> {
    let params: LogisticCvParams = settings::parse(params)?;
    let rows = rows.to_rows()?;
    let chosen = long(py, move || params.fit(&rows.data()?))?;
    let report = settings::json(&chosen)?;
    Ok((PyLogisticModel(chosen.model), report))
}

#[pymethods]
impl PyLogisticModel {
    /// The log-odds where all features are 0.
    #[getter]
    fn intercept(&self) -> f64 {
        self.0.intercept()
    }

    /// Number of features.
    #[getter]
    fn n_features(&self) -> usize {
        self.0.n_features()
    }

    /// Log-odds per raw unit, one a feature.
    #[getter]
    fn coefficients<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.0.coefficients().to_pyarray(py)
    }

    /// Log-odds, one a row.
    fn scores<'py>(
        &self,
        py: Python<'py>,
        features: AnyMatrix<'_>,
    ) -> Result<Bound<'py, PyArray1<f64>>> {
        let features = features.to_matrix()?;
        Ok(short(py, || self.0.scores(features.view()))?.into_pyarray(py))
    }

    /// The mean score of the training rows, and contributions in log-odds, rows × features.
    fn contributions<'py>(
        &self,
        py: Python<'py>,
        features: AnyMatrix<'_>,
    ) -> Result<(f64, Bound<'py, PyArray2<f64>>)> {
        let features = features.to_matrix()?;
        let values = short(py, || self.0.contributions(features.view()))?;
        Ok((self.0.base_score(), values.into_pyarray(py)))
    }

    /// The model as the bytes of a model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        let bytes = persist::to_bytes(&self.0, &self.0.header())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Writes a model file, whole or not at all; `header` is JSON.
    fn write(&self, py: Python<'_>, path: PathBuf, header: &str) -> Result<()> {
        let header: ModelHeader = settings::parse(header)?;
        short(py, || persist::write(path, &self.0, &header))
    }

    /// The model of a model file, and its header as JSON.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> Result<(Self, String)> {
        let (model, header) = long(py, move || persist::read(path))?;
        Ok((Self(model), settings::json(&header)?))
    }

    /// The model of [`PyLogisticModel::to_bytes`], checked entry by entry.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(persist::from_bytes(bytes)?.0))
    }
}

/// Fitted gradient-boosted trees.
#[pyclass(frozen, name = "BoostingModel", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyBoostingModel(BoostingModel);

/// Fits gradient-boosted trees.
#[pyfunction]
pub fn fit_boosting(py: Python<'_>, params: &str, rows: PyRows<'_>) -> Result<PyBoostingModel> {
    let params: BoostingParams = settings::parse(params)?;
    let rows = rows.to_rows()?;
    Ok(PyBoostingModel(long(py, move || {
        params.fit(&rows.data()?)
    })?))
}

#[pymethods]
impl PyBoostingModel {
    /// Number of trees, fewer than asked for where the fit stopped early.
    #[getter]
    fn n_trees(&self) -> usize {
        self.0.n_trees()
    }

    /// Number of features.
    #[getter]
    fn n_features(&self) -> usize {
        self.0.n_features()
    }

    /// The loss that was minimized.
    #[getter]
    fn loss(&self) -> PyResult<String> {
        settings::spelled(self.0.loss())
    }

    /// Fall of the loss by splits on each feature.
    fn gain_importance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.0.gain_importance().into_pyarray(py)
    }

    /// The mean score of the training rows, and exact Shapley values, rows × features.
    fn contributions<'py>(
        &self,
        py: Python<'py>,
        features: AnyMatrix<'_>,
    ) -> Result<(f64, Bound<'py, PyArray2<f64>>)> {
        let features = features.to_matrix()?;
        let reference = ContributionReference::TrainingRows;
        let parts = short(py, || self.0.contributions(features.view(), reference))?;
        Ok((parts.base, parts.values.into_pyarray(py)))
    }

    /// Log-odds, or values on the scale of the outcomes, one a row.
    fn scores<'py>(
        &self,
        py: Python<'py>,
        features: AnyMatrix<'_>,
    ) -> Result<Bound<'py, PyArray1<f64>>> {
        let features = features.to_matrix()?;
        Ok(short(py, || self.0.scores(features.view()))?.into_pyarray(py))
    }

    /// The model as the bytes of a model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        let bytes = persist::to_bytes(&self.0, &self.0.header())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Writes a model file, whole or not at all; `header` is JSON.
    fn write(&self, py: Python<'_>, path: PathBuf, header: &str) -> Result<()> {
        let header: ModelHeader = settings::parse(header)?;
        short(py, || persist::write(path, &self.0, &header))
    }

    /// The model of a model file, and its header as JSON.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> Result<(Self, String)> {
        let (model, header) = long(py, move || persist::read(path))?;
        Ok((Self(model), settings::json(&header)?))
    }

    /// The model of [`PyBoostingModel::to_bytes`], checked entry by entry.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(persist::from_bytes(bytes)?.0))
    }
}

/// Probabilities without and with the event (two columns) of log-odds.
#[pyfunction]
pub fn probabilities<'py>(
    py: Python<'py>,
    scores: PyReadonlyArray1<'_, f64>,
) -> Bound<'py, PyArray2<f64>> {
    let scores = scores.as_array();
    let both = |(row, column): (usize, usize)| {
        let score = scores[row];
        donormatch::model::probability_of_score(if column == 0 { -score } else { score })
    };
    numpy::ndarray::Array2::from_shape_fn((scores.len(), 2), both).into_pyarray(py)
}
