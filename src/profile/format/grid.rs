//! A labelled table of numbers as text: rows → compressed sparse rows, in parallel and in order.

use std::borrow::Cow;

use rayon::prelude::*;

use super::limits::ReadLimits;
use super::lines::{Block, Blocks, is_blank, label, lines};
use super::number;
use super::options::{Decimal, Orientation};
use crate::{Error, Result};

/// How much text one task parses.
const TASK_BYTES: usize = 512 << 10;
/// Memory of a row beside its values, and of a value.
const ROW_BYTES: usize = 128;
const VALUE_BYTES: usize = 16;

/// Whether `"` encloses fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Enclose,
    Ordinary,
}

/// Whether every row must have the trailing texts of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trail {
    Exactly(usize),
    AtMost(usize),
}

/// Where the label, the texts and the numbers of a row stand.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    pub(super) quotes: Quotes,
    /// Fields before the first number, the label included.
    pub(super) lead: usize,
    /// The labels of the numbers.
    pub(super) columns: Vec<String>,
    /// Fields after the last number.
    pub(super) trail: Trail,
    /// Text fields to keep beside the label, counted from 0, and joined by `;`; a place that the
    /// table has not got is blank.
    pub(super) keep: Vec<Option<usize>>,
    /// For messages: which of row and column is the sample.
    pub(super) orientation: Option<Orientation>,
    pub(super) decimal: Decimal,
    /// Where the numbers stand, if not side by side behind the label and its texts.
    pub(super) pick: Option<Pick>,
}

/// Where the numbers of a row stand that has other columns between them.
#[derive(Debug, Clone)]
pub(super) struct Pick {
    pub(super) values: Vec<usize>,
    /// Columns without a name, which must be empty.
    pub(super) empty: Vec<usize>,
    pub(super) n_fields: usize,
}

impl Layout {
    /// The fields of a row.
    fn n_fields(&self) -> usize {
        let (Trail::Exactly(trail) | Trail::AtMost(trail)) = self.trail;
        match &self.pick {
            Some(pick) => pick.n_fields,
            None => self.lead + self.columns.len() + trail,
        }
    }
}

/// The rows of a text as they stand in it.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) rows: Vec<String>,
    /// The field that [`Layout::keep`] named, one per row.
    pub(super) kept: Vec<String>,
    /// The line of each row.
    pub(super) row_lines: Vec<u64>,
    pub(super) indptr: Vec<usize>,
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<f64>,
    /// Whether any label had to be read as Latin-1.
    pub(super) has_latin_1: bool,
}

/// What went wrong in a task; lines are counted from its start.
struct Fault {
    line: u64,
    message: String,
}

/// One parsed stretch of lines.
#[derive(Default)]
struct Stretch {
    grid: Grid,
    n_lines: u64,
}

/// Parses all rows after the header: what is left of `first`, then all further blocks.
///
/// # Errors
/// [`Error::File`] naming line, sample and taxon of the first row that is not as `layout` says.
pub(super) fn read(mut blocks: Blocks<'_>, first: Block, layout: &Layout) -> Result<Grid> {
    let limits = &blocks.options().limits;
    let path = blocks.path().to_path_buf();
    let mut grid = Grid {
        indptr: vec![0],
        ..Grid::default()
    };
    let mut current = Some(first);
    while let Some(block) = current.take() {
        let (parsed, next) = rayon::join(
            || parse_block(&block, layout, limits),
            || blocks.next_block(1),
        );
        let mut line = block.first_line;
        for stretch in parsed {
            match stretch {
                Ok(stretch) => line = grid.append(stretch, line),
                Err(fault) => return Err(Error::line(path, line + fault.line, fault.message)),
            }
        }
        grid.check(limits)
            .map_err(|message| Error::file(&path, message))?;
        blocks.check_held(grid.n_held())?;
        current = next?;
    }
    Ok(grid)
}

impl Grid {
    fn append(&mut self, stretch: Stretch, first_line: u64) -> u64 {
        let before = self.values.len();
        let part = stretch.grid;
        self.rows.extend(part.rows);
        self.kept.extend(part.kept);
        self.row_lines
            .extend(part.row_lines.iter().map(|line| line + first_line));
        self.indptr
            .extend(part.indptr.iter().map(|end| end + before));
        self.indices.extend_from_slice(&part.indices);
        self.values.extend_from_slice(&part.values);
        self.has_latin_1 |= part.has_latin_1;
        first_line + stretch.n_lines
    }

