//! Tables in text whose columns are known by their names: a header, then a record a line.

use std::borrow::Cow;

use super::ReadLimits;
use super::grid::{Quotes, split};
use super::lines::{Blocks, label};
use super::number;
use super::options::ReadOptions;
use super::source::Source;
use crate::{Error, Result};

/// The names of the columns, and what divides them.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) delimiter: u8,
    pub(super) names: Vec<String>,
}

impl Header {
    /// The first line that is no comment, if it names columns.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let mut lines = head.split(|&byte| byte == b'\n' || byte == b'\r');
        let line = lines.find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"))?;
        Some(Self::parse(line))
    }

    fn parse(line: &[u8]) -> Self {
        let is_there = |delimiter: &&u8| memchr::memchr(**delimiter, line).is_some();
        let delimiter = *b"\t;,".iter().find(is_there).unwrap_or(&b'\t');
        let fields = split(line, delimiter, Quotes::Enclose)
            .or_else(|_| split(line, delimiter, Quotes::Ordinary))
            .unwrap_or_default();
        let name = |field: &Cow<'_, [u8]>| String::from_utf8_lossy(field).trim().to_owned();
        let mut names: Vec<String> = fields.iter().map(name).collect();
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        Self { delimiter, names }
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let mut names = self.names.iter();
        names.position(|found| found.eq_ignore_ascii_case(name))
    }

    /// Whether the table begins with these columns.
    pub(super) fn starts_with(&self, names: &[&str]) -> bool {
        names.len() <= self.names.len()
            && names
                .iter()
                .zip(&self.names)
                .all(|(name, found)| found.eq_ignore_ascii_case(name))
    }

    /// The place of a column that must be there.
    ///
    /// # Errors
    /// Its name, in words.
    pub(super) fn needed(&self, name: &str) -> Result<usize, String> {
        self.column(name)
            .ok_or_else(|| format!("expected a column `{name}`"))
    }
}

/// The fields of a line.
pub(super) struct Record<'a> {
    fields: Vec<Cow<'a, [u8]>>,
    options: &'a ReadOptions,
}

impl Record<'_> {
    /// The text of a field; blank where the line ends before it.
    pub(super) fn text(&self, at: usize) -> Result<String, String> {
        let Some(field) = self.fields.get(at) else {
            return Ok(String::new());
        };
        label(field, self.limits())
    }

    /// The same of a column that may not be there.
    pub(super) fn maybe_text(&self, at: Option<usize>) -> Result<String, String> {
        at.map_or(Ok(String::new()), |at| self.text(at))
    }

    /// The number in a field.
    pub(super) fn number(&self, at: usize) -> Result<f64, String> {
        let field = self.fields.get(at).map_or(&[][..], |field| &field[..]);
        number::with_decimal(field, self.options.decimal)
    }

    /// The whole number in a field.
    pub(super) fn count(&self, at: usize) -> Result<f64, String> {
        let value = self.number(at)?;
        if value.fract() == 0.0 {
            return Ok(value);
        }
        Err(format!("expected a number of reads, found `{value}`"))
    }

    pub(super) fn limits(&self) -> &ReadLimits {
        &self.options.limits
    }
}

/// Calls `f` with every record after the header; lines that begin with `#` before it are comments.
///
/// # Errors
/// [`Error::File`] naming the line that cannot be read, or that `f` refuses.
pub(super) fn for_each(
    source: Source<'_>,
    mut f: impl FnMut(&Header, &Record<'_>) -> Result<(), String>,
) -> Result<()> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut header: Option<Header> = None;
    let mut n_records = 0_u64;
    Blocks::new(source)?.for_each_line(|line, bytes| {
        let at_line = |message| Error::line(&path, line, message);
        let Some(header) = &header else {
            if !bytes.starts_with(b"#") {
                header = Some(Header::parse(bytes));
            }
            return Ok(());
        };
        let fields = split(bytes, header.delimiter, Quotes::Enclose).map_err(at_line)?;
        let beyond = fields.iter().skip(header.names.len());
        if !beyond
            .into_iter()
            .all(|field| field.trim_ascii().is_empty())
        {
            return Err(at_line(format!(
                "expected {} fields as in the header, found {}",
                header.names.len(),
                fields.len()
            )));
        }
        n_records += 1;
        f(header, &Record { fields, options }).map_err(at_line)
    })?;
    if n_records == 0 {
        return Err(Error::file(path, "no rows follow the header"));
    }
    Ok(())
}
