//! Text of a spreadsheet or a program → header and rows, each with its line in the file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One row that holds something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// Where it starts in the file, from 1.
    pub line: u64,
    /// As many as the header has.
    pub fields: Vec<String>,
}

/// A table of text.
#[derive(Debug)]
pub(super) struct Sheet {
    pub header: Vec<String>,
    /// The line of the header in the file, from 1.
    pub header_line: u64,
    pub rows: Vec<Row>,
    /// What divides the fields.
    pub delimiter: char,
}

/// What can delimit fields, in the order of preference.
const DELIMITERS: [char; 4] = ['\t', ';', ',', '|'];

impl Sheet {
    /// Parses text with one header row.
    ///
    /// The header is the first row that is neither blank nor a comment; a `#` line with the number
    /// of fields of the row below it is the header. It tells the delimiter: tab, semicolon, comma
    /// or bar. Blank rows, `sep=;` of spreadsheets and `#q2:types` of QIIME 2 are no rows.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let (start, told) = start_of_header(text);
        let body = &text[start..];
        let body = body.strip_prefix('#').map_or(body, str::trim_start);
        let start = text.len() - body.len();
        let delimiter = told.unwrap_or_else(|| delimiter_of(body.lines().next().unwrap_or("")));
        let mut lines = LineCounter::new(text);
        let mut records = csv::ReaderBuilder::new()
            .delimiter(delimiter as u8)
            .has_headers(false)
            .flexible(true)
            .from_reader(body.as_bytes());
        let mut rows = Vec::new();
        let mut record = csv::StringRecord::new();
        loop {
            let begin = records.position().byte() as usize;
            let is_there = records
                .read_record(&mut record)
                .map_err(|source| Error::File {
                    path: path.to_path_buf(),
                    line: source
                        .position()
                        .map(|at| lines.line_at(start + at.byte() as usize)),
                    message: "expected rows of delimited text".to_owned(),
                    source: Some(Box::new(source)),
                })?;
            if !is_there {
                break;
            }
            let fields: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
            let is_comment = fields
                .first()
                .is_some_and(|first| first.starts_with("#q2:"));
            if !is_comment && fields.iter().any(|field| !field.is_empty()) {
                let line = lines.line_at(start + begin);
                rows.push(Row { line, fields });
            }
        }
        if rows.len() < 2 {
            return Err(Error::file(path, "the table is empty"));
        }
        let header = rows.remove(0);
        let header_line = header.line;
        let (header, rows) = squared(path, header, rows)?;
        Ok(Self {
            header,
            header_line,
            rows,
            delimiter,
        })
    }
}

/// Brings all rows to the width of the header.
fn squared(path: &Path, header: Row, mut rows: Vec<Row>) -> Result<(Vec<String>, Vec<Row>)> {
    let mut names = header.fields;
    let used = |fields: &[String]| {
        let last = fields.iter().rposition(|field| !field.is_empty());
        last.map_or(0, |last| last + 1)
    };
    let width = rows.iter().map(|row| used(&row.fields)).max();
    let width = width.unwrap_or(0).max(used(&names));
    // R writes the names of rows without a name for their column.
    if used(&names) == names.len() && rows.iter().all(|row| row.fields.len() == names.len() + 1) {
        names.insert(0, String::new());
    }
    names.truncate(width);
    for row in &mut rows {
        let n_found = row.fields.len();
        row.fields.truncate(n_found.min(width));
        if row.fields.len() != names.len() {
            let message = format!(
                "expected {} fields, as the header has, found {n_found}",
                names.len()
            );
            return Err(Error::line(path, row.line, message));
        }
    }
    Ok((names, rows))
}

/// Where the header starts, and the delimiter if a line `sep=` before it tells.
fn start_of_header(text: &str) -> (usize, Option<char>) {
    let (mut start, mut told) = (0, None);
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let stated = line.trim().trim_matches('"').strip_prefix("sep=");
        let is_blank = line
            .chars()
            .all(|c| c.is_whitespace() || DELIMITERS.contains(&c));
        if let Some(stated) = stated.filter(|stated| stated.chars().count() == 1) {
            told = stated.chars().next();
        } else if !is_blank && !is_comment(line, lines.peek().copied()) {
            return (start, told);
        }
        start += line.len();
    }
    (text.len(), told)
}

