//! Parquet and Arrow IPC: wide (one column a taxon or a sample) and long (sample, taxon, value).

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::is_annotation;
use super::draft::{Draft, with_lineage};
use super::entries::Names;
use super::source::Source;
use super::tabbed::push_cell;
use super::{Orientation, ReadLimits, ReadOptions, ipc, orientation};
use crate::profile::parquet::LINEAGE;
use crate::profile::write::Statement;
use crate::profile::{CsrMatrix, Taxon};
use crate::{Error, Result};

const SAMPLES: [&str; 6] = ["sample", "sample_id", "sampleid", "samples", "run", "obs"];
const TAXA: [&str; 8] = [
    "taxon",
    "taxa",
    "clade_name",
    "clade",
    "feature",
    "feature_id",
    "lineage",
    "species",
];

/// What a table of columns is read as.
pub(super) enum Columnar {
    /// Labels and numbers.
    Table(Box<Draft>),
    /// Text with tabs: there are columns besides labels and numbers, which the readers of text
    /// know. With the bytes that the file had where it came from.
    Text(Vec<u8>, u64),
}

/// Reads a Parquet file.
pub(super) fn read_parquet(source: Source<'_>) -> Result<Columnar> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let held = source.hold()?;
    let n_packed = held.n_packed;
    let bytes = bytes::Bytes::from(held.bytes);
    let damaged = |source: parquet::errors::ParquetError| failed(&path, "Parquet", source);
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(damaged)?;
    let n_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let n_columns = builder.schema().fields().len() as u64;
    let limit = options.limits.unpacked(n_packed);
    let unpacked: u64 = builder
        .metadata()
        .row_groups()
        .iter()
        .map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX))
        .fold(0, u64::saturating_add);
    let needed = n_rows
        .saturating_mul(n_columns)
        .saturating_mul(8)
        .max(unpacked);
    if needed > limit {
        return Err(Error::file(
            &path,
            format!(
                "{n_rows} rows × {n_columns} columns would need {needed} bytes, \
                 more than the {limit} allowed by `limits.expansion` and `limits.held_bytes`"
            ),
        ));
    }
    // The reader's own schema lacks the metadata of the file.
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(damaged)?;
    collect(reader, &schema, n_packed, options).map_err(|fault| fault.at(&path, "Parquet"))
}

/// Reads an Arrow IPC file (Feather 2) or stream.
pub(super) fn read_ipc(source: Source<'_>) -> Result<Columnar> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let held = source.hold()?;
    let n_packed = held.n_packed;
    let limit = options.limits.unpacked(n_packed);
    let file = ipc::read(held.bytes, limit).map_err(|source| failed(&path, "Arrow", source))?;
    let batches = file.batches.into_iter().map(Ok);
    collect(batches, &file.schema, n_packed, options).map_err(|fault| fault.at(&path, "Arrow"))
}

fn failed(
    path: &std::path::Path,
    format: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::File {
        path: path.to_path_buf(),
        line: None,
        message: format!("the {format} content is damaged or not supported"),
        source: Some(Box::new(source)),
    }
}

/// What may go wrong while batches are collected.
enum Fault {
    Arrow(ArrowError),
    Content(String),
}

impl Fault {
    fn at(self, path: &std::path::Path, format: &str) -> Error {
        match self {
            Self::Arrow(source) => failed(path, format, source),
            Self::Content(message) => Error::file(path, message),
        }
    }
}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Content(message)
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn collect(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    schema: &Schema,
    n_packed: u64,
    options: &ReadOptions,
) -> Result<Columnar, Fault> {
    if schema.fields().len() > options.limits.axis {
        return Err("more columns than allowed by `limits.axis`"
            .to_owned()
            .into());
    }
    let texts: Vec<usize> = (0..schema.fields().len())
        .filter(|&at| is_text(schema.field(at).data_type()))
        .collect();
    let others: Vec<usize> = (0..schema.fields().len())
        .filter(|at| !texts.contains(at))
        .filter(|&at| !schema.field(at).name().starts_with("__index_level_"))
        .collect();
    let has_annotations = others
        .iter()
        .any(|&at| is_annotation(schema.field(at).name()));
    let draft = match (texts.as_slice(), others.as_slice()) {
        _ if has_annotations => return to_text(batches, schema, n_packed, options),
        (&[one, other], &[value]) if long_columns(schema, one, other).is_ok() => {
            let (sample, taxon) = long_columns(schema, one, other)?;
            collect_long(batches, [sample, taxon, value], &options.limits)?
        }
        (&[labels], [_, ..]) => collect_wide(batches, schema, labels, &others, options)?,
        (_, [_, ..]) => return to_text(batches, schema, n_packed, options),
        _ => {
            return Err(format!(
                "expected columns of labels and of numbers; found {} columns of text and {} others",
                texts.len(),
                others.len()
            )
            .into());
        }
    };
    Ok(Columnar::Table(Box::new(draft)))
}

