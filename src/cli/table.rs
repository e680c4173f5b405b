//! Rows of results as JSON or TSV.

use crate::text::rows_as_tsv;
use crate::{Error, Result};

/// JSON for people to read and machines to parse, with a line break at its end.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Error::table(error.to_string()))
}

/// Rows as [`json`] where that is asked for, else as [`tsv`].
pub(super) fn json_or_tsv<T: serde::Serialize>(
    is_json: bool,
    columns: &[&str],
    rows: &[T],
) -> Result<String> {
    if is_json {
        json(&rows)
    } else {
        tsv(columns, rows)
    }
}

/// Rows of a serializable type as tab-separated text; `columns` are names of its fields. A field
/// that is absent is blank.
pub(super) fn tsv<T: serde::Serialize>(columns: &[&str], rows: &[T]) -> Result<String> {
    rows_as_tsv(columns, rows).map_err(|error| Error::table(error.to_string()))
}
