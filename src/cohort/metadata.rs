//! Metadata tables: delimited text with one header row, read by column name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::dialect::{Row, Sheet};
use super::note::{MetadataNote, look_alike, quoted};
use crate::profile::{read_text, text_of_bytes};
use crate::{Error, Result};

/// Which column of a file plays which role: `role = "column"`. A role without an entry is looked
/// for under its own name. Upper and lower case are the same.
pub type ColumnNames = BTreeMap<String, String>;

/// A metadata table held as text; blank and `NA` mean unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetadataTable {
    path: PathBuf,
    header: Vec<String>,
    header_line: u64,
    rows: Vec<Row>,
    delimiter: char,
    names: ColumnNames,
    /// Columns that rows were chosen by.
    kept_by: Vec<String>,
}

/// Fields that say that a value is not known.
const UNKNOWN: [&str; 12] = [
    "", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NaT", "None", "null", "NULL", "unknown",
];

impl MetadataTable {
    /// Reads a file of text whose fields are divided by tabs, semicolons, commas or bars, as the
    /// header shows, `.gz` decompressed by content. Blank rows, comments above the header and a
    /// byte order mark are no part of the table.
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
        let sheet = Sheet::parse(path, text)?;
        let mut seen = BTreeMap::new();
        for name in sheet.header.iter().filter(|name| !name.is_empty()) {
            if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
                let message = format!("the columns `{other}` and `{name}` have one name");
                return Err(Error::file(path, message));
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            header: sheet.header,
            header_line: sheet.header_line,
            rows: sheet.rows,
            delimiter: sheet.delimiter,
            names: ColumnNames::new(),
            kept_by: Vec::new(),
        })
    }

    /// The same from the bytes of a file in memory, `.gz` decompressed by content; messages call
    /// them `<bytes>`.
    ///
    /// # Errors
    /// As [`MetadataTable::read`].
    pub fn read_bytes(bytes: &[u8]) -> Result<Self> {
        let path = Path::new("<bytes>");
        Self::parse(path, &text_of_bytes(path, bytes)?)
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
            .retain(|row| row.fields.get(column).is_some_and(|field| field == text));
        self.kept_by.push(role.to_owned());
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
        let field = self.rows.get(row)?.fields.get(self.position(role)?)?;
        (!UNKNOWN.contains(&field.as_str())).then_some(field)
    }

    /// The text of a role that must be known.
    ///
    /// # Errors
    /// [`Error::File`] naming the column, and the line where a field is blank.
    pub fn required(&self, row: usize, role: &str) -> Result<&str> {
        self.require_column(role)?;
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
        let wrong = |expected: &str| {
            let message = format!("`{role}`: expected {expected}, found `{text}`");
            self.error_at(row, message)
        };
        let decimal = match text.split_once(',') {
            Some((whole, rest)) if self.has_free_comma() => {
                if rest.len() == 3 && !matches!(whole, "0" | "-0" | "") && whole.len() <= 4 {
                    return Err(wrong("a number with a decimal point, for 1,234 can be two"));
                }
                format!("{whole}.{rest}")
            }
            _ => text.to_owned(),
        };
        match decimal.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(wrong("a number")),
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

    /// The line of the header in the file, from 1.
    pub(super) fn header_line(&self) -> u64 {
        self.header_line
    }

    /// What divides the fields.
    pub(super) fn delimiter(&self) -> char {
        self.delimiter
    }

    /// Whether a comma in a number can be a decimal point: it does not divide the fields.
    pub(super) fn has_free_comma(&self) -> bool {
        self.delimiter != ','
    }

    /// The line of a row in the file, from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |row| row.line)
    }

    /// An error about a row, by its line in the file.
    pub(crate) fn error_at(&self, row: usize, message: impl Into<String>) -> Error {
        Error::line(&self.path, self.line(row), message)
    }

    /// That there is a column for a role.
    ///
    /// # Errors
    /// [`Error::File`] with the columns that are there, and the one that looks like it.
    pub(crate) fn require_column(&self, role: &str) -> Result<()> {
        if self.has(role) {
            return Ok(());
        }
        Err(Error::file(&self.path, self.absent(role)))
    }

    fn absent(&self, role: &str) -> String {
        let name = self.column_name(role);
        let columns = || self.columns().filter(|column| !column.is_empty());
        let meant = look_alike(name, columns());
        let meant = meant.map_or_else(String::new, |column| format!("; is `{column}` meant?"));
        let found: Vec<&str> = columns().collect();
        format!("no column `{name}`; found {}{meant}", quoted(&found))
    }

    /// That columns were named for roles that a table of this kind has, and are there.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the role or the column.
    pub(crate) fn check_names(&self, roles: &[&str]) -> Result<()> {
        for role in self.names.keys() {
            if !roles.contains(&role.as_str()) {
                let meant = look_alike(role, roles.iter().copied());
                let meant = meant.map_or_else(String::new, |role| format!("; is `{role}` meant?"));
                let message = format!("`{role}` is none of the roles {}{meant}", quoted(roles));
                return Err(Error::parameter("columns", message));
            }
            if !self.has(role) {
                let message = format!("`{role}`: {}", self.absent(role));
                return Err(Error::parameter("columns", message));
            }
        }
        Ok(())
    }

    /// What is to be said of the columns of a table with these roles: an absent one that an unused
    /// column looks like, or, of those that `matter`, with any unused column beside it.
    pub(crate) fn column_notes(&self, roles: &[&str], matter: &[&str]) -> Vec<MetadataNote> {
        let is_used = |column: &str| {
            let is_its = |role: &str| self.column_name(role).eq_ignore_ascii_case(column);
            let plays = roles.iter().any(|role| is_its(role));
            plays || self.kept_by.iter().any(|role| is_its(role))
        };
        let unused = self
            .columns()
            .filter(|column| !column.is_empty() && !is_used(column));
        let unused: Vec<String> = unused.map(str::to_owned).collect();
        if unused.is_empty() {
            return Vec::new();
        }
        let absent = roles.iter().filter(|role| !self.has(role));
        let absent = absent.filter_map(|&role| {
            let columns = unused.iter().map(String::as_str);
            // Of all roles, the absent one is what the column looks most like.
            let looks_like = look_alike(role, columns)
                .filter(|column| look_alike(column, roles.iter().copied()) == Some(role))
                .map(str::to_owned);
            (looks_like.is_some() || matter.contains(&role)).then(|| MetadataNote::AbsentColumn {
                role: role.to_owned(),
                looks_like,
                unused: unused.clone(),
            })
        });
        let mut notes: Vec<MetadataNote> = absent.collect();
        notes.push(MetadataNote::UnusedColumns { columns: unused });
        notes
    }

    /// The name of the column that plays a role.
    pub(super) fn column_name<'a>(&'a self, role: &'a str) -> &'a str {
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
