//! Rows of results as JSON or TSV.

use serde::Serialize;

use crate::ranking::text::json_with_notice;
use crate::text::rows_as_tsv;
use crate::{Error, Result};

/// Results that are a list.
#[derive(Serialize)]
struct Rows<'a, T> {
    rows: &'a [T],
}

/// A struct as JSON, for people to read and machines to parse, with a line break at its end; the
/// notice comes first, in `research_use`.
pub(super) fn json(result: &impl Serialize) -> Result<String> {
    json_with_notice(result).map(|text| text + "\n")
}

/// A list as [`json`], under `rows`.
pub(super) fn json_rows<T: Serialize>(rows: &[T]) -> Result<String> {
    json(&Rows { rows })
}

/// Rows as [`json_rows`] where that is asked for, else as [`tsv`].
pub(super) fn json_or_tsv<T: Serialize>(
    is_json: bool,
    columns: &[&str],
    rows: &[T],
) -> Result<String> {
    if is_json {
        json_rows(rows)
    } else {
        tsv(columns, rows)
    }
}

/// Rows of a serializable type as tab-separated text; `columns` are names of its fields. A field
/// that is absent is blank.
pub(super) fn tsv<T: Serialize>(columns: &[&str], rows: &[T]) -> Result<String> {
    rows_as_tsv(columns, rows).map_err(|error| Error::table(error.to_string()))
}
