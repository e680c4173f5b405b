//! Held-out scores → calibrated probabilities.

use donormatch::calibration::{CalibrationParams, Calibrator};
use donormatch::persist;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::Result;
use crate::evaluation::PyScoredRows;
use crate::runtime::{long, short};
use crate::settings;

type Numbers<'py> = Bound<'py, PyArray1<f64>>;

/// A fitted map from scores to probabilities.
#[pyclass(frozen, name = "Calibrator", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyCalibrator(Calibrator);

/// Fits a calibrator; and what cross-validation said of each method, as JSON.
#[pyfunction]
pub fn fit_calibrator(
    py: Python<'_>,
    params: &str,
    rows: PyScoredRows<'_>,
) -> Result<(PyCalibrator, String)> {
    let params: CalibrationParams = settings::parse(params)?;
    let rows = rows.owned();
    let calibrator = long(py, move || {
        let (weights, groups) = (rows.weights.as_deref(), rows.groups.as_deref());
        params.fit(&rows.scores, &rows.outcomes, weights, groups)
    })?;
    let losses = settings::json(&calibrator.losses())?;
    Ok((PyCalibrator(calibrator), losses))
}

#[pymethods]
impl PyCalibrator {
    /// The method, also where it was chosen.
    #[getter]
    fn method(&self) -> PyResult<String> {
        settings::spelled(self.0.method())
    }

    /// Slope and intercept of a sigmoid method, per unit of score.
    #[getter]
    fn slope_and_intercept(&self) -> Option<(f64, f64)> {
        self.0.slope_and_intercept()
    }

    /// The calibrated probability of each score.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        scores: PyReadonlyArray1<'_, f64>,
    ) -> Result<Numbers<'py>> {
        let scores = scores.as_array().to_vec();
        Ok(short(py, || self.0.probabilities(&scores))?.into_pyarray(py))
    }

    /// The lower and the upper probability of each score.
    fn intervals<'py>(
        &self,
        py: Python<'py>,
        scores: PyReadonlyArray1<'_, f64>,
    ) -> Result<(Numbers<'py>, Numbers<'py>)> {
        let scores = scores.as_array().to_vec();
        let intervals = short(py, || self.0.probability_intervals(&scores))?;
        let (lower, upper): (Vec<f64>, Vec<f64>) = intervals.into_iter().unzip();
        Ok((lower.into_pyarray(py), upper.into_pyarray(py)))
    }

    /// The calibrator as bytes, for pickling only.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &persist::to_transfer(&self.0)?))
    }

    /// The calibrator of [`PyCalibrator::to_bytes`].
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(persist::from_transfer(bytes)?))
    }
}
