//! Files, arrays, sparse matrices and Arrow tables → `ProfileTable`.

use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use donormatch::Error;
use donormatch::cohort::{CheckParams, ColumnNames};
use donormatch::profile::{
    CsrMatrix, Decision, LabelledMatrix, ProfileTable, ReadOptions, WriteFormat,
};
use numpy::PyReadonlyArray2;
use numpy::ndarray::ArrayView2;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::array::{SparseParts, dense, sparse_rows};
use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::runtime::{long, short};
use crate::settings;

/// Reads a file; its format is recognized from the content.
#[pyfunction]
pub fn read_profiles(py: Python<'_>, path: PathBuf, options: &str) -> Result<PyProfiles> {
    let options: ReadOptions = settings::parse(options)?;
    let table = long(py, move || donormatch::profile::read(&path, &options))?;
    Ok(PyProfiles(table))
}

/// Reads the bytes of a file, such as an upload.
#[pyfunction]
pub fn read_profiles_of_bytes(py: Python<'_>, bytes: Vec<u8>, options: &str) -> Result<PyProfiles> {
    let options: ReadOptions = settings::parse(options)?;
    let table = long(py, move || {
        donormatch::profile::read_bytes(&bytes, &options)
    })?;
    Ok(PyProfiles(table))
}

/// A question about a file, its answer and the reason.
type Decided = (&'static str, String, String);

fn decided(decisions: Vec<Decision>) -> Vec<Decided> {
    let decided = |one: Decision| (one.question.as_str(), one.answer, one.reason);
    decisions.into_iter().map(decided).collect()
}

fn check_params(content: Option<&str>, columns: ColumnNames, options: &str) -> Result<CheckParams> {
    Ok(CheckParams {
        content: content.map(str::parse).transpose()?,
        columns,
        reading: settings::parse(options)?,
    })
}

/// What is decided about a file, question by question.
#[pyfunction]
pub fn check(
    py: Python<'_>,
    path: PathBuf,
    content: Option<&str>,
    columns: ColumnNames,
    options: &str,
) -> Result<Vec<Decided>> {
    let params = check_params(content, columns, options)?;
    let decisions = long(py, move || donormatch::cohort::check(&path, &params))?;
    Ok(decided(decisions))
}

/// What is decided about the bytes of a file.
#[pyfunction]
pub fn check_of_bytes(
    py: Python<'_>,
    bytes: Vec<u8>,
    content: Option<&str>,
    columns: ColumnNames,
    options: &str,
) -> Result<Vec<Decided>> {
    let params = check_params(content, columns, options)?;
    let decisions = long(py, move || {
        donormatch::cohort::check_bytes("<bytes>", &bytes, &params)
    })?;
    Ok(decided(decisions))
}

/// Reads several files into one table over the union of their taxa.
#[pyfunction]
pub fn read_many_profiles(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    options: &str,
) -> Result<PyProfiles> {
    let options: ReadOptions = settings::parse(options)?;
    let table = long(py, move || donormatch::profile::read_many(&paths, &options))?;
    Ok(PyProfiles(table))
}

/// Joins tables over the union of their taxa.
#[pyfunction]
pub fn merge_profiles(py: Python<'_>, tables: Vec<Py<PyProfiles>>) -> Result<PyProfiles> {
    let tables: Vec<&ProfileTable> = tables.iter().map(|one| &one.get().0).collect();
    let merged = short(py, || donormatch::profile::merge(&tables))?;
    Ok(PyProfiles(merged))
}

/// Writes a table whole or not at all.
#[pyfunction]
pub fn write_profiles(
    py: Python<'_>,
    path: PathBuf,
    profiles: &PyProfiles,
    format: &str,
) -> Result<()> {
    let format: WriteFormat = settings::word("format", format)?;
    short(py, || {
        donormatch::profile::write(&path, &profiles.0, format)
    })
}

/// Abundances as the Python half hands them over: float64 in C order, or compressed sparse rows.
#[derive(FromPyObject)]
pub enum Abundances<'py> {
    /// A NumPy array.
    Dense(PyReadonlyArray2<'py, f64>),
    /// The parts of a SciPy matrix by rows.
    Sparse(SparseParts<'py>),
}

/// Profiles from a matrix and the labels of its two sides.
#[pyfunction]
#[pyo3(signature = (values, rows, columns, corner, lineages, options))]
pub fn profiles_from_matrix(
    py: Python<'_>,
    values: Abundances<'_>,
    rows: Vec<String>,
    columns: Vec<String>,
    corner: Option<String>,
    lineages: Option<Vec<String>>,
    options: &str,
) -> Result<PyProfiles> {
    let options: ReadOptions = settings::parse(options)?;
    let values = match values {
        Abundances::Dense(array) => compressed(dense(&array)?.view(), &rows, &columns)?,
        Abundances::Sparse(parts) => sparse_rows(&parts)?,
    };
    let matrix = LabelledMatrix {
        rows,
        columns,
        values,
        corner,
        lineages,
    };
    Ok(PyProfiles(long(py, move || matrix.to_profiles(&options))?))
}

/// The values that are not 0, row by row; one that is not finite is named by its labels.
fn compressed(
    array: ArrayView2<'_, f64>,
    rows: &[String],
    columns: &[String],
) -> Result<CsrMatrix> {
    if let Some(((row, column), value)) = array.indexed_iter().find(|(_, v)| !v.is_finite()) {
        let label = |labels: &[String], at: usize| labels.get(at).cloned().unwrap_or_default();
        return Err(Error::table(format!(
            "`{}`, `{}`: expected an abundance of 0 or more, found {value}",
            label(rows, row),
            label(columns, column)
        ))
        .into());
    }
    let nonzero = |row: numpy::ndarray::ArrayView1<'_, f64>| {
        (0..)
            .zip(row.to_vec())
            .filter(|&(_, value)| value != 0.0)
            .collect()
    };
    let rows = array.rows().into_iter().map(nonzero).collect();
    Ok(CsrMatrix::from_rows(array.ncols(), rows)?)
}

/// Profiles from a table with the Arrow `PyCapsule` interface: one column of ids, the others
/// numbers.
#[pyfunction]
#[pyo3(signature = (table, id_column, options))]
pub fn profiles_from_arrow(
    py: Python<'_>,
    table: PyTable,
    id_column: Option<&str>,
    options: &str,
) -> Result<PyProfiles> {
    let mut options: ReadOptions = settings::parse(options)?;
    let (batches, schema) = table.into_inner();
    let ignored = take_ignored(schema.fields(), &mut options);
    let id_at = id_position(schema.fields(), id_column, &ignored)?;
    let is_value = |at: usize| at != id_at && !ignored.contains(&at);
    let field = schema.field(id_at);
    let corner = Some(field.name().clone());
    let others = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(at, _)| is_value(*at));
    let columns: Vec<String> = others.map(|(_, field)| field.name().clone()).collect();
    let (mut rows, mut values) = (Vec::new(), vec![Vec::new(); columns.len()]);
    for batch in &batches {
        rows.extend(ids(batch.column(id_at), field.name())?);
        let others = batch
            .columns()
            .iter()
            .enumerate()
            .filter(|(at, _)| is_value(*at));
        for ((column, (_, array)), name) in values.iter_mut().zip(others).zip(&columns) {
            column.extend(numbers(array, name)?);
        }
    }
    let values = compressed_columns(&values, &rows, &columns)?;
    let matrix = LabelledMatrix {
        rows,
        columns,
        values,
        corner,
        lineages: None,
    };
    Ok(PyProfiles(long(py, move || matrix.to_profiles(&options))?))
}