/// The table as text with tabs; what is missing is blank.
fn to_text(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    schema: &Schema,
    n_packed: u64,
    options: &ReadOptions,
) -> Result<Columnar, Fault> {
    let mut out = Vec::new();
    let columns: Vec<usize> = (0..schema.fields().len())
        .filter(|&at| !schema.field(at).name().starts_with("__index_level_"))
        .collect();
    for (place, &at) in columns.iter().enumerate() {
        if place > 0 {
            out.push(b'\t');
        }
        push_cell(&mut out, schema.field(at).name());
    }
    out.push(b'\n');
    for batch in batches {
        let batch = batch?;
        let mut texts = Vec::with_capacity(columns.len());
        for &at in &columns {
            texts.push(arrow_cast::cast(batch.column(at), &DataType::LargeUtf8)?);
        }
        let texts: Vec<_> = texts.iter().map(AsArray::as_string::<i64>).collect();
        for row in 0..batch.num_rows() {
            for (place, column) in texts.iter().enumerate() {
                if place > 0 {
                    out.push(b'\t');
                }
                if column.is_valid(row) {
                    push_cell(&mut out, column.value(row));
                }
            }
            out.push(b'\n');
            if out.len() as u64 > options.limits.held_bytes {
                let limit = options.limits.held_bytes;
                return Err(
                    format!("more than the {limit} bytes allowed by `limits.held_bytes`").into(),
                );
            }
        }
    }
    Ok(Columnar::Text(out, n_packed))
}

/// Which of two columns of text is the sample, which the taxon: by their names.
fn long_columns(schema: &Schema, one: usize, other: usize) -> Result<(usize, usize), String> {
    let is = |at: usize, known: &[&str]| {
        known
            .iter()
            .any(|name| schema.field(at).name().eq_ignore_ascii_case(name))
    };
    if is(one, &SAMPLES) || is(other, &TAXA) {
        Ok((one, other))
    } else if is(other, &SAMPLES) || is(one, &TAXA) {
        Ok((other, one))
    } else {
        Err(format!(
            "columns `{}` and `{}` are text: name them `sample` and `taxon`",
            schema.field(one).name(),
            schema.field(other).name()
        ))
    }
}

fn numbers(column: &ArrayRef, name: &str) -> Result<ArrayRef, Fault> {
    let kind = column.data_type();
    if !kind.is_numeric() {
        return Err(format!("column `{name}`: expected numbers, found {kind}").into());
    }
    let numbers = arrow_cast::cast(column, &DataType::Float64)?;
    if numbers.null_count() > 0 {
        return Err(format!(
            "column `{name}`: expected abundances, found {} missing values (write 0 for not \
             detected)",
            numbers.null_count()
        )
        .into());
    }
    Ok(numbers)
}

fn labels(column: &ArrayRef, name: &str, limits: &ReadLimits) -> Result<Vec<String>, Fault> {
    let texts = arrow_cast::cast(column, &DataType::LargeUtf8)?;
    if texts.null_count() > 0 {
        return Err(format!("column `{name}`: a label is missing").into());
    }
    let texts = texts.as_string::<i64>();
    let labels = texts.iter().map(Option::unwrap_or_default);
    labels
        .map(|label| {
            if label.len() > limits.label_bytes {
                return Err(format!("column `{name}`: a label of {} bytes", label.len()).into());
            }
            Ok(label.to_owned())
        })
        .collect()
}

