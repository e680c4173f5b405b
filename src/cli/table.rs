//! Rows of results as JSON or TSV.

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
    let mut text = columns.join("\t") + "\n";
    for row in rows {
        let value = serde_json::to_value(row).map_err(|error| Error::table(error.to_string()))?;
        let cells: Vec<String> = columns.iter().map(|&column| cell(&value[column])).collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    Ok(text)
}

fn cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        // A text that starts as a formula is not run by a spreadsheet behind an apostrophe.
        serde_json::Value::String(text) if text.starts_with(['=', '+', '-', '@', '\'']) => {
            format!("'{text}")
        }
        serde_json::Value::String(text) => text.replace(['\t', '\n', '\r'], " "),
        serde_json::Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}