    /// About how many bytes the grid takes.
    fn n_held(&self) -> u64 {
        (self.rows.len() * ROW_BYTES + self.values.len() * VALUE_BYTES) as u64
    }

    fn check(&self, limits: &ReadLimits) -> Result<(), String> {
        if self.values.len() as u64 > limits.nonzeros {
            return Err(format!(
                "more than the {} abundances allowed by `limits.nonzeros`",
                limits.nonzeros
            ));
        }
        if self.rows.len() > limits.axis {
            return Err(format!(
                "more than the {} rows allowed by `limits.axis`",
                limits.axis
            ));
        }
        Ok(())
    }
}

fn parse_block(block: &Block, layout: &Layout, limits: &ReadLimits) -> Vec<Result<Stretch, Fault>> {
    let mut tasks = Vec::new();
    let mut rest = block.bytes.as_slice();
    while !rest.is_empty() {
        let at_least = TASK_BYTES.min(rest.len());
        let end = memchr::memchr(b'\n', rest.get(at_least - 1..).unwrap_or_default())
            .map_or(rest.len(), |at| at_least + at);
        let (task, after) = rest.split_at(end);
        tasks.push(task);
        rest = after;
    }
    tasks
        .into_par_iter()
        .map(|task| parse_stretch(task, layout, limits))
        .collect()
}

fn parse_stretch(bytes: &[u8], layout: &Layout, limits: &ReadLimits) -> Result<Stretch, Fault> {
    let mut stretch = Stretch::default();
    for line in lines(bytes) {
        if !is_blank(line, layout.delimiter) {
            parse_row(line, layout, limits, &mut stretch.grid).map_err(|message| Fault {
                line: stretch.n_lines,
                message,
            })?;
            stretch.grid.row_lines.push(stretch.n_lines);
        }
        stretch.n_lines += 1;
    }
    Ok(stretch)
}

fn parse_row(
    line: &[u8],
    layout: &Layout,
    limits: &ReadLimits,
    grid: &mut Grid,
) -> Result<(), String> {
    let quoted = layout.quotes == Quotes::Enclose && memchr::memchr(b'"', line).is_some();
    let bytes = if quoted || layout.pick.is_some() || layout.decimal == Decimal::Comma {
        parse_divided_row(line, layout, grid)?
    } else {
        parse_plain_row(line, layout, grid)?
    };
    grid.has_latin_1 |= std::str::from_utf8(&bytes).is_err();
    let name = label(&bytes, limits)?;
    if name.is_empty() {
        return Err("the row has no label".to_owned());
    }
    grid.rows.push(name);
    grid.indptr.push(grid.values.len());
    Ok(())
}

/// Parses a row without quotes and gives the bytes of its label.
fn parse_plain_row<'a>(
    line: &'a [u8],
    layout: &Layout,
    grid: &mut Grid,
) -> Result<Cow<'a, [u8]>, String> {
    let delimiter = layout.delimiter;
    let mut delimiters = memchr::memchr_iter(delimiter, line);
    let ragged = || ragged(layout, memchr::memchr_iter(delimiter, line).count() + 1);
    let name_end = delimiters.next().ok_or_else(ragged)?;
    let mut start = name_end + 1;
    for _ in 1..layout.lead {
        start = delimiters.next().ok_or_else(ragged)? + 1;
    }
    let row_label = line.get(..name_end).unwrap_or_default();
    let rest = line.get(start..).unwrap_or_default();
    let end = parse_values(rest, layout, grid).map_err(|fault| match fault {
        ValueFault::TooFew => ragged(),
        ValueFault::Value(column, message) => describe(layout, row_label, column, &message),
    })?;
    let after = rest.get(end..).unwrap_or_default();
    let n_trailing = memchr::memchr_iter(delimiter, after).count();
    let (Trail::Exactly(n) | Trail::AtMost(n)) = layout.trail;
    let beyond = after.split(|&byte| byte == delimiter).skip(n + 1);
    let beyond_is_blank = beyond.flatten().all(u8::is_ascii_whitespace);
    let fits = trail_fits(layout.trail, n_trailing) || (n_trailing > n && beyond_is_blank);
    if !fits {
        return Err(ragged());
    }
    if !layout.keep.is_empty() {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == delimiter).collect();
        let text = |at: usize| fields.get(at).copied();
        grid.kept.push(kept_texts(&layout.keep, text));
    }
    Ok(Cow::Borrowed(row_label))
}

