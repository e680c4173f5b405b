//! The Parquet side of [`write()`](super::write()).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;

use super::ProfileTable;
use super::statement::{UNCLASSIFIED, statement, unclassified};
use crate::output::OutputFile;
use crate::{Error, Result};

/// The key of the metadata of a column that holds its lineage.
pub(super) const LINEAGE: &str = "lineage";
/// Samples written at a time.
const BATCH: usize = 1_024;

/// Writes a table in batches of samples.
pub(super) fn write(file: &mut OutputFile, path: &Path, table: &ProfileTable) -> Result<()> {
    let unclassified = unclassified(table);
    let schema = Arc::new(schema(table, unclassified.is_some()));
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::File {
        path: path.to_path_buf(),
        line: None,
        message: "the table could not be written as Parquet".to_owned(),
        source: Some(source),
    };
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), None)
        .map_err(|source| failed(Box::new(source)))?;
    for start in (0..table.n_samples()).step_by(BATCH) {
        let end = (start + BATCH).min(table.n_samples());
        let columns = columns(table, unclassified.as_deref(), start, end);
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
            .map_err(|source| failed(Box::new(source)))?;
        writer
            .write(&batch)
            .map_err(|source| failed(Box::new(source)))?;
    }
    writer.close().map_err(|source| failed(Box::new(source)))?;
    Ok(())
}

fn schema(table: &ProfileTable, has_unclassified: bool) -> Schema {
    let mut fields = vec![Field::new("sample_id", DataType::Utf8, false)];
    for taxon in table.taxa() {
        let mut field = Field::new(taxon.label(), DataType::Float64, false);
        if !taxon.lineage().is_empty() {
            let lineage = taxon.lineage().to_string();
            field = field.with_metadata(HashMap::from([(LINEAGE.to_owned(), lineage)]));
        }
        fields.push(field);
    }
    if has_unclassified {
        fields.push(Field::new(UNCLASSIFIED, DataType::Float64, false));
    }
    let metadata = statement(table)
        .into_iter()
        .map(|(key, value)| (format!("donormatch:{key}"), value));
    Schema::new(fields).with_metadata(metadata.collect())
}

fn columns(
    table: &ProfileTable,
    unclassified: Option<&[f64]>,
    start: usize,
    end: usize,
) -> Vec<ArrayRef> {
    let mut values = vec![vec![0.0; end - start]; table.n_taxa()];
    for (row, (columns, abundances)) in table
        .abundance()
        .rows()
        .skip(start)
        .take(end - start)
        .enumerate()
    {
        for (&column, &abundance) in columns.iter().zip(abundances) {
            if let Some(cell) = values.get_mut(column as usize).and_then(|c| c.get_mut(row)) {
                *cell = abundance;
            }
        }
    }
    let samples = table.samples().iter().skip(start).take(end - start);
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(
        samples.map(AsRef::<str>::as_ref),
    ))];
    for column in values {
        arrays.push(Arc::new(Float64Array::from(column)));
    }
    if let Some(amounts) = unclassified {
        let amounts = amounts.get(start..end).unwrap_or_default().to_vec();
        arrays.push(Arc::new(Float64Array::from(amounts)));
    }
    arrays
}