/// The columns that `ignore_columns` names, which may hold anything; their names are taken off the
/// list.
fn take_ignored(fields: &Fields, options: &mut ReadOptions) -> Vec<usize> {
    let Some(names) = &mut options.ignore_columns else {
        return Vec::new();
    };
    let is_named = |field: &Field| names.iter().any(|name| name == field.name());
    let found: Vec<usize> = (0..)
        .zip(fields)
        .filter(|(_, field)| is_named(field))
        .map(|(at, _)| at)
        .collect();
    names.retain(|name| fields.iter().all(|field| field.name() != name));
    found
}

/// The column of ids: the one named, else the only one that is not of numbers.
fn id_position(fields: &Fields, wanted: Option<&str>, ignored: &[usize]) -> Result<usize> {
    let is_id = |field: &Field| match wanted {
        Some(name) => field.name() == name,
        None => !field.data_type().is_numeric() && !field.data_type().is_null(),
    };
    let found: Vec<usize> = (0..)
        .zip(fields)
        .filter(|(at, field)| is_id(field) && !ignored.contains(at))
        .map(|(at, _)| at)
        .collect();
    match (found.as_slice(), wanted) {
        ([only], _) => Ok(*only),
        (_, Some(name)) => Err(Error::parameter(
            "sample_column",
            format!("expected one column `{name}`, found {}", found.len()),
        )
        .into()),
        (several, None) => Err(Error::parameter(
            "sample_column",
            format!(
                "name the column of ids: {} columns hold no numbers",
                several.len()
            ),
        )
        .into()),
    }
}

fn ids(array: &ArrayRef, name: &str) -> Result<Vec<String>> {
    let texts = cast(array, &DataType::LargeUtf8).map_err(|error| unusable(name, &error))?;
    let texts = texts.as_string::<i64>();
    if texts.null_count() > 0 {
        return Err(Error::table(format!("column `{name}`: an id is missing")).into());
    }
    Ok((0..texts.len())
        .map(|row| texts.value(row).to_owned())
        .collect())
}

/// The numbers of a column; what is missing becomes NaN, which is refused with its labels.
fn numbers(array: &ArrayRef, name: &str) -> Result<Vec<f64>> {
    if !array.data_type().is_numeric() && !array.data_type().is_null() {
        let found = array.data_type();
        return Err(Error::table(format!(
            "column `{name}` holds {found}, not numbers: leave it out by `ignore_columns`"
        ))
        .into());
    }
    let values = cast(array, &DataType::Float64).map_err(|error| unusable(name, &error))?;
    let values = values.as_primitive::<Float64Type>();
    Ok(values
        .iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect())
}

fn unusable(name: &str, error: &ArrowError) -> Error {
    Error::table(format!("column `{name}`: {error}"))
}

fn compressed_columns(
    values: &[Vec<f64>],
    rows: &[String],
    columns: &[String],
) -> Result<CsrMatrix> {
    let flat: Vec<f64> = values.concat();
    let by_column = ArrayView2::from_shape((columns.len(), rows.len()), &flat)
        .map_err(|error| Error::table(error.to_string()))?;
    compressed(by_column.t(), rows, columns)
}
