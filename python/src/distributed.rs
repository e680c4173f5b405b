//! Rankings and evaluations worked out in parts, wherever the parts are.

use std::sync::Arc;

use donormatch::evaluation::{EngraftmentFolds, JudgedCohort, JudgedStudy, ResponseFolds};
use donormatch::persist::{from_transfer, to_transfer};
use donormatch::ranking::{ChosenDonors, RankedPart};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::PyRecordBatch;

use crate::batches::record_batch;
use crate::error::Result;
use crate::matcher::RankingTask;
use crate::ranking::PyRanking;
use crate::runtime::long;
use crate::settings;

type CoreResult<T> = donormatch::Result<T>;

/// Bytes of another process.
type Parts = Vec<Vec<u8>>;

/// What is to be ranked, in the vocabulary of its matcher.
#[pyclass(frozen, name = "RankingTask", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyRankingTask(pub Arc<RankingTask>);

/// Which donors are drawn for whom.
#[pyclass(frozen, name = "ChosenDonors", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyChosenDonors(Arc<ChosenDonors>);

#[pymethods]
impl PyRankingTask {
    /// The donors, in the order of their table.
    #[getter]
    fn donor_ids(&self) -> Vec<String> {
        let ids = self.0.donors.ids().iter();
        ids.map(ToString::to_string).collect()
    }

    /// The recipients, in the order of their table.
    #[getter]
    fn recipient_ids(&self) -> Vec<String> {
        let ids = self.0.recipients.samples().iter();
        ids.map(ToString::to_string).collect()
    }

    /// The choice of donors by the pilots, where the job is prefiltered.
    fn choose_donors(&self, py: Python<'_>) -> Result<Option<PyChosenDonors>> {
        let task = Arc::clone(&self.0);
        let chosen = long(py, move || task.job().choose_donors())?;
        Ok(chosen.map(|chosen| PyChosenDonors(Arc::new(chosen))))
    }

    /// The recipients of these rows, ranked, as bytes for `join`.
    fn rank_part<'py>(
        &self,
        py: Python<'py>,
        rows: Vec<usize>,
        chosen: Option<&PyChosenDonors>,
    ) -> Result<Bound<'py, PyBytes>> {
        let (task, chosen) = (Arc::clone(&self.0), chosen.map(|one| Arc::clone(&one.0)));
        let part = long(py, move || {
            to_transfer(&task.job().rank_part(&rows, chosen.as_deref())?)
        })?;
        Ok(PyBytes::new(py, &part))
    }

    /// The same as one Arrow batch of rows.
    fn rank_batch(
        &self,
        py: Python<'_>,
        rows: Vec<usize>,
        chosen: Option<&PyChosenDonors>,
    ) -> Result<PyRecordBatch> {
        let (task, chosen) = (Arc::clone(&self.0), chosen.map(|one| Arc::clone(&one.0)));
        let batch = long(py, move || {
            record_batch(&task.job().rows_of(&rows, chosen.as_deref())?)
        })?;
        Ok(PyRecordBatch::new(batch))
    }

    /// The ranking of all recipients, from the bytes of `rank_part`.
    fn join(
        &self,
        py: Python<'_>,
        parts: Parts,
        chosen: Option<&PyChosenDonors>,
    ) -> Result<PyRanking> {
        let task = Arc::clone(&self.0);
        let chosen = chosen.map(|chosen| (*chosen.0).clone());
        let ranking = long(py, move || {
            let parts = parts.iter().map(|part| from_transfer::<RankedPart>(part));
            task.job().join(parts.collect::<CoreResult<_>>()?, chosen)
        })?;
        Ok(PyRanking(ranking))
    }
}

#[pymethods]
impl PyChosenDonors {
    /// The choice as bytes, for pickling only.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &to_transfer(&*self.0)?))
    }

    /// The choice of [`PyChosenDonors::to_bytes`].
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(Arc::new(from_transfer(bytes)?)))
    }
}

/// The cohorts that the model of response is judged on, each left out.
#[pyclass(frozen, name = "ResponseFolds", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyResponseFolds(pub Arc<ResponseFolds>);

#[pymethods]
impl PyResponseFolds {
    /// The cohorts, in the order of the report.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names().map(ToOwned::to_owned).collect()
    }

    /// One cohort left out and scored, as bytes for `report`.
    fn judge<'py>(&self, py: Python<'py>, name: String) -> Result<Bound<'py, PyBytes>> {
        let folds = Arc::clone(&self.0);
        let judged = long(py, move || to_transfer(&folds.judge(&name)?))?;
        Ok(PyBytes::new(py, &judged))
    }

    /// The rows of the report, as JSON.
    fn report(&self, py: Python<'_>, judged: Parts) -> Result<String> {
        let folds = Arc::clone(&self.0);
        let report = long(py, move || {
            let judged = judged.iter().map(|one| from_transfer::<JudgedCohort>(one));
            folds.report(judged.collect::<CoreResult<_>>()?)
        })?;
        settings::json(&report.rows)
    }
}

/// The studies that the model of engraftment is judged on, each left out.
#[pyclass(frozen, name = "EngraftmentFolds", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyEngraftmentFolds(pub Arc<EngraftmentFolds>);

#[pymethods]
impl PyEngraftmentFolds {
    /// The studies, in the order of the report.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names().to_vec()
    }

    /// One study left out and judged, as bytes for `report`.
    fn judge<'py>(&self, py: Python<'py>, name: String) -> Result<Bound<'py, PyBytes>> {
        let folds = Arc::clone(&self.0);
        let judged = long(py, move || to_transfer(&folds.judge(&name)?))?;
        Ok(PyBytes::new(py, &judged))
    }

    /// The rows of the report and the numbers of taxa by study, as JSON.
    fn report(&self, py: Python<'_>, judged: Parts) -> Result<String> {
        let folds = Arc::clone(&self.0);
        let report = long(py, move || {
            let judged = judged.iter().map(|one| from_transfer::<JudgedStudy>(one));
            folds.report(&judged.collect::<CoreResult<Vec<_>>>()?)
        })?;
        settings::json(&report)
    }
}
