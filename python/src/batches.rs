//! A ranking as Arrow record batches, worked out as they are asked for.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchReader, StringArray,
};
use arrow_schema::{ArrowError, SchemaRef};
use donormatch::Error;
use donormatch::ranking::{
    COLUMNS, Column, DonorOrders, RankedRecipient, RankingRow, RecipientSummary, columns,
};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader};

use crate::error::Result;
use crate::matcher::RankingTask;
use crate::runtime::long;
use crate::settings;

/// Batches of rows, each of some recipients.
#[pyclass(frozen, name = "RankingBatches", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyRankingBatches(Arc<Batches>);

/// What is ranked, and how far it has come.
#[derive(Debug)]
pub struct Batches {
    task: RankingTask,
    recipients_at_a_time: usize,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Recipients done.
    n_done: usize,
    orders: DonorOrders,
    summaries: Vec<RecipientSummary>,
    n_outside: usize,
}

impl PyRankingBatches {
    /// Batches of at least so many pairs, of whole recipients.
    pub fn new(task: RankingTask, pairs_at_a_time: usize) -> Result<Self> {
        if pairs_at_a_time == 0 {
            let message = "expected 1 or more pairs, found 0";
            return Err(Error::parameter("pairs_at_a_time", message).into());
        }
        let n_donors = task.donors.n_donors().max(1);
        Ok(Self(Arc::new(Batches {
            task,
            recipients_at_a_time: pairs_at_a_time.div_ceil(n_donors),
            progress: Mutex::default(),
        })))
    }
}

impl Batches {
    /// The rows of the next recipients; none after the last. Where the work ends early, the same
    /// recipients are the next ones.
    fn next(&self) -> donormatch::Result<Option<RecordBatch>> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let n_recipients = self.task.recipients.n_samples();
        let start = progress.n_done;
        let end = n_recipients.min(start + self.recipients_at_a_time);
        if start == end {
            return Ok(None);
        }
        let (mut rows, mut summaries) = (Vec::new(), Vec::new());
        let keep = |one: RankedRecipient| {
            rows.extend(one.rows);
            summaries.push(one.summary);
            Ok(())
        };
        let done = self
            .task
            .job()
            .rank_rows(start..end, &mut progress.orders, keep);
        done.inspect_err(|_| progress.orders.truncate(start))?;
        progress.summaries.extend(summaries);
        progress.n_outside += rows.iter().filter(|row| !row.in_domain).count();
        progress.n_done = end;
        record_batch(&rows).map(Some)
    }
}

/// Rows as one batch; no column can be of none.
pub fn record_batch(rows: &[RankingRow]) -> donormatch::Result<RecordBatch> {
    let arrays = COLUMNS.into_iter().zip(columns(rows));
    let arrays = arrays.map(|(name, column)| (name, array(column), false));
    let batch = RecordBatch::try_from_iter_with_nullable(arrays);
    batch.map_err(|error| Error::table(error.to_string()))
}

fn array(column: Column) -> ArrayRef {
    match column {
        Column::Text(texts) => Arc::new(StringArray::from(texts)),
        Column::Whole(numbers) => Arc::new(Int64Array::from(numbers)),
        Column::Number(numbers) => Arc::new(Float64Array::from(numbers)),
        Column::Truth(truths) => Arc::new(BooleanArray::from(truths)),
    }
}

#[pymethods]
impl PyRankingBatches {
    /// The next batch, or nothing after the last.
    fn next_batch(&self, py: Python<'_>) -> Result<Option<PyRecordBatch>> {
        let batches = Arc::clone(&self.0);
        Ok(long(py, move || batches.next())?.map(PyRecordBatch::new))
    }

    /// The rest as an Arrow stream.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> Result<Bound<'py, PyAny>> {
        let batches = Arc::clone(&self.0);
        let first = long(py, move || batches.next())?;
        let first = first.ok_or_else(|| Error::table("all batches were taken already"))?;
        let reader = Reader {
            schema: first.schema(),
            first: Some(first),
            batches: Arc::clone(&self.0),
        };
        let reader = Bound::new(py, PyRecordBatchReader::new(Box::new(reader)))?;
        let arguments = PyTuple::new(py, [requested_schema])?;
        Ok(reader.call_method1("__arrow_c_stream__", arguments)?)
    }

    /// The summaries of the recipients so far, as JSON.
    fn summaries(&self) -> Result<String> {
        settings::json(&self.progress().summaries)
    }

    /// The agreement of the orders of donors so far.
    fn donor_order_agreement(&self, py: Python<'_>) -> Option<f64> {
        py.detach(|| self.progress().orders.agreement())
    }

    /// Recipients done, and rows so far that lie outside what the models know.
    fn progress_so_far(&self) -> (usize, usize) {
        let progress = self.progress();
        (progress.n_done, progress.n_outside)
    }
}

impl PyRankingBatches {
    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.0
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Batches for a consumer of Arrow streams, worked out as it asks for them.
struct Reader {
    schema: SchemaRef,
    first: Option<RecordBatch>,
    batches: Arc<Batches>,
}

impl Iterator for Reader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let batches = Arc::clone(&self.batches);
        let found = Python::attach(|py| long(py, move || batches.next()));
        found
            .map_err(|error| ArrowError::ExternalError(Box::new(PyErr::from(error))))
            .transpose()
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
