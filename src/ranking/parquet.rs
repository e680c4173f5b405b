//! Rows of a ranking as Parquet, a row group at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::RankingRow;
use super::table::{COLUMNS, Column, columns};
use crate::output::OutputFile;
use crate::{Error, Result};

/// Rows handed to the encoder at a time, so that its bytes do not hang on who comes when.
const BATCH: usize = 4_096;
/// Rows of a row group: what memory holds before it is written.
const GROUP: usize = 16 * BATCH;

/// A Parquet file that is being written.
pub(super) struct ParquetRows {
    path: PathBuf,
    /// The file until the first batch tells the types of the columns.
    state: State,
    pending: Vec<RankingRow>,
}

enum State {
    New(OutputFile),
    Open(Box<ArrowWriter<OutputFile>>),
    Failed,
}

impl ParquetRows {
    pub(super) fn new(path: &Path, file: OutputFile) -> Self {
        Self {
            path: path.to_path_buf(),
            state: State::New(file),
            pending: Vec::with_capacity(BATCH),
        }
    }

    pub(super) fn write(&mut self, rows: &[RankingRow]) -> Result<()> {
        for row in rows {
            self.pending.push(row.clone());
            if self.pending.len() == BATCH {
                self.flush()?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<OutputFile> {
        self.flush()?;
        match std::mem::replace(&mut self.state, State::Failed) {
            State::New(file) => Ok(file),
            State::Open(writer) => writer.into_inner().map_err(|source| self.failed(source)),
            State::Failed => Err(Error::file(&self.path, "an earlier row was not written")),
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let arrays = COLUMNS.into_iter().zip(columns(&self.pending));
        let batch = RecordBatch::try_from_iter_with_nullable(
            arrays.map(|(name, column)| (name, array(column), false)),
        )
        .map_err(|source| self.failed(source))?;
        self.pending.clear();
        let mut writer = match std::mem::replace(&mut self.state, State::Failed) {
            State::New(file) => {
                let schema = batch.schema();
                let writer = ArrowWriter::try_new(file, schema, Some(properties()));
                Box::new(writer.map_err(|source| self.failed(source))?)
            }
            State::Open(writer) => writer,
            State::Failed => return Err(Error::file(&self.path, "an earlier row was not written")),
        };
        writer.write(&batch).map_err(|source| self.failed(source))?;
        self.state = State::Open(writer);
        Ok(())
    }

    fn failed(&self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::File {
            path: self.path.clone(),
            line: None,
            message: "the rows could not be written as Parquet".to_owned(),
            source: Some(Box::new(source)),
        }
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("donormatch ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}

fn array(column: Column) -> ArrayRef {
    match column {
        Column::Text(texts) => Arc::new(StringArray::from(texts)),
        Column::Whole(numbers) => Arc::new(Int64Array::from(numbers)),
        Column::Number(numbers) => Arc::new(Float64Array::from(numbers)),
        Column::Truth(truths) => Arc::new(BooleanArray::from(truths)),
    }
}