enum ValueFault {
    TooFew,
    Value(usize, String),
}

/// Parses `layout.columns.len()` numbers from the start of `rest`; gives where they end.
///
/// Zeros are nine values of ten, so runs of `0` or `0.0` are skipped eight bytes at a time.
fn parse_values(rest: &[u8], layout: &Layout, grid: &mut Grid) -> Result<usize, ValueFault> {
    let d = layout.delimiter;
    let n_columns = layout.columns.len();
    let four_zeros = [b'0', d, b'0', d, b'0', d, b'0', d];
    let two_zeros = [b'0', b'.', b'0', d, b'0', b'.', b'0', d];
    let mut at = 0;
    let mut column = 0;
    while column < n_columns {
        if let Some(ahead) = rest.get(at..at + 8) {
            if ahead == four_zeros && column + 4 < n_columns {
                at += 8;
                column += 4;
                continue;
            }
            if ahead == two_zeros && column + 2 < n_columns {
                at += 8;
                column += 2;
                continue;
            }
        }
        let field_start = at;
        while rest.get(at).is_some_and(|&byte| byte != d) {
            at += 1;
        }
        let field = rest.get(field_start..at).unwrap_or_default();
        if field != b"0" {
            let value =
                number::abundance(field).map_err(|message| ValueFault::Value(column, message))?;
            if value != 0.0 {
                grid.indices.push(column as u32);
                grid.values.push(value);
            }
        }
        column += 1;
        if column < n_columns {
            if at >= rest.len() {
                return Err(ValueFault::TooFew);
            }
            at += 1;
        }
    }
    Ok(at)
}

/// Parses a row of which every field is divided from the next.
fn parse_divided_row<'a>(
    line: &'a [u8],
    layout: &Layout,
    grid: &mut Grid,
) -> Result<Cow<'a, [u8]>, String> {
    let mut fields = split(line, layout.delimiter, layout.quotes)?;
    let n_found = fields.len();
    let n_fields = layout.n_fields();
    let is_blank = |field: &Cow<'_, [u8]>| field.trim_ascii().is_empty();
    while fields.len() > n_fields && fields.last().is_some_and(is_blank) {
        fields.pop();
    }
    let fits = match (&layout.pick, layout.trail) {
        (None, Trail::AtMost(n)) => (n_fields - n..=n_fields).contains(&fields.len()),
        (None, Trail::Exactly(_)) => fields.len() == n_fields,
        // Empty fields at the end of a row may be missing.
        (Some(pick), _) => {
            let least = pick.values.last().map_or(0, |&last| last + 1);
            (least..=n_fields).contains(&fields.len())
        }
    };
    if !fits {
        return Err(ragged(layout, n_found));
    }
    let row_label = fields.first().cloned().unwrap_or_default();
    let position = |column: usize| match &layout.pick {
        Some(pick) => pick.values.get(column).copied(),
        None => Some(layout.lead + column),
    };
    for column in 0..layout.columns.len() {
        let field = position(column).and_then(|at| fields.get(at));
        let field = field.map_or(&[][..], |field| &field[..]);
        let value = match layout.decimal {
            Decimal::Point => number::abundance(field),
            Decimal::Comma => number::abundance_with_comma(field),
        };
        let value = value.map_err(|message| {
            let message = if layout.delimiter == b',' {
                in_commas(field, message)
            } else {
                message
            };
            describe(layout, &row_label, column, &message)
        })?;
        if value != 0.0 {
            grid.indices.push(column as u32);
            grid.values.push(value);
        }
    }
    if let Some(pick) = &layout.pick {
        let filled = pick.empty.iter().find_map(|&at| {
            fields
                .get(at)
                .filter(|field| !is_blank(field))
                .map(|f| (at, f))
        });
        if let Some((at, field)) = filled {
            return Err(format!(
                "column {} has no name and holds `{}`: name it or take it out",
                at + 1,
                number::shown(field)
            ));
        }
    }
    if !layout.keep.is_empty() {
        let text = |at: usize| fields.get(at).map(|text| &text[..]);
        grid.kept.push(kept_texts(&layout.keep, text));
    }
    Ok(row_label)
}