fn collect_wide(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    schema: &Schema,
    label_column: usize,
    value_columns: &[usize],
    options: &ReadOptions,
) -> Result<Draft, Fault> {
    let corner = schema.field(label_column).name();
    let columns: Vec<String> = value_columns
        .iter()
        .map(|&at| schema.field(at).name().clone())
        .collect();
    let mut rows: Vec<String> = Vec::new();
    let mut entries: Vec<Vec<(u32, f64)>> = Vec::new();
    for batch in batches {
        let batch = batch?;
        rows.extend(labels(batch.column(label_column), corner, &options.limits)?);
        if rows.len() > options.limits.axis {
            return Err("more rows than allowed by `limits.axis`".to_owned().into());
        }
        let first = entries.len();
        entries.resize_with(rows.len(), Vec::new);
        for ((&at, name), column) in value_columns.iter().zip(&columns).zip(0_u32..) {
            let values = numbers(batch.column(at), name)?;
            let values = values.as_primitive::<Float64Type>().values();
            for (row, &value) in entries.iter_mut().skip(first).zip(values) {
                if value != 0.0 {
                    row.push((column, value));
                }
            }
        }
    }
    let stated = |key: &str| {
        schema
            .metadata()
            .get(&format!("donormatch:{key}"))
            .map(String::as_str)
    };
    let statement = Statement::of(stated);
    // A table that donormatch wrote has its samples in rows.
    let written = statement.as_ref().map(|_| Orientation::SamplesInRows);
    let orientation = match options.orientation.or(written) {
        Some(stated) => stated,
        None => orientation::find(Some(corner), &columns, &rows)?,
    };
    let matrix = CsrMatrix::from_rows(columns.len(), entries).map_err(|error| error.to_string())?;
    let mut draft = match orientation {
        Orientation::SamplesInRows => {
            let lineages = value_columns
                .iter()
                .map(|&at| schema.field(at).metadata().get(LINEAGE));
            let taxa = columns
                .into_iter()
                .zip(lineages)
                .map(|(label, lineage)| match lineage {
                    Some(lineage) => with_lineage(label, lineage),
                    None => Taxon::new(label),
                });
            Draft::new(rows, taxa.collect(), matrix.transpose())
        }
        Orientation::TaxaInRows => Draft::new(columns, to_taxa(rows), matrix),
    };
    if let Some(statement) = statement {
        draft.apply(statement);
    }
    Ok(draft)
}

fn to_taxa(labels: Vec<String>) -> Vec<Taxon> {
    labels.into_iter().map(Taxon::new).collect()
}

fn collect_long(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    [sample, taxon, value]: [usize; 3],
    limits: &ReadLimits,
) -> Result<Draft, Fault> {
    let mut samples = Names::default();
    let mut taxa = Names::default();
    let mut entries: Vec<Vec<(u32, f64)>> = Vec::new();
    for batch in batches {
        let batch = batch?;
        let values = numbers(batch.column(value), "value")?;
        let values = values.as_primitive::<Float64Type>().values();
        let sample_labels = labels(batch.column(sample), "sample", limits)?;
        let taxon_labels = labels(batch.column(taxon), "taxon", limits)?;
        for ((sample, taxon), &value) in sample_labels.iter().zip(&taxon_labels).zip(values) {
            let (sample, taxon) = (samples.number(sample), taxa.number(taxon));
            if taxa.names.len() > entries.len() {
                entries.push(Vec::new());
            }
            if let (Some(row), true) = (entries.get_mut(taxon as usize), value != 0.0) {
                row.push((sample, value));
            }
        }
    }
    for (row, name) in entries.iter_mut().zip(&taxa.names) {
        row.sort_unstable_by_key(|&(sample, _)| sample);
        let twice = row.windows(2).find_map(|pair| match pair {
            [(one, _), (other, _)] if one == other => samples.names.get(*one as usize),
            _ => None,
        });
        if let Some(sample) = twice {
            return Err(format!("sample `{sample}`, taxon `{name}`: two values").into());
        }
    }
    let matrix =
        CsrMatrix::from_rows(samples.names.len(), entries).map_err(|error| error.to_string())?;
    Ok(Draft::new(samples.names, to_taxa(taxa.names), matrix))
}
