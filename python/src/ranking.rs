//! Rankings: donors in order, as tables, text, one HTML page, and shared out under capacities.

use std::path::PathBuf;

use donormatch::explanation::report::{self, ReportContext};
use donormatch::matcher::PairPrediction;
use donormatch::output::{Access, write_bytes};
use donormatch::persist;
use donormatch::ranking::{
    AssignmentParams, COLUMNS, Calendar, CalendarParams, RankedUtilities, Ranking, RankingParams,
    TRANSPLANT_COLUMNS, read_batches, read_windows,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::Result;
use crate::matcher::Metadata;
use crate::runtime::{long, short};
use crate::settings;

/// The donors of every recipient in order.
#[pyclass(frozen, name = "Ranking", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyRanking(pub Ranking);

/// Ranks pairs that were predicted elsewhere, given as a JSON list.
#[pyfunction]
pub fn rank_predictions(py: Python<'_>, predictions: &str, params: &str) -> Result<PyRanking> {
    let predictions: Vec<PairPrediction> = settings::list("predictions", predictions)?;
    let params: RankingParams = settings::parse(params)?;
    Ok(PyRanking(short(py, || params.rank(&predictions))?))
}

#[pymethods]
impl PyRanking {
    /// The columns of the table, in order.
    #[classattr]
    const COLUMNS: [&'static str; COLUMNS.len()] = COLUMNS;

    /// Rows, summaries and params as JSON; numbers read back to the same bits.
    fn to_json(&self) -> Result<String> {
        Ok(self.0.to_json()?)
    }

    /// The table as tab-separated text, safe to open in a spreadsheet.
    fn to_tsv(&self) -> Result<String> {
        Ok(self.0.to_tsv()?)
    }

    /// The table for reading on a terminal.
    fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// One self-contained HTML page.
    fn to_html(&self, context: &str) -> Result<String> {
        let context: ReportContext = settings::parse(context)?;
        Ok(report::html(&self.0, &context))
    }

    /// Writes the page of [`PyRanking::to_html`] to a file, whole or not at all; gives it.
    fn write_html(
        &self,
        py: Python<'_>,
        path: PathBuf,
        context: &str,
        access: &str,
    ) -> Result<String> {
        let access: Access = settings::word("access", access)?;
        let page = self.to_html(context)?;
        short(py, || write_bytes(path, page.as_bytes(), access))?;
        Ok(page)
    }

    /// Who gets whose transplant under capacities, as JSON.
    fn assign(&self, py: Python<'_>, params: &str) -> Result<String> {
        let params: AssignmentParams = settings::parse(params)?;
        settings::json(&short(py, || params.assign(&self.0))?)
    }

    /// Who gets whose dose on which day.
    fn calendar(
        &self,
        py: Python<'_>,
        params: &str,
        batches: Metadata,
        recipients: Option<Metadata>,
    ) -> Result<PyCalendar> {
        let params: CalendarParams = settings::parse(params)?;
        let ranked = RankedUtilities::from(&self.0);
        long(py, move || {
            let batches = read_batches(&batches.into_table()?)?;
            let windows = match recipients {
                Some(recipients) => read_windows(&recipients.into_table()?)?,
                None => Vec::new(),
            };
            params
                .assign_ranked(&ranked, &batches, &windows)
                .map(PyCalendar)
        })
    }

    /// The ranking as bytes, for pickling only.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &persist::to_transfer(&self.0)?))
    }

    /// The ranking of [`PyRanking::to_bytes`].
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(persist::from_transfer(bytes)?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __len__(&self) -> usize {
        self.0.rows.len()
    }
}

/// Who gets whose dose on which day.
#[pyclass(frozen, name = "Calendar", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyCalendar(Calendar);

#[pymethods]
impl PyCalendar {
    /// The columns of the table, in order.
    #[classattr]
    const COLUMNS: [&'static str; TRANSPLANT_COLUMNS.len()] = TRANSPLANT_COLUMNS;

    /// Everything, with the proof, as JSON.
    fn to_json(&self) -> Result<String> {
        Ok(self.0.to_json()?)
    }

    /// The transplants as tab-separated text, safe to open in a spreadsheet.
    fn to_tsv(&self) -> Result<String> {
        Ok(self.0.to_tsv()?)
    }

    /// The calendar for reading on a terminal.
    fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// The calendar as a picture.
    fn to_svg(&self) -> String {
        report::calendar_figure(&self.0)
    }

    /// Writes the picture to a file, whole or not at all; gives it.
    fn write_svg(&self, py: Python<'_>, path: PathBuf, access: &str) -> Result<String> {
        let access: Access = settings::word("access", access)?;
        let picture = self.to_svg();
        short(py, || write_bytes(path, picture.as_bytes(), access))?;
        Ok(picture)
    }

    /// What is known about the calendar, in a line.
    fn verdict(&self) -> String {
        self.0.verdict()
    }
}
