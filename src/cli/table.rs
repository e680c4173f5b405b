//! Rows of results as JSON or TSV.

use serde::Serialize;

use crate::ranking::RESEARCH_USE;
use crate::text::rows_as_tsv;
use crate::{Error, Result};

/// A result with the notice that stands over it.
#[derive(Serialize)]
struct WithNotice<'a, T> {
    research_use: &'static str,
    #[serde(flatten)]
    result: &'a T,
}

/// Results that are a list.
#[derive(Serialize)]
struct Rows<'a, T> {
    rows: &'a [T],
}

/// A struct as JSON, for people to read and machines to parse, with a line break at its end; the
/// notice comes first, in `research_use`.
pub(super) fn json(result: &impl Serialize) -> Result<String> {
    let whole = WithNotice {
        research_use: RESEARCH_USE,
        result,
    };
    serde_json::to_string_pretty(&whole)
        .map(|text| text + "\n")
        .map_err(|error| Error::table(error.to_string()))
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
