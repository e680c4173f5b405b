//! Metadata tables: tab- or comma-separated text with one header row, read by column name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::profile::read_text;
use crate::{Error, Result};

/// Which column of a file plays which role: `role = "column"`. A role without an entry is looked
/// for under its own name. Upper and lower case are the same.
pub type ColumnNames = BTreeMap<String, String>;

/// A metadata table held as text; blank and `NA` mean unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetadataTable {
    path: PathBuf,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    names: ColumnNames,
}

impl MetadataTable {
    /// Reads a `.tsv` (or, where the header has no tab, `.csv`) file, `.gz` undone by content.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read; [`Error::File`] where it is empty or ragged, or two
    /// columns have one name, whatever the case.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(path, &read_text(path)?)
    }

    /// The same from text in memory, such as a data frame; messages call it `path`.
    ///
    /// # Errors
    /// [`Error::File`] where it is empty or ragged, or two columns have one name, whatever
    /// the case.
    ///
    /// # Examples
    /// ```
    /// use donormatch::cohort::MetadataTable;
    ///
    /// let table = MetadataTable::parse("<frame>", "sample_id\tresponse\nr1\t1\n")?;
    /// assert_eq!(table.n_rows(), 1);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self> {
        let path = path.as_ref();
        let text = text.trim_start_matches('\u{feff}');
        let delimiter = if text.lines().next().is_some_and(|line| line.contains('\t')) {
            b'\t'
        } else {
            b','
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        let broken = |source: csv::Error| Error::File {
            path: path.to_path_buf(),
            line: source.position().map(csv::Position::line),
            message: "expected the same number of fields in every row".to_owned(),
            source: Some(Box::new(source)),
        };
        let header: Vec<String> = reader
            .headers()
            .map_err(broken)?
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        let mut seen = BTreeMap::new();
        for name in header.iter().filter(|name| !name.is_empty()) {
            if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
                let message = format!("the columns `{other}` and `{name}` have one name");
                return Err(Error::line(path, 1, message));
            }
        }
        let rows = reader
            .records()
            .map(|record| {
                Ok(record?
                    .iter()
                    .map(|field| field.trim().to_owned())
                    .collect())
            })
            .collect::<Result<Vec<Vec<String>>, csv::Error>>()
            .map_err(broken)?;
        if rows.is_empty() {
            return Err(Error::file(path, "the table is empty"));
        }
        Ok(Self {
            path: path.to_path_buf(),
            header,
            rows,
            names: ColumnNames::new(),
        })
    }

    /// The same table, with roles found under other names.
    #[must_use]
    pub fn with_names(self, names: ColumnNames) -> Self {
        Self { names, ..self }
    }

    /// The rows with this text in this role.
    ///
    /// # Errors
    /// [`Error::File`] where there is no such column, or no such row.
    pub fn keep(mut self, role: &str, text: &str) -> Result<Self> {
        let Some(column) = self.position(role) else {
            return Err(Error::file(
                &self.path,
                format!("no column `{}`", self.column_name(role)),
            ));
        };
        self.rows
            .retain(|row| row.get(column).is_some_and(|field| field == text));
        if self.rows.is_empty() {
            return Err(Error::file(
                &self.path,
                format!("no row has `{text}` in `{role}`"),
            ));
        }
        Ok(self)
    }

    /// The file it came from, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the columns, in the order of the file.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(String::as_str)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is a column for this role.
    pub fn has(&self, role: &str) -> bool {
        self.position(role).is_some()
    }

    /// The text of a role in a row; `None` where the column is absent or the field is unknown.
    pub fn text(&self, row: usize, role: &str) -> Option<&str> {
        let field = self.rows.get(row)?.get(self.position(role)?)?.as_str();
        (!matches!(field, "" | "NA" | "NaN" | "nan" | "unknown")).then_some(field)
    }

    /// The text of a role that must be known.
    ///
    /// # Errors
    /// [`Error::File`] naming the column, and the line where a field is blank.
    pub fn required(&self, row: usize, role: &str) -> Result<&str> {
        if !self.has(role) {
            return Err(Error::file(
                &self.path,
                format!(
                    "no column `{}`; found `{}`",
                    self.column_name(role),
                    self.header.join("`, `")
                ),
            ));
        }
        self.text(row, role)
            .ok_or_else(|| self.error_at(row, format!("`{role}` must not be blank")))
    }

    /// A finite number.
    ///
    /// # Errors
    /// [`Error::File`] where there is text that is not a finite number.
    pub fn number(&self, row: usize, role: &str) -> Result<Option<f64>> {
        let Some(text) = self.text(row, role) else {
            return Ok(None);
        };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => {
                let message = format!("`{role}`: expected a number, found `{text}`");
                Err(self.error_at(row, message))
            }
        }
    }

    /// An outcome: `R`, `responder`, `yes`, `true`, `1` or `1.0` against `NR`, `non-responder`,
    /// `no`, `false`, `0` or `0.0`, in any case.
    ///
    /// # Errors
    /// [`Error::File`] where the text is neither.
    pub fn outcome(&self, row: usize, role: &str) -> Result<Option<bool>> {
        let Some(text) = self.text(row, role) else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "r" | "yes" | "true" | "1" | "1.0" | "responders" | "responder" => Ok(Some(true)),
            "nr" | "no" | "false" | "0" | "0.0" | "non-responders" | "non-responder" => {
                Ok(Some(false))
            }
            _ => {
                let expected = "`R` or `NR`, `yes` or `no`, `1` or `0`";
                let message = format!("`{role}`: expected {expected}, found `{text}`");
                Err(self.error_at(row, message))
            }
        }
    }

    /// An error about a row, by its line in the file.
    pub(crate) fn error_at(&self, row: usize, message: impl Into<String>) -> Error {
        Error::line(&self.path, row as u64 + 2, message)
    }

    fn column_name<'a>(&'a self, role: &'a str) -> &'a str {
        self.names.get(role).map_or(role, String::as_str)
    }

    fn position(&self, role: &str) -> Option<usize> {
        let name = self.column_name(role);
        let is_it = |column: &String| column.eq_ignore_ascii_case(name);
        self.header.iter().position(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.tsv");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_gzipped_table_reads_as_the_plain_one() {
        use std::io::Write;
        let (folder, path) = written("sample_id,response\nA,R\n");
        let packed = folder.path().join("metadata.csv.gz");
        let file = std::fs::File::create(&packed).unwrap();
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        file.write_all(&std::fs::read(path).unwrap()).unwrap();
        file.finish().unwrap();
        let table = MetadataTable::read(&packed).unwrap();
        assert_eq!(table.outcome(0, "response").unwrap(), Some(true));
        assert_eq!(table.path(), packed);
    }

    #[test]
    fn roles_are_found_by_name_or_alias() {
        let (_folder, path) = written("sample_id\tresponse_orr\nA\tR\nB\t\nC\tNR\n");
        let names = ColumnNames::from([("response".to_owned(), "response_orr".to_owned())]);
        let table = MetadataTable::read(path).unwrap().with_names(names);
        assert_eq!(table.outcome(0, "response").unwrap(), Some(true));
        assert_eq!(table.outcome(1, "response").unwrap(), None);
        assert_eq!(table.outcome(2, "response").unwrap(), Some(false));
        assert!(
            table
                .required(0, "subject")
                .unwrap_err()
                .to_string()
                .contains("`subject`")
        );
    }

    #[test]
    fn the_case_of_a_column_does_not_matter_and_no_name_stands_twice() {
        let table = MetadataTable::parse("<frame>", "Sample_ID\tRESPONSE\na\tNR\n").unwrap();
        assert_eq!(table.required(0, "sample_id").unwrap(), "a");
        assert_eq!(table.outcome(0, "response").unwrap(), Some(false));
        for head in ["response\tresponse", "RESPONSE\tresponse"] {
            let twice = MetadataTable::parse("<frame>", &format!("{head}\nR\tNR\n"));
            assert!(twice.unwrap_err().to_string().contains("have one name"));
        }
        assert!(MetadataTable::parse("<frame>", "response\t\t\nR\t1\t2\n").is_ok());
    }

    #[test]
    fn outcomes_of_a_frame_with_gaps_are_read() {
        let text = "sample_id\tresponse\na\t1.0\nb\t0.0\nc\t\n";
        let table = MetadataTable::parse("<frame>", text).unwrap();
        let outcomes = [0, 1, 2].map(|row| table.outcome(row, "response").unwrap());
        assert_eq!(outcomes, [Some(true), Some(false), None]);
    }

    #[test]
    fn an_unreadable_outcome_names_its_line() {
        let (_folder, path) = written("sample_id,response\nA,maybe\n");
        let error = MetadataTable::read(path)
            .unwrap()
            .outcome(0, "response")
            .unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