/// The texts at these places, joined by `;`; of several, those that are missing are blank.
pub(super) fn kept_texts<'a>(
    keep: &[Option<usize>],
    text: impl Fn(usize) -> Option<&'a [u8]>,
) -> String {
    let texts = keep.iter().map(|&at| {
        let text = at.and_then(&text).unwrap_or_default();
        let text = String::from_utf8_lossy(text).trim().to_owned();
        if keep.len() > 1 && number::is_missing(&text) {
            String::new()
        } else {
            text
        }
    });
    texts.collect::<Vec<_>>().join(";")
}

/// Commas divide the fields, so that one inside a field before three digits divides thousands.
fn in_commas(field: &[u8], message: String) -> String {
    let text = String::from_utf8_lossy(field);
    if number::may_have_thousands(text.trim()) {
        format!(
            "found `{}`, a number with a thousands separator: write it without",
            number::shown(field)
        )
    } else {
        message
    }
}

/// The fields of a line.
///
/// # Errors
/// Where a quoted field does not end on its line.
pub(super) fn split(
    line: &[u8],
    delimiter: u8,
    quotes: Quotes,
) -> Result<Vec<Cow<'_, [u8]>>, String> {
    if quotes == Quotes::Ordinary || memchr::memchr(b'"', line).is_none() {
        return Ok(line
            .split(|&byte| byte == delimiter)
            .map(Cow::Borrowed)
            .collect());
    }
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let end = if let Some(inside) = rest.strip_prefix(b"\"") {
            let (field, used) = quoted_field(inside)?;
            fields.push(field);
            let used = used + 1;
            match rest.get(used) {
                None => used,
                Some(&byte) if byte == delimiter => used,
                Some(_) => return Err("text after the closing quote of a field".to_owned()),
            }
        } else {
            let end = memchr::memchr(delimiter, rest).unwrap_or(rest.len());
            fields.push(Cow::Borrowed(rest.get(..end).unwrap_or_default()));
            end
        };
        match rest.get(end + 1..) {
            Some(after) if end < rest.len() => rest = after,
            _ => return Ok(fields),
        }
    }
}

/// The text up to the closing quote, `""` standing for `"`, and the bytes used.
fn quoted_field(inside: &[u8]) -> Result<(Cow<'_, [u8]>, usize), String> {
    let mut text = Vec::new();
    let mut from = 0;
    loop {
        let Some(at) = memchr::memchr(b'"', inside.get(from..).unwrap_or_default()) else {
            return Err("a quoted field does not end on its line".to_owned());
        };
        let end = from + at;
        text.extend_from_slice(inside.get(from..end).unwrap_or_default());
        if inside.get(end + 1) == Some(&b'"') {
            text.push(b'"');
            from = end + 2;
        } else {
            return Ok((Cow::Owned(text), end + 1));
        }
    }
}

fn trail_fits(trail: Trail, n_trailing: usize) -> bool {
    match trail {
        Trail::Exactly(n) => n_trailing == n,
        Trail::AtMost(n) => n_trailing <= n,
    }
}

fn ragged(layout: &Layout, n_found: usize) -> String {
    format!(
        "expected {} fields as in the header, found {n_found}",
        layout.n_fields()
    )
}

fn describe(layout: &Layout, row: &[u8], column: usize, message: &str) -> String {
    let row = number::shown(row);
    let column = layout.columns.get(column).map_or("", String::as_str);
    match layout.orientation {
        Some(Orientation::TaxaInRows) => format!("sample `{column}`, taxon `{row}`: {message}"),
        Some(Orientation::SamplesInRows) => format!("sample `{row}`, taxon `{column}`: {message}"),
        None => format!("row `{row}`, column `{column}`: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_are_split_as_the_csv_crate_does() {
        for line in [
            "a,b,c",
            "\"a,1\",b,\"\"",
            "\"say \"\"x\"\"\",2",
            "\"\",,",
            "x",
        ] {
            let ours: Vec<String> = split(line.as_bytes(), b',', Quotes::Enclose)
                .unwrap()
                .iter()
                .map(|field| String::from_utf8_lossy(field).into_owned())
                .collect();
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(line.as_bytes());
            let theirs = reader.records().next().unwrap().unwrap();
            assert_eq!(ours, theirs.iter().collect::<Vec<_>>(), "{line}");
        }
        assert!(split(b"\"a,b", b',', Quotes::Enclose).is_err());
        assert!(split(b"\"a\"b,c", b',', Quotes::Enclose).is_err());
    }
}