/// Whether a line is a comment: it starts with `#` and has not the fields of the row below.
fn is_comment(line: &str, next: Option<&str>) -> bool {
    let count = |line: &str, delimiter: char| line.trim_end().matches(delimiter).count();
    let is_header = |next: &str| {
        let delimiter = delimiter_of(next);
        !next.starts_with('#')
            && count(next, delimiter) > 0
            && count(line, delimiter) == count(next, delimiter)
            && !line.trim_end().ends_with(delimiter)
    };
    let is_types = |next: &&str| next.starts_with("#q2:");
    line.starts_with('#') && !next.is_some_and(|next| is_types(&next) || is_header(next))
}

/// Tab if there is one, else what divides the line into the most fields.
fn delimiter_of(line: &str) -> char {
    let count = |delimiter: char| {
        let mut is_quoted = false;
        line.chars()
            .filter(|&c| {
                is_quoted ^= c == '"';
                c == delimiter && !is_quoted
            })
            .count()
    };
    let most = DELIMITERS.into_iter().map(count).max().unwrap_or(0);
    match most {
        _ if count('\t') > 0 => '\t',
        0 => ',',
        _ => DELIMITERS
            .into_iter()
            .find(|&d| count(d) == most)
            .unwrap_or(','),
    }
}

/// Counts lines up to rising places of a text.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of the first character at or after `place` that does not end a line.
    fn line_at(&mut self, place: usize) -> u64 {
        while let Some(&byte) = self.text.get(self.at) {
            let ends_line = byte == b'\n' || byte == b'\r';
            if self.at >= place && !ends_line {
                break;
            }
            let is_first_of_two = byte == b'\r' && self.text.get(self.at + 1) == Some(&b'\n');
            self.line += u64::from(ends_line && !is_first_of_two);
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Sheet {
        Sheet::parse(Path::new("table"), text).unwrap()
    }

    #[test]
    fn every_dialect_gives_the_same_table() {
        let plain = read("a\tb\n1\t2\n3\t4\n");
        for text in [
            "\u{feff}a,b\n1,2\n3,4\n",
            "a;b\r\n1;2\r\n3;4\r\n;\r\n;\r\n",
            "sep=;\na;b\n1;2\n3;4\n",
            "a|b\n1|2\n3|4\n",
            "# exported\n#a\tb\n1\t2\n3\t4\n",
            "# exported\t\n\na\tb\n1\t2\n\n3\t4\n\t\n",
            "#a\tb\n#q2:types\tnumeric\n1\t2\n3\t4\n",
            "\"a\",\"b\"\n\"1\",\"2\"\n\"3\",\"4\"\n",
            "a,b,,\n1,2,,\n3,4,,\n",
            "a\tb\r1\t2\r3\t4\r",
        ] {
            let sheet = read(text);
            assert_eq!(sheet.header, plain.header, "{text:?}");
            let fields = |sheet: &Sheet| -> Vec<Vec<String>> {
                sheet.rows.iter().map(|row| row.fields.clone()).collect()
            };
            assert_eq!(fields(&sheet), fields(&plain), "{text:?}");
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let sheet = read("# made by hand\n\na,b\n1,2\n\n,\n\"3\n\",4\n5,6\n");
        let lines: Vec<u64> = sheet.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [4, 7, 9]);
    }

    #[test]
    fn names_of_rows_without_a_corner_are_a_column_without_a_name() {
        let sheet = read("a\tb\nr1\t1\t2\nr2\t3\t4\n");
        assert_eq!(sheet.header, ["", "a", "b"]);
        assert_eq!(sheet.rows[0].fields, ["r1", "1", "2"]);
    }

    #[test]
    fn ragged_rows_name_their_line() {
        let error = Sheet::parse(Path::new("table"), "a,b\n\n1,2\n3\n");
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("line 4") && error.contains("found 1"),
            "{error}"
        );
    }
}
