//! The one writer of tab-separated cells.

use std::io::{self, Write};

/// Tab-separated text, a line per row: no text shifts a column, adds a row or becomes a formula.
///
/// A text that a spreadsheet could take for a formula (it begins with `=`, `+`, `-`, `@`, tab,
/// return, line feed or NUL) is prefixed with `'`, and so is one that begins with `'`, so that one
/// `'` can be taken off again without loss (OWASP ASVS 1.2.10, CWE-1236). A cell with a tab, a
/// quote or a line end is quoted as in CSV.
#[derive(Debug)]
pub(crate) struct TsvWriter<W: Write>(csv::Writer<W>);

impl<W: Write> TsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What the writer said.
    pub(crate) fn new<'a>(
        writer: W,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(b'\t')
            .from_writer(writer);
        writer.write_record(columns)?;
        Ok(Self(writer))
    }

    /// A cell of text.
    ///
    /// # Errors
    /// What the writer said.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '\'']) {
            Ok(self.0.write_field(format!("'{text}"))?)
        } else {
            Ok(self.0.write_field(text)?)
        }
    }

    /// A cell of a number: the shortest text that reads back to the same bits, no negative zero.
    ///
    /// # Errors
    /// What the writer said.
    pub(crate) fn number(&mut self, value: f64) -> io::Result<()> {
        if value.is_nan() {
            return self.plain("");
        }
        self.plain(&(value + 0.0).to_string())
    }

    /// A cell of our own words, or of a number as it should stand.
    ///
    /// # Errors
    /// What the writer said.
    pub(crate) fn plain(&mut self, text: &str) -> io::Result<()> {
        Ok(self.0.write_field(text)?)
    }

    /// Ends the row.
    ///
    /// # Errors
    /// What the writer said, or that the row has not as many cells as the header.
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// The writer, which has everything.
    ///
    /// # Errors
    /// What the writer said.
    pub(crate) fn into_inner(self) -> io::Result<W> {
        self.0.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    /// Hands everything to the writer.
    ///
    /// # Errors
    /// What the writer said.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Rows of a serializable type; `columns` are names of its fields, a field that is absent is a
/// blank cell, a list is joined by `;`.
///
/// # Errors
/// Where a row cannot be serialized.
pub(crate) fn rows_as_tsv<T: serde::Serialize>(columns: &[&str], rows: &[T]) -> io::Result<String> {
    tsv_in_memory(columns.iter().copied(), |table| {
        for row in rows {
            let value = serde_json::to_value(row)?;
            for &column in columns {
                match &value[column] {
                    serde_json::Value::Null => table.plain("")?,
                    serde_json::Value::String(text) => table.text(text)?,
                    serde_json::Value::Array(values) => table.text(&joined(values))?,
                    other => table.plain(&other.to_string())?,
                }
            }
            table.end_row()?;
        }
        Ok(())
    })
}

/// A whole table as text.
///
/// # Errors
/// As [`TsvWriter`], whose rows `write` gives.
pub(crate) fn tsv_in_memory<'a>(
    columns: impl IntoIterator<Item = &'a str>,
    write: impl FnOnce(&mut TsvWriter<&mut Vec<u8>>) -> io::Result<()>,
) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut table = TsvWriter::new(&mut bytes, columns)?;
    write(&mut table)?;
    table.flush()?;
    drop(table);
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn joined(values: &[serde_json::Value]) -> String {
    let word = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    values.iter().map(word).collect::<Vec<_>>().join(";")
}

/// The cells of a table, the header left out, as another reader finds them.
#[cfg(test)]
pub(crate) fn cells_of(tsv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_reader(tsv.as_bytes());
    let records = reader.records().map(Result::unwrap);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(serde::Serialize)]
    struct Row<'a> {
        sample_id: &'a str,
        flags: Vec<&'a str>,
        shift: f64,
        absent: Option<f64>,
    }

    fn row(sample_id: &str) -> Row<'_> {
        Row {
            sample_id,
            flags: vec![sample_id, "b"],
            shift: -0.5,
            absent: None,
        }
    }

    const COLUMNS: [&str; 4] = ["sample_id", "flags", "shift", "absent"];

    #[test]
    fn a_formula_with_a_tab_is_one_cell_behind_an_apostrophe() {
        for id in [
            "=x\ty",
            "=evil\nrow\t1\t2",
            "@a\rb",
            "plain\ttab",
            "+1\t2",
            "\"=1",
        ] {
            let table = cells_of(&rows_as_tsv(&COLUMNS, &[row(id), row("next")]).unwrap());
            assert_eq!(table.len(), 2, "{id:?}");
            let cell = &table[0][0];
            assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), id);
            assert_eq!(cell.starts_with('\''), id.starts_with(['=', '@', '+']));
            assert_eq!(table[0][2..], ["-0.5", ""]);
        }
    }

    #[test]
    fn a_list_that_begins_as_a_formula_is_disarmed_too() {
        let table = cells_of(&rows_as_tsv(&COLUMNS, &[row("=1")]).unwrap());
        assert_eq!(table[0][1], "'=1;b");
    }

    #[test]
    fn a_negative_zero_is_a_zero() {
        let table = tsv_in_memory(["x"], |table| {
            table.number(-0.0)?;
            table.end_row()
        });
        assert_eq!(table.unwrap(), "x\n0\n");
    }

    proptest! {
        #[test]
        fn any_text_is_one_cell_of_its_row(id in "\\PC{0,12}|[\"'=\t\r\n,;a-c\u{0}\u{85}\u{2028}]{1,6}") {
            let table = cells_of(&rows_as_tsv(&COLUMNS, &[row(&id), row("next")]).unwrap());
            prop_assert_eq!(table.len(), 2);
            let cell = &table[0][0];
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), id.as_str());
            prop_assert_eq!(&table[1][0], "next");
        }
    }
}
